"""Coverage under uncertainty on one page: distribution of D100, bands of the DVH, what costs most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hdrplan.errors import InputError
from hdrplan.report.axes import line_style
from hdrplan.report.layout import save_figure
from hdrplan.report.palette import styles_of
from hdrplan.report.themed import FAINT, INK, SOFT, themed_svg
from hdrplan.simulate import BAND_FRAC, COMPONENTS, Decomposition, RobustResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["organs_to_draw", "robust_figure", "robust_panels"]


def organs_to_draw(result: RobustResult) -> list[str]:
    """Return the four organs with the highest planned dose in 8 % of their volume."""
    organs = (name for name in result.nominal_gy if name not in result.prescriptions_gy)
    row = len(BAND_FRAC) // 8
    return sorted(organs, key=lambda name: -result.nominal_gy[name][row])[:4]


def robust_figure(result: RobustResult, organs: Sequence[str], decomposition: Decomposition | None, path: Path) -> None:
    """Draw the result of :func:`hdrplan.simulate.robust_coverage`.

    Parameters
    ----------
    result : RobustResult
    organs : sequence of str
        Organs whose DVH bands are drawn; more than six are too many to read.
    decomposition : Decomposition or None
    path : Path
        .png, .svg or .pdf.
    """
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise InputError("a picture must be .png, .svg or .pdf", got=path.suffix or "no ending", where=path)
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    ctvs = list(result.prescriptions_gy)
    n = 2 + (decomposition is not None)
    with rc_context({"font.size": 9.0, "axes.titlesize": 10.0, "svg.hashsalt": "hdrplan", "axes.axisbelow": True}):
        figure = Figure(figsize=(4.6 * n, 4.4), dpi=140, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(1, n)
        _draw_distribution(axes[0], result, ctvs)
        _draw_bands(axes[1], result, [*ctvs, *organs])
        if decomposition is not None:
            _draw_shares(axes[2], decomposition)
        deliveries = f"Coverage in {len(result.values)} deliveries (seed {result.scenarios.seed})"
        figure.suptitle(f"{deliveries}; research use only, never for treatment", fontsize=11.0)
        save_figure(figure, path)


def robust_panels(
    result: RobustResult, organs: Sequence[str], decomposition: Decomposition | None
) -> list[tuple[str, str]]:
    """Return what :func:`robust_figure` draws as pictures of a page: a sentence and an SVG each.

    Parameters
    ----------
    result : RobustResult
    organs : sequence of str
    decomposition : Decomposition or None
    """
    ctvs = list(result.prescriptions_gy)
    drawn: list[tuple[str, Callable[[Axes], None]]] = [
        ("Distribution of D100; dotted: as planned.", lambda axes: _draw_distribution(axes, result, ctvs)),
        (
            "DVH as planned, with bands of 50, 90 and 100 % of the deliveries.",
            lambda axes: _draw_bands(axes, result, [*ctvs, *organs]),
        ),
    ]
    if decomposition is not None:
        shares = decomposition
        drawn.append(("What costs most: Sobol indices of D100.", lambda axes: _draw_shares(axes, shares)))
    return [(sentence, themed_svg(draw)) for sentence, draw in drawn]


def _draw_distribution(axes: Axes, result: RobustResult, ctvs: list[str]) -> None:
    styles = styles_of(dict.fromkeys(ctvs, "CTV"))
    for rank, ctv in enumerate(ctvs):
        colour = styles[ctv]["colour"]
        d100_gy = np.sort(result.of(f"{ctv} d100_gy"))
        reached_frac = 1.0 - np.arange(len(d100_gy)) / len(d100_gy)
        coverage = result.coverage(ctv)
        p, wanted_gy = coverage.probability, coverage.prescription_gy
        axes.step(d100_gy, reached_frac, where="post", color=colour, lw=2.0, label=ctv)
        axes.axvline(wanted_gy, color=SOFT, lw=1.0, ls="--")
        axes.plot(wanted_gy, p, "o", color=colour, mec=INK, ms=6)
        axes.annotate(
            f"P(D100 ≥ {wanted_gy:g} Gy) = {100 * p:.1f} %\n"
            f"(95 % CI {100 * coverage.low:.1f} to {100 * coverage.high:.1f})",
            (wanted_gy, p),
            xytext=(0.03, 0.06 + 0.16 * rank),
            textcoords="axes fraction",
            arrowprops={"arrowstyle": "-", "color": SOFT},
        )
        nominal_gy = result.nominal[result.names.index(f"{ctv} d100_gy")]
        axes.axvline(nominal_gy, color=colour, lw=1.0, ls=":")
    axes.set(xlabel="D100 (Gy)", ylabel="Fraction of deliveries that reach at least this", ylim=(0, 1.02))
    axes.set_title("Distribution of D100 (dotted: as planned)")
    axes.grid(color=FAINT)
    axes.legend(loc="upper right", frameon=False)


def _draw_bands(axes: Axes, result: RobustResult, names: list[str]) -> None:
    styles = styles_of({name: "CTV" if name in result.prescriptions_gy else "OAR" for name in names})
    top = 0.0
    for name in names:
        colour, line = styles[name]["colour"], line_style(styles[name])
        bands = result.bands_gy[name]
        for low, high, alpha in ((0, 100, 0.12), (5, 95, 0.22), (25, 75, 0.35)):
            axes.fill_betweenx(
                100 * BAND_FRAC,
                np.percentile(bands, low, axis=0),
                np.percentile(bands, high, axis=0),
                color=colour,
                alpha=alpha,
                lw=0,
            )
        axes.plot(result.nominal_gy[name], 100 * BAND_FRAC, color=colour, lw=1.6, ls=line, label=name)
        if name in result.prescriptions_gy:
            top = max(top, 3.0 * result.prescriptions_gy[name])
            axes.axvline(result.prescriptions_gy[name], color=SOFT, lw=1.0, ls="--")
    axes.set(xlabel="Dose (Gy)", ylabel="Volume (%)", xlim=(0, top), ylim=(0, 101))
    axes.set_title("DVH: as planned; bands of 50, 90 and 100 % of deliveries")
    axes.grid(color=FAINT)
    axes.legend(loc="upper right", frameon=False, fontsize=8)


def _draw_shares(axes: Axes, d: Decomposition) -> None:
    order = np.argsort(d.total)
    at = np.arange(len(order))
    axes.barh(at + 0.2, 100 * np.clip(d.total[order], 0, None), 0.38, color="#2e8fd0", label="total index")
    axes.barh(at - 0.2, 100 * np.clip(d.first[order], 0, None), 0.38, color="#d98200", label="first order")
    axes.set_yticks(at, [COMPONENTS[d.components[k]] for k in order])
    axes.set(xlabel=f"Share of the variance of {d.metric.replace('_gy', '').replace(' d', ' D')} (%)")
    axes.set_title("What costs most (Sobol indices)")
    axes.grid(axis="x", color=FAINT)
    axes.legend(loc="lower right", frameon=False, fontsize=8)
