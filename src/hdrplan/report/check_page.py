"""The second check as one page: verdict, comparisons, maps."""

from __future__ import annotations

import base64
import io
import math

import numpy as np

from hdrplan.plan import BrachyPlan
from hdrplan.report.check_text import verdict_text
from hdrplan.report.page import page
from hdrplan.sources import TG43Source
from hdrplan.workflow import CheckRow, GridCheck, SecondCheck

__all__ = ["check_html"]


def check_html(check: SecondCheck, brachy: BrachyPlan, *, title: str, version: str) -> str:
    """Return one self-contained page; every text of the file is escaped, nothing is loaded.

    Parameters
    ----------
    check : SecondCheck
    brachy : BrachyPlan
    title : str
        Without patient data: the caller decides what it names.
    version : str
    """
    grid = check.grid
    return page(
        "check.html.j2",
        title=title,
        version=version,
        pictures=True,
        check=check,
        verdict=verdict_text(check),
        facts=_facts(brachy, check.source, version),
        rows=[_cells(row) for row in check.rows],
        figure=_figure(grid) if grid is not None else "",
        figure_text=_figure_text(grid) if grid is not None else "",
        citation=check.source.citation,
        gamma_text=check.tolerances.gamma.text,
        unmodelled=", ".join(brachy.unmodelled),
    )


def _facts(brachy: BrachyPlan, source: TG43Source, version: str) -> list[tuple[str, str]]:
    when = brachy.source.reference_time
    dwells = sum(len(channel.times_s) for channel in brachy.channels)
    pulses = max(channel.pulses for channel in brachy.channels)
    return [
        ("Plan", f"{brachy.treatment_type or 'type not stated'}, {brachy.dialect} file"),
        ("Channels", f"{len(brachy.channels)} with {dwells} dwells" + (f", {pulses} pulses" if pulses > 1 else "")),
        ("Total time", f"{brachy.total_time_s:.1f} s"),
        ("Source named in the file", brachy.source.text or "not stated"),
        ("Source data used", f"{source.name}: {source.model}"),
        ("Air-kerma strength", f"{brachy.source.strength_u:g} U" + (f" on {when:%Y-%m-%d %H:%M}" if when else "")),
        (
            "Half-life in the file",
            f"{brachy.source.half_life_days:g} d; the times are for the strength above, without decay",
        ),
        ("Made by", f"hdrplan {version}"),
    ]


def _cells(row: CheckRow) -> dict[str, str]:
    def number(value: float) -> str:
        return "" if math.isnan(value) else f"{value:.5g}"

    return {
        "quantity": row.quantity,
        "unit": row.unit,
        "tps": number(row.tps),
        "recomputed": number(row.recomputed),
        "difference": "" if math.isnan(row.difference_frac) else f"{100 * row.difference_frac:+.3f} %",
        "tolerance": row.tolerance,
        "state": {"pass": "met", "warn": "met", "fail": "missed", "not judged": "unknown"}[row.verdict],
        "word": {"warn": "pass, warning"}.get(row.verdict, row.verdict),
    }


def _relative(grid: GridCheck) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = grid.tps.values_zyx.astype(np.float64) / grid.recomputed.values_zyx - 1.0
    return np.where(grid.judged_zyx, relative, np.nan)


def _figure_text(grid: GridCheck) -> str:
    return (
        f"Difference between recomputed and TPS dose: median {100 * grid.median_frac:+.3f} %, and within "
        f"{100 * grid.p95_frac:.3f} % in 95 % of the voxels. White voxels are not judged: their dose is below the "
        f"threshold or at full scale ({grid.left_out} voxels)."
    )


def _figure(grid: GridCheck) -> str:
    """Three maps of the slice with the highest judged dose, and two histograms, as base64 of a PNG."""
    import matplotlib

    matplotlib.use("Agg", force=False)
    from matplotlib.figure import Figure

    relative = 100 * _relative(grid)
    hottest = int(np.where(grid.judged_zyx, grid.recomputed.values_zyx, 0).argmax())
    z = int(np.unravel_index(hottest, grid.judged_zyx.shape)[0])
    spacing = grid.tps.grid.spacing_mm
    ny, nx = grid.judged_zyx.shape[1:]
    extent = (0.0, nx * spacing[0], ny * spacing[1], 0.0)
    # Next to the dwells the dose is without bound: 2 % of the slice may be brighter than the scale.
    top = float(np.quantile(grid.tps.values_zyx[z][grid.judged_zyx[z]], 0.98))
    size = max(0.5, float(np.nanquantile(np.abs(relative), 0.99)))
    # Gamma is judged at every n-th voxel: the slice with the most of them.
    counts = np.isfinite(grid.gamma_zyx).sum(axis=(1, 2))
    z_gamma = z if counts[z] else int(counts.argmax())
    figure = Figure(figsize=(11, 6), dpi=100, layout="constrained")
    axes = figure.subplots(2, 3)
    for axis, image, name, low, high, colours in (
        (axes[0, 0], np.where(grid.judged_zyx[z], grid.tps.values_zyx[z], np.nan), "TPS dose (Gy)", 0, top, "viridis"),
        (axes[0, 1], relative[z], "TPS / recomputed - 1 (%)", -size, size, "RdBu_r"),
        (axes[0, 2], grid.gamma_zyx[z_gamma], "gamma", 0, 1.5, "cividis"),
    ):
        shown = axis.imshow(image, vmin=low, vmax=high, cmap=colours, extent=extent, interpolation="nearest")
        axis.set_title(name, fontsize=10)
        axis.set_xlabel("mm")
        figure.colorbar(shown, ax=axis, shrink=0.8)
    axes[1, 0].axis("off")
    axes[1, 1].hist(relative[np.isfinite(relative)].clip(-size, size), bins=81, range=(-size, size), color="#2e8fd0")
    axes[1, 1].set(xlabel="difference (%)", ylabel="voxels", yscale="log")
    axes[1, 2].hist(grid.gamma_zyx[np.isfinite(grid.gamma_zyx)], bins=60, range=(0, 1.5), color="#0a9b76")
    axes[1, 2].axvline(1.0, color="#a3231c", lw=1)
    axes[1, 2].set(xlabel="gamma", ylabel="voxels", yscale="log")
    text = (
        f"slice {z + 1} of {grid.judged_zyx.shape[0]} (highest dose)\n"
        f"{int(grid.judged_zyx.sum())} voxels judged\n{100 * grid.gamma_pass_frac:.2f} % with gamma <= 1"
    )
    axes[1, 0].text(0.0, 0.9, text, va="top", fontsize=11)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return base64.b64encode(stream.getvalue()).decode()
