"""Simulated procedures on one page: how often every goal was met in the end, and what it cost the healthy organ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from hdrplan.cautions import Caution
from hdrplan.report.page import base64_text, doubts_of, page
from hdrplan.report.palette import OTHER_COLOURS
from hdrplan.report.procedure_text import ARM_TEXTS, procedure_lines
from hdrplan.report.themed import FAINT, INK, SOFT, themed_svg
from hdrplan.workflow import ProcedureStudy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["procedure_html"]

_STYLES = dict(zip(ARM_TEXTS, zip(OTHER_COLOURS, ("--", "-", "-."), strict=False), strict=False))


def procedure_html(study: ProcedureStudy, *, warnings: Sequence[Caution] = (), version: str) -> str:
    """Return one self-contained page.

    Parameters
    ----------
    study : ProcedureStudy
    warnings : sequence of Caution
    version : str
    """
    design = study.design
    objective = design.setting.problem.objective
    panels: list[tuple[str, Callable[[Axes], None]]] = [
        (
            "Procedures that meet every prescription and every hard goal in the end; bars: 95 % intervals.",
            lambda axes: _draw_shares(axes, study),
        )
    ]
    if study.common:
        panels.append(
            (
                f"{objective.text[:1].upper()}{objective.text[1:]} over the {len(study.common)} procedures that meet "
                "everything in every way; dotted: if each catheter lay where it was planned.",
                lambda axes: _draw_values(axes, study),
            )
        )
        panels.append(
            (
                f"Each dot is one procedure with the same errors; below the line the {objective.text} is lower than "
                "with all catheters as planned at the beginning.",
                lambda axes: _draw_pairs(axes, study),
            )
        )
    return page(
        "procedure.html.j2",
        title=f"Simulated procedures of {design.setting.case.name}",
        version=version,
        pictures=True,
        doubts=doubts_of(warnings),
        lines=procedure_lines(study),
        arms=[(ARM_TEXTS[arm], study.summary(arm)) for arm in design.arms],
        pairs=[(ARM_TEXTS[arm], study.paired(arm)) for arm in design.arms[1:]],
        objective=objective.text,
        unit=objective.unit,
        candidates=design.setting.options.candidates,
        sample_mm=design.setting.options.sample_mm,
        panels=[(text, base64_text(themed_svg(draw))) for text, draw in panels],
    )


def _draw_shares(axes: Axes, study: ProcedureStudy) -> None:
    for place, arm in enumerate(reversed(study.design.arms)):
        one, (colour, _) = study.summary(arm), _STYLES[arm]
        share = one.met / max(1, one.runs)
        axes.plot([100 * one.low, 100 * one.high], [place, place], color=colour, lw=3)
        axes.plot(100 * share, place, "o", color=colour, mec=INK, ms=9)
        text = f"{ARM_TEXTS[arm]}: {one.met} of {one.runs}"
        axes.annotate(
            text, (0.02, place), xytext=(0, 12), xycoords=("axes fraction", "data"), textcoords="offset points"
        )
    axes.set(xlabel="Every hard goal met (%)", ylim=(-0.5, len(study.design.arms) - 0.2), yticks=[], xlim=(-2, 102))
    axes.grid(color=FAINT, axis="x")


def _draw_values(axes: Axes, study: ProcedureStudy) -> None:
    objective = study.design.setting.problem.objective
    for arm in study.design.arms:
        colour, line = _STYLES[arm]
        values = np.sort([study.courses[arm][n].value for n in study.common])
        share = np.arange(1, len(values) + 1) / len(values)
        axes.step(values, 100 * share, where="post", color=colour, ls=line, lw=2, label=ARM_TEXTS[arm])
    axes.axvline(study.design.nominal.value, color=SOFT, lw=1, ls=":")
    axes.set(xlabel=f"{objective.text} ({objective.unit})", ylabel="Procedures at or below (%)", ylim=(0, 101))
    axes.grid(color=FAINT)
    axes.legend(loc="lower right", frameon=False)


def _draw_pairs(axes: Axes, study: ProcedureStudy) -> None:
    objective, (first, *others) = study.design.setting.problem.objective, study.design.arms
    before = np.array([study.courses[first][n].value for n in study.common])
    for arm, mark in zip(others, "os", strict=False):
        after = np.array([study.courses[arm][n].value for n in study.common])
        axes.plot(before, after, mark, color=_STYLES[arm][0], ms=5, alpha=0.6, mec="none", label=ARM_TEXTS[arm])
    low, high = axes.get_xlim()
    axes.axline((low, low), (high, high), color=SOFT, lw=1)
    axes.set(xlabel=f"{ARM_TEXTS[first]} ({objective.unit})", ylabel=f"otherwise ({objective.unit})")
    axes.grid(color=FAINT)
    axes.legend(loc="upper left", frameon=False)
