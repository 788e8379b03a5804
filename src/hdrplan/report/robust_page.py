"""Coverage under uncertainty as one page: what it means in sentences, the figure, every number in a table."""

from __future__ import annotations

from collections.abc import Sequence

from hdrplan.cautions import Caution
from hdrplan.report.page import base64_text, doubts_of, page
from hdrplan.report.robust_drawing import organs_to_draw, robust_panels
from hdrplan.simulate import COMPONENTS, RobustResult, Uncertainty
from hdrplan.workflow import CoverageStudy, RobustPlan

__all__ = ["robust_html"]

_UNITS = {"gy": "Gy", "frac": "%"}
_NUMBERS = ("planned", "p5", "p50", "p95", "mean", "sd", "worst")


def robust_html(
    case_name: str,
    study: CoverageStudy,
    robust: RobustPlan | None,
    *,
    lines: Sequence[str],
    warnings: Sequence[Caution] = (),
    version: str,
) -> str:
    """Return one self-contained page.

    Parameters
    ----------
    case_name : str
        Free of patient identifiers.
    study : CoverageStudy
    robust : RobustPlan or None
    lines : sequence of str
        The answer in sentences, in the reader's words.
    warnings : sequence of Caution
    version : str
    """
    uncertainty = study.coverage.scenarios.uncertainty
    organs = organs_to_draw(study.coverage)
    plans = [("As planned", study.coverage, robust_panels(study.coverage, organs, study.variance))]
    if robust is not None:
        plans.append(("Robust plan", robust.coverage, robust_panels(robust.coverage, organs, None)))
    return page(
        "robust.html.j2",
        title=f"Coverage of {case_name} under uncertainty",
        version=version,
        about={"Plan": study.plan.digest} | ({} if robust is None else {"Robust plan": robust.plan.digest}),
        pictures=True,
        doubts=doubts_of(warnings),
        lines=lines,
        plans=[
            {"label": label, "rows": _rows(result), "pictures": [(text, base64_text(svg)) for text, svg in panels]}
            for label, result, panels in plans
        ],
        sources=[{"name": text, "value": _size(uncertainty, key)} for key, text in COMPONENTS.items()],
        count=study.coverage.scenarios.count,
        seed=study.coverage.scenarios.seed,
    )


def _rows(result: RobustResult) -> list[dict[str, str]]:
    """One row for each metric of each structure, in Gy or percent."""
    rows = []
    for name in result.names:
        summary = result.summary(name)
        structure, metric = name.rsplit(" ", 1)
        quantity, _, suffix = metric.rpartition("_")
        factor = 100.0 if suffix == "frac" else 1.0
        numbers = {key: f"{factor * getattr(summary, key):.2f}" for key in _NUMBERS}
        rows.append({"structure": structure, "metric": f"{quantity.capitalize()} ({_UNITS[suffix]})", **numbers})
    return rows


def _size(uncertainty: Uncertainty, key: str) -> str:
    value = float(getattr(uncertainty, key))
    unit = {"mm": "mm", "s": "s", "deg": "degrees", "frac": "%"}[key.rsplit("_", 1)[1]]
    size = f"{100.0 * value if unit == '%' else value:g} {unit}" if value else "not included"
    if not (uncertainty.traced and key in ("catheter_mm", "tip_mm")):
        return size
    ranges = [one.tip_mm if key == "tip_mm" else mm for one in uncertainty.traced for mm in one.across_mm]
    return f"as traced, {min(ranges):.2g} to {max(ranges):.2g} mm ({len(uncertainty.traced)} catheters); others: {size}"
