"""Pictures of a model-based dose: media, correction factor and dose in three planes, DVHs with their band."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Literal

import numpy as np

from hdrplan.geometry import Volume
from hdrplan.report.palette import styles_of
from hdrplan.workflow import ModelDose, ModelStructure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hdrplan.arrays import FloatArray

__all__ = ["curves_picture", "plane_pictures"]

# Beyond the body, and where the dose is of no consequence: a grey that no colour map here contains.
_BELOW = "#c4c4c4"
_MEDIA = (
    "#dfe7ee", "#8c4a3c", "#c9847a", "#d8b18a", "#f3e3a1", "#b23a48", "#7fb6d6", "#f7f7f2", "#c8bfae", "#9fc5a8",
    "#a06cd5", "#5f7a3d", "#cf7bb0", "#4f6d9b", "#e2903a", "#3f3f3f",
)  # fmt: skip
_CURVES = 7


def plane_pictures(result: ModelDose) -> list[tuple[str, str]]:
    """Return caption and picture (base64 of a PNG) of three planes through the middle of the dwells' time.

    Parameters
    ----------
    result : ModelDose
    """
    grid = result.factor.grid
    middle = np.average(result.setting.dwells.positions_mm, axis=0, weights=result.setting.times_s)
    x, y, z = np.clip(np.rint(grid.index(middle)).astype(int), 0, np.array(grid.shape_zyx[::-1]) - 1).tolist()
    planes = (
        ("across the body", (z, slice(None), slice(None)), (0, 1), True),
        ("seen from the front", (slice(None), y, slice(None)), (0, 2), False),
        ("seen from the left", (slice(None), slice(None), x), (1, 2), False),
    )
    return [
        (f"Plane {k + 1} of 3, {name}", _picture(result, place, axes, turned=turned))
        for k, (name, place, axes, turned) in enumerate(planes)
    ]


def _picture(result: ModelDose, place: tuple[int | slice, ...], along: tuple[int, int], *, turned: bool) -> str:
    figure, axes = _panel(3, 3.6 if turned else 2.8)
    grid = result.factor.grid
    width, height = (float(grid.spacing_mm[axis]) for axis in along)
    factor = result.factor.values_zyx[place]
    dose = result.dose.values_zyx[place]
    medium = _media(result, place)
    # Rows of an axial slice run to the back; of the other planes from the feet up.
    rows, columns = factor.shape
    extent = (0.0, columns * width, rows * height, 0.0) if turned else (0.0, columns * width, 0.0, rows * height)
    origin: Literal["upper", "lower"] = "upper" if turned else "lower"
    _media_panel(axes[0], medium, result, extent, origin)
    counted = dose >= result.counted_gy / 2.0
    percent = np.where(counted, 100.0 * (factor - 1.0), np.nan)
    held = percent[np.isfinite(percent)]
    size = max(2.0, min(25.0, float(np.quantile(np.abs(held), 0.98)))) if len(held) else 2.0
    top = float(np.quantile(dose, 0.995))
    for axis, image, title, limits, colours, extend in (
        (axes[1], percent, "D_m,m / TG-43 - 1 (%)", (-size, size), "RdBu_r", "both"),
        (axes[2], np.where(medium < 0, np.nan, dose), "D_m,m (Gy)", (0.0, top), "viridis", "max"),
    ):
        axis.set_facecolor(_BELOW)
        shown = axis.imshow(
            image, vmin=limits[0], vmax=limits[1], cmap=colours, extent=extent, origin=origin, interpolation="nearest"
        )
        axis.set_title(title, fontsize=9.5)
        axis.tick_params(labelsize=8)
        axis.set_xlabel("mm", fontsize=8)
        figure.colorbar(shown, ax=axis, shrink=0.8, extend=extend)
    return _png(figure)


def _media(result: ModelDose, place: tuple[int | slice, ...]) -> FloatArray:
    """Return the numbers of the media in a plane of the factor's grid, -1 outside the body."""
    media, grid = result.setting.media, result.factor.grid
    # All voxels of the grid would take a hundred megabytes.
    sides = [np.atleast_1d(np.arange(n)[side]) for n, side in zip(grid.shape_zyx, place, strict=True)]
    z, y, x = np.meshgrid(*sides, indexing="ij")
    points = grid.world(np.stack((x, y, z), axis=-1).reshape(-1, 3))
    at, dense = media.medium_at(points), Volume(media.grid, media.density_g_per_cc_zyx).at(points)
    numbers = np.where((at == media.names.index(media.outside)) & (dense < 0.01), -1, at)
    return numbers.reshape(result.factor.values_zyx[place].shape)


