"""DVHs of a stored dose as curves: how they are styled, where their axis ends, and a picture of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hdrplan.errors import InputError
from hdrplan.plan import is_lesion_name
from hdrplan.report.axes import SOFT, line_style, short
from hdrplan.report.data import Curve
from hdrplan.report.layout import save_figure
from hdrplan.report.palette import LineStyle, styles_of
from hdrplan.workflow import DVHResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["drawn_curves", "drawn_end_gy", "dvh_figure", "role_of_name"]

_COUNT = 801
# The axis ends where this fraction of every structure receives less: beside a source the dose has no end.
_TAIL_FRAC = 0.01
_TARGET = re.compile(r"[gcip]tv", re.IGNORECASE)
# More names than these leave no room for the curves.
_MAXIMUM_NAMED = 24


def drawn_curves(result: DVHResult) -> tuple[list[Curve], dict[str, LineStyle]]:
    """Return curves of what lies inside the dose grid, as fractions of whole structures, and a style for each name.

    Lesions by their names, and names that begin with GTV, CTV, ITV or PTV, are drawn as targets are: solid and thick.
    """
    curves = []
    for s in result.structures:
        if s.curve is None:
            continue
        dose_gy, volume_cc = s.sampled(_COUNT)
        role = role_of_name(s.name)
        frac = volume_cc / s.volume_cc
        curves.append(Curve(name=s.name, role=role, dose_gy=dose_gy, volume_frac=frac, volume_cc=s.volume_cc))
    return curves, styles_of({curve.name: curve.role for curve in curves})


def role_of_name(name: str) -> str:
    """Return how a structure of a file without roles is drawn: "CTV" or "OAR"."""
    return "CTV" if _TARGET.match(name) or is_lesion_name(name) else "OAR"


def drawn_end_gy(result: DVHResult) -> float:
    """Return where the dose axis ends."""
    known = [s.curve for s in result.structures if s.curve is not None]
    ends = [curve.dose_at_frac(_TAIL_FRAC) for curve in known] + [1.1 * (result.options.prescription_gy or 0.0)]
    return max(1.05 * max(ends), 1e-3)


def dvh_figure(result: DVHResult, path: Path) -> None:
    """Draw all curves.

    Parameters
    ----------
    result : DVHResult
    path : Path
        .png, .svg or .pdf.

    Raises
    ------
    InputError
        Another ending.
    """
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise InputError("a picture must be .png, .svg or .pdf", got=path.suffix or "no ending", where=path)
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    curves, styles = drawn_curves(result)
    with rc_context({"font.size": 9.0, "axes.axisbelow": True, "svg.hashsalt": "hdrplan"}):
        figure = Figure(figsize=(9.2, 5.2), dpi=140, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        for curve in curves:
            style = styles[curve.name]
            axes.plot(
                curve.dose_gy, 100 * curve.volume_frac, label=short(curve.name), color=style["colour"],
                ls=line_style(style), lw=2.2 if curve.role == "CTV" else 1.3,
            )  # fmt: skip
        if result.options.prescription_gy is not None:
            axes.axvline(result.options.prescription_gy, color=SOFT, ls=":", lw=1)
        axes.set(xlim=(0, drawn_end_gy(result)), ylim=(0, 100.5), xlabel="Dose (Gy)", ylabel="Volume (%)")
        axes.grid(color="#e6ebef", lw=0.7)
        axes.set_title("Cumulative dose-volume histograms; research use only, never for treatment", fontsize=10)
        _legend(axes, curves)
        save_figure(figure, path)


def _legend(axes: Axes, curves: Sequence[Curve]) -> None:
    handles, names = axes.get_legend_handles_labels()
    more = len(curves) - _MAXIMUM_NAMED
    axes.legend(
        handles[:_MAXIMUM_NAMED], names[:_MAXIMUM_NAMED], title=f"and {more} more" if more > 0 else None,
        fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False,
    )  # fmt: skip
