"""Power against effect, one panel a cohort size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hdrplan.errors import InputError
from hdrplan.report.layout import save_figure
from hdrplan.report.palette import OTHER_COLOURS
from hdrplan.simulate import TESTS, PowerPoint

__all__ = ["power_figure"]


def power_figure(points: Sequence[PowerPoint], path: Path) -> None:
    """Draw rejections at 5 % against the hazard ratio per Gy, with Monte Carlo intervals.

    Parameters
    ----------
    points : sequence of PowerPoint
    path : Path
        .png, .svg or .pdf.
    """
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise InputError("a picture must be .png, .svg or .pdf", got=path.suffix or "no ending", where=path)
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    sizes = list(dict.fromkeys((p.n_hcc, p.n_crlm) for p in points))
    with rc_context({"font.size": 9.0, "svg.hashsalt": "hdrplan", "axes.axisbelow": True}):
        figure = Figure(figsize=(4.4 * len(sizes) + 1.5, 4.2), dpi=140, layout="constrained")
        FigureCanvasAgg(figure)
        for axes, size in zip(figure.subplots(1, len(sizes), squeeze=False, sharey=True)[0], sizes, strict=True):
            own = sorted((p for p in points if (p.n_hcc, p.n_crlm) == size), key=lambda p: -p.hazard_ratio_per_gy)
            at = [p.hazard_ratio_per_gy for p in own]
            for test, colour, mark in zip(TESTS, OTHER_COLOURS, "osD^", strict=False):
                heights = [100 * p.rejected_frac[test] for p in own]
                errors = [196 * p.standard_error(test) for p in own]
                axes.errorbar(at, heights, errors, color=colour, marker=mark, ms=5, capsize=3, label=TESTS[test])
            axes.axhline(5, color="0.4", lw=1, ls="--")
            axes.axhline(80, color="0.4", lw=1, ls=":")
            axes.set(xlabel="Hazard ratio of recurrence per Gy of D100 (1: no effect)", ylim=(0, 102))
            axes.invert_xaxis()
            axes.set_title(f"{size[0]} HCC + {size[1]} CRLM, {own[0].lesions:.0f} lesions, {own[0].events:.0f} events")
            axes.grid(color="0.9")
        figure.axes[0].set_ylabel("Studies that reject at 5 % (%)")
        figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
        save_figure(figure, path)
