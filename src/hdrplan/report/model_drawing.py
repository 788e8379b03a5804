"""Pictures of a model-based dose: media, correction factor and dose in three planes, DVHs with their band."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import numpy as np

from hdrplan.geometry import Volume
from hdrplan.report.palette import styles_of
from hdrplan.report.themed import inked, screen_svg
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


def plane_pictures(result: ModelDose) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return captions of three planes through the middle of the dwells' time, each with its pictures.

    Parameters
    ----------
    result : ModelDose

    Returns
    -------
    list of (str, list of (str, str))
        Caption of a plane; what each of its pictures shows, and the picture as base64 of an SVG.
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
        (f"Plane {k + 1} of 3, {name}", _pictures(result, place, axes, turned=turned))
        for k, (name, place, axes, turned) in enumerate(planes)
    ]


def _pictures(
    result: ModelDose, place: tuple[int | slice, ...], along: tuple[int, int], *, turned: bool
) -> list[tuple[str, str]]:
    grid = result.factor.grid
    width, height = (float(grid.spacing_mm[axis]) for axis in along)
    factor = result.factor.values_zyx[place]
    dose = result.dose.values_zyx[place]
    medium = _media(result, place)
    # Rows of an axial slice run to the back; of the other planes from the feet up.
    rows, columns = factor.shape
    extent = (0.0, columns * width, rows * height, 0.0) if turned else (0.0, columns * width, 0.0, rows * height)
    origin: Literal["upper", "lower"] = "upper" if turned else "lower"
    counted = dose >= result.counted_gy / 2.0
    percent = np.where(counted, 100.0 * (factor - 1.0), np.nan)
    held = percent[np.isfinite(percent)]
    size = max(2.0, min(25.0, float(np.quantile(np.abs(held), 0.98)))) if len(held) else 2.0
    top = float(np.quantile(dose, 0.995))
    inches = 3.6 if turned else 2.9
    with _drawn(4.2, inches) as (figure, axis):
        _media_panel(axis, medium, result, extent, origin)
    pictures = [("media", _svg(figure))]
    for image, title, limits, colours, extend in (
        (percent, "D_m,m / TG-43 - 1 (%)", (-size, size), "RdBu_r", "both"),
        (np.where(medium < 0, np.nan, dose), "D_m,m (Gy)", (0.0, top), "viridis", "max"),
    ):
        with _drawn(4.2, inches) as (figure, axis):
            axis.set_facecolor(_BELOW)
            shown = axis.imshow(
                image, vmin=limits[0], vmax=limits[1], cmap=colours, extent=extent, origin=origin,
                interpolation="nearest",
            )  # fmt: skip
            axis.set_title(title)
            axis.set_xlabel("mm")
            figure.colorbar(shown, ax=axis, shrink=0.8, extend=extend)
        pictures.append((title, _svg(figure)))
    return pictures


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
    axis.set_title("media")
    axis.legend(
        handles=[Patch(fc=c, ec="#555", label=names[n].replace("_", " ")) for c, n in zip(colours, used, strict=True)],
        fontsize=7.5, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=4, frameon=False, handlelength=1.0,
    )  # fmt: skip


def curves_picture(result: ModelDose) -> str:
    """Return the DVHs of the CTVs and of the organs with the highest dose, base64 of an SVG: TG-43 and D_m,m with band.

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
    end = max(s.medium_curve.dose_at_frac(0.3 if s.role == "CTV" else 0.02) for s in chosen)
    doses = np.linspace(0.0, end, 400)
    with _drawn(11.0, 4.4) as (figure, axis):
        for structure in chosen:
            colour = styles[structure.name]["colour"]
            low, high = (
                100.0 * curve.volume_frac_at_gy(doses)
                for curve in (structure.medium_low_curve, structure.medium_high_curve)
            )
            axis.fill_between(doses, low, high, color=colour, alpha=0.25, lw=0)
            axis.plot(
                doses,
                100.0 * structure.medium_curve.volume_frac_at_gy(doses),
                color=colour,
                lw=1.6,
                label=structure.name,
            )
            axis.plot(
                doses, 100.0 * structure.tg43_curve.volume_frac_at_gy(doses), color=colour, lw=1.2, ls=(0, (4, 2))
            )
        axis.set(xlabel="dose (Gy): solid D_m,m with a band of two standard errors, dashed TG-43", ylabel="volume (%)",
                 xlim=(0.0, end), ylim=(0.0, 101.0))  # fmt: skip
        axis.legend(fontsize=8, frameon=False, loc="upper right")
    return _svg(figure)


@contextmanager
def _drawn(width: float, height: float) -> Iterator[tuple[Figure, Axes]]:
    """Give a figure, in inches, and its axes, to be drawn into in inks that follow the screen."""
    import matplotlib

    matplotlib.use("Agg", force=False)
    from matplotlib.figure import Figure

    with inked(font_size=9.0, axes_titlesize=9.5):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, figure.subplots()


def _svg(figure: Figure) -> str:
    return base64.b64encode(screen_svg(figure).encode()).decode()
