"""The second check's pictures: dose, difference and gamma where the dose is highest and where they differ most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hdrplan.report.themed import inked, screen_svg
from hdrplan.workflow import GridCheck

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hdrplan.arrays import FloatArray

__all__ = ["check_figures", "figure_sentences"]

# Not judged, and at full scale: two greys that no colour map here contains, so that no judged voxel looks like them.
_BELOW, _FULL = "#c4c4c4", "#7d8a95"
_MARK = "#111111"


def figure_sentences(grid: GridCheck) -> list[str]:
    """Return how the pictures are read.

    Parameters
    ----------
    grid : GridCheck
    """
    unwritten = int(grid.unwritten_zyx.sum())
    full = f" Dark grey: at the full scale of the TPS's grid ({grid.left_out} voxels)." if grid.left_out else ""
    full += f" Dark grey beside dwells: the TPS wrote 0 Gy ({unwritten} voxels)." if unwritten else ""
    return [
        "Differences are recomputed over TPS, minus 1, as in the tables: red where the recomputed dose is higher.",
        f"Light grey: both doses below {grid.threshold_gy:.3g} Gy, not judged.{full} Every other voxel "
        "of these slices is judged, and its gamma computed.",
        f"Of all judged voxels the median difference is {100 * grid.median_frac:+.3f} %, and 95 % of them differ by "
        f"no more than {100 * grid.p95_frac:.3f} %. The circle marks the largest difference.",
    ]


def _relative(grid: GridCheck) -> FloatArray:
    """Recomputed over TPS, minus 1, in percent; NaN where not judged."""
    tps = np.maximum(grid.tps.values_zyx.astype(np.float64), 1e-9)
    return np.where(grid.judged_zyx, 100 * (grid.recomputed.values_zyx / tps - 1.0), np.nan)


def check_figures(grid: GridCheck) -> list[tuple[str, str]]:
    """Return name and picture (SVG) of each slice that is shown, and of the histograms.

    Parameters
    ----------
    grid : GridCheck
    """
    relative = _relative(grid)
    size = max(0.5, float(np.quantile(np.abs(relative[grid.judged_zyx]), 0.99)))
    worst_z = grid.worst.index_zyx[0]
    slices = {grid.hottest_z: "highest dose"}
    slices[worst_z] = "largest difference" if worst_z != grid.hottest_z else "highest dose and largest difference"
    pictures = []
    with inked():
        for z, name in slices.items():
            figure, axes = _panel(3)
            _maps(figure, axes, grid, (relative[z], size), z)
            pictures.append((f"Slice {z + 1} of {len(grid.judged_zyx)}: {name}", screen_svg(figure)))
        figure, axes = _panel(2)
        _histograms(axes, grid, relative, size)
        pictures.append(("All judged voxels", screen_svg(figure)))
    return pictures


def _panel(columns: int) -> tuple[Figure, list[Axes]]:
    import matplotlib

    matplotlib.use("Agg", force=False)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.2 if columns == 3 else 2.4), layout="constrained")
    return figure, list(figure.subplots(1, columns))


def _maps(figure: Figure, axes: list[Axes], grid: GridCheck, difference: tuple[FloatArray, float], z: int) -> None:
    """Draw one slice: its dose, difference (percent, and the end of the scale) and gamma."""
    from matplotlib.colors import ListedColormap

    relative, size = difference
    judged, box = grid.judged_zyx[z], grid.tps.grid
    nx, ny = judged.shape[1], judged.shape[0]
    dx, dy = float(box.spacing_mm[0]), float(box.spacing_mm[1])
    extent = (-0.5 * dx, (nx - 0.5) * dx, (ny - 0.5) * dy, -0.5 * dy)
    # Next to the dwells the dose is without bound: 2 % of the slice may be brighter than the scale.
    held = grid.tps.values_zyx[z][judged]
    top = float(np.quantile(held, 0.98)) if len(held) else 1.0
    dose = np.where(judged, grid.tps.values_zyx[z], np.nan)
    for axis, image, title, limits, colours, extend in (
        (axes[0], dose, "TPS dose (Gy)", (0.0, top), "viridis", "max"),
        (axes[1], relative, "recomputed / TPS - 1 (%)", (-size, size), "RdBu_r", "both"),
        (axes[2], np.where(judged, grid.gamma_zyx[z], np.nan), "gamma", (0.0, 1.5), "cividis", "max"),
    ):
        axis.set_facecolor(_BELOW)
        full = np.where(grid.full_scale_zyx[z] | grid.unwritten_zyx[z], 1.0, np.nan)
        axis.imshow(full, cmap=ListedColormap([_FULL]), extent=extent, interpolation="nearest")
        shown = axis.imshow(image, vmin=limits[0], vmax=limits[1], cmap=colours, extent=extent, interpolation="nearest")
        axis.set_title(title, fontsize=9.5)
        axis.set_xlabel("mm along the rows", fontsize=8)
        axis.set_ylabel("mm along the columns", fontsize=8)
        axis.tick_params(labelsize=8)
        figure.colorbar(shown, ax=axis, shrink=0.85, extend=extend)
        if z == grid.worst.index_zyx[0]:
            y, x = grid.worst.index_zyx[1:]
            axis.plot(x * dx, y * dy, "o", mfc="none", mec="white", ms=11, mew=3)
            axis.plot(x * dx, y * dy, "o", mfc="none", mec=_MARK, ms=11, mew=1.2)


def _histograms(axes: list[Axes], grid: GridCheck, relative: FloatArray, size: float) -> None:
    values = relative[grid.judged_zyx]
    axes[0].hist(values.clip(-size, size), bins=81, range=(-size, size), color="#2e8fd0")
    axes[0].set(xlabel="recomputed / TPS - 1 (%); the ends hold what lies beyond", ylabel="voxels", yscale="log")
    axes[1].hist(grid.gamma_zyx[np.isfinite(grid.gamma_zyx)].clip(0, 1.5), bins=60, range=(0, 1.5), color="#0a9b76")
    axes[1].axvline(1.0, color="#a3231c", lw=1)
    axes[1].set(xlabel="gamma; the right end holds what lies beyond", ylabel="voxels", yscale="log")
    for axis in axes:
        axis.set_ylim(bottom=0.7)