def _media_panel(
    axis: Axes,
    medium: FloatArray,
    result: ModelDose,
    extent: tuple[float, float, float, float],
    origin: Literal["upper", "lower"],
) -> None:
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    names = result.setting.media.names
    used = [int(number) for number in np.unique(medium) if number >= 0]
    shown = np.full(medium.shape, np.nan)
    for k, number in enumerate(used):
        shown[medium == number] = k
    colours = [_MEDIA[number % len(_MEDIA)] for number in used]
    axis.set_facecolor(_BELOW)
    axis.imshow(
        shown, cmap=ListedColormap(colours), vmin=-0.5, vmax=max(len(used) - 0.5, 0.5), extent=extent, origin=origin,
        interpolation="nearest",
    )  # fmt: skip
    axis.set_title("media", fontsize=9.5)
    axis.tick_params(labelsize=8)
    axis.legend(
        handles=[Patch(fc=c, ec="#555", label=names[n].replace("_", " ")) for c, n in zip(colours, used, strict=True)],
        fontsize=6.5, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=4, frameon=False, handlelength=1.0,
    )  # fmt: skip


def curves_picture(result: ModelDose) -> str:
    """Return the DVHs of the CTVs and of the organs with the highest dose: dashed TG-43, solid D_m,m with its band.

    Parameters
    ----------
    result : ModelDose
    """

    def first(s: ModelStructure) -> tuple[bool, float]:
        return s.role != "CTV", -s.medium_curve.dose_at_frac(0.02)

    styles = styles_of({s.name: s.role for s in result.structures})
    # A dash tells TG-43 here: of organs with one colour, the one with the highest dose is drawn.
    by_colour = {styles[s.name]["colour"]: s for s in sorted(result.structures, key=first, reverse=True)}
    chosen = sorted(by_colour.values(), key=first)[:_CURVES]
    figure, (axis,) = _panel(1, 4.4)
    end = max(s.medium_curve.dose_at_frac(0.3 if s.role == "CTV" else 0.02) for s in chosen)
    doses = np.linspace(0.0, end, 400)
    for structure in chosen:
        colour = styles[structure.name]["colour"]
        low, high = (
            100.0 * curve.volume_frac_at_gy(doses)
            for curve in (structure.medium_low_curve, structure.medium_high_curve)
        )
        axis.fill_between(doses, low, high, color=colour, alpha=0.25, lw=0)
        axis.plot(
            doses, 100.0 * structure.medium_curve.volume_frac_at_gy(doses), color=colour, lw=1.6, label=structure.name
        )
        axis.plot(doses, 100.0 * structure.tg43_curve.volume_frac_at_gy(doses), color=colour, lw=1.2, ls=(0, (4, 2)))
    axis.set(xlabel="dose (Gy): solid D_m,m with a band of two standard errors, dashed TG-43", ylabel="volume (%)",
             xlim=(0.0, end), ylim=(0.0, 101.0))  # fmt: skip
    axis.legend(fontsize=8, frameon=False, loc="upper right")
    return _png(figure)


def _panel(columns: int, height: float) -> tuple[Figure, list[Axes]]:
    import matplotlib

    matplotlib.use("Agg", force=False)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, height), dpi=110, layout="constrained")
    return figure, list(np.atleast_1d(figure.subplots(1, columns)))


def _png(figure: Figure) -> str:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return base64.b64encode(stream.getvalue()).decode()
