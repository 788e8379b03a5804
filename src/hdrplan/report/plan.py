"""A plan's result in the words of its report: what a plan review asks for, how it was computed, what was proven."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hdrplan.dose import SamplePoints
from hdrplan.geometry import Grid
from hdrplan.metrics import DVH
from hdrplan.optimize import Optimum
from hdrplan.plan import Case, Goal
from hdrplan.report.data import Curve, GoalRow, ReportData
from hdrplan.report.headline import claim, headline, reached_text, signs
from hdrplan.report.html import TEMPLATE, report_html
from hdrplan.report.page import compile_template
from hdrplan.report.rows import neighbour_ratio
from hdrplan.report.scene import Scenery, scenery
from hdrplan.report.tables import dvh_table, structure_rows
from hdrplan.sources import U_PER_MCI_APPARENT, ApparentActivity, Calibration, Strength
from hdrplan.workflow import PlanResult

__all__ = ["plan_report", "plan_scenery", "report_data"]

# The ratio holds in the linear program to its tolerance, 1e-7 of a time in s.
RATIO_SLACK_FRAC = 1e-6
_REFERENCES = (
    "M. J. Rivard et al., Update of AAPM Task Group No. 43 Report (TG-43U1), Med Phys 31, 633 (2004), "
    "doi 10.1118/1.1646040",
    "ICRU Report 89, Prescribing, recording, and reporting brachytherapy, J ICRU 13(1-2) (2013)",
    "Q. Huangfu, J. A. J. Hall, Parallelizing the dual revised simplex method, Math Prog Comp 10, 119 (2018), "
    "doi 10.1007/s12532-017-0130-5",
    "TG-43 against Monte Carlo in 20 liver cases: Radiat Oncol (2020), doi 10.1186/s13014-020-01492-9",
    "P. Xia et al., AAPM Medical Physics Practice Guideline 11.a, J Appl Clin Med Phys 22(9), 4 (2021), "
    "doi 10.1002/acm2.13366 (what this report holds)",
)


def plan_scenery(case: Case, points: SamplePoints, grid: Grid) -> Scenery:
    """Pack what the report of a plan shows of its case, and read the report's templates, before there is a plan.

    Parameters
    ----------
    case : Case
    points : SamplePoints
        At which the doses will be judged.
    grid : Grid
        Of the dose.
    """
    shapes = dict(zip(points.names, points.shapes, strict=True))
    packed = scenery(case.ct, case.structures, case.catheters, shapes, grid)
    compile_template(TEMPLATE)
    return packed


def plan_report(
    result: PlanResult, run: Mapping[str, Any], *, remarks: Sequence[str] = (), around: Scenery | None = None
) -> str:
    """Write the report of a plan as one self-contained HTML page.

    Parameters
    ----------
    result : PlanResult
        From :func:`hdrplan.workflow.plan_case` or ``plan_result``.
    run : mapping
        The record of the run: ``versions``, ``inputs_sha256``, ``options``, ``written``, ``warnings``, all optional.
    remarks : sequence of str
        What else must be known of the certificate.
    around : Scenery, optional
        Of :func:`plan_scenery`, for the same case, points and grid.

    Returns
    -------
    str
    """
    return report_html(report_data(result, run, remarks=remarks), around=around)


def report_data(
    result: PlanResult, run: Mapping[str, Any], *, remarks: Sequence[str] = (), dvhs: Mapping[str, DVH] | None = None
) -> ReportData:
    """Return what the report of a plan shows, as plain values.

    Parameters
    ----------
    result, run, remarks
        As in :func:`plan_report`.
    dvhs : mapping, optional
        The DVHs of its doses, where they are known.
    """
    roles = dict(zip(result.points.names, result.points.roles, strict=True))
    curves = []
    for name, (dose_gy, volume_cc) in dvh_table(result, dvhs).items():
        whole_cc = float(volume_cc[0])
        curves.append(
            Curve(name=name, role=roles[name], dose_gy=dose_gy, volume_frac=volume_cc / whole_cc, volume_cc=whole_cc)
        )
    optimum = result.optimum
    versions = run.get("versions", {})
    return ReportData(
        title=result.case.name,
        dose_kind="" if result.factor is None else "D_m,m, by Monte Carlo in the patient's media",
        ct=result.case.ct,
        structures=result.case.structures,
        catheters=result.case.catheters,
        dwells=result.plan.dwells,
        times_s=result.plan.times_s,
        dose=result.dose,
        prescriptions=result.goals.doses,
        curves=tuple(curves),
        metrics=structure_rows(result),
        goals=_goal_rows(result),
        rules=_rule_rows(result, run.get("options", {})),
        tiles=headline(result),
        facts=_facts(result),
        claim="" if optimum is None else claim(optimum.certificate, prescribed=bool(result.goals.prescriptions)),
        certificate=(*(signs(line) for line in remarks), *(() if optimum is None else _certificate(optimum))),
        binding=() if optimum is None else _binding(optimum),
        methods=_methods(result),
        references=(result.plan.source.citation, *_REFERENCES),
        provenance=_provenance(run),
        shapes=dict(zip(result.points.names, result.points.shapes, strict=True)),
        warnings=tuple((w["id"], w["sentence"], w["remedy"]) for w in run.get("warnings", ())),
        version=str(versions.get("hdrplan", "")),
        plan=result.plan,
        made=str(run.get("written", "")),
    )


def _certificate(optimum: Optimum) -> tuple[str, ...]:
    """Return the certificate's line, what was lost, then every objective in the order solved with its bound."""
    certificate = optimum.certificate
    steps = [
        f"Objective {k} before rounding of times, {level.text}: {_with_unit(level.value, level.unit)}; "
        f"the proven {'maximum' if level.large else 'minimum'} is {_with_unit(level.bound, level.unit)} "
        f"(gap {100 * level.gap_frac:.3g} %)."
        for k, level in enumerate(optimum.levels, start=1)
    ]
    return tuple(
        signs(line) for line in (certificate.text, certificate.condition_text, certificate.losses_text, *steps) if line
    )


def _with_unit(value: float, unit: str) -> str:
    return f"{value:.5g} {unit}".rstrip()


def _binding(optimum: Optimum) -> tuple[str, ...]:
    """Lowered prescriptions, the price of each binding limit, and further remarks."""
    lines = (*(s.text for s in optimum.shortfalls), *(p.text for p in optimum.prices), *(n.text for n in optimum.notes))
    return tuple(signs(line) for line in lines)


def _goal_rows(result: PlanResult) -> tuple[GoalRow, ...]:
    """Goals with what was reached, and where they lie in the DVH plot."""
    rows = []
    for judged in result.score.goals:
        goal = judged.goal
        mark = _mark(goal, result)
        rows.append(
            GoalRow(
                structure=goal.structure,
                goal=signs(goal.text),
                reached=reached_text(judged),
                met=judged.met if np.isfinite(judged.reached) else None,
                source=goal.source,
                level=goal.level,
                mark_gy=mark[0] if mark else None,
                mark_frac=mark[1] if mark else None,
                is_minimum=goal.sense == ">=",
            )
        )
    return tuple(rows)


def _rule_rows(result: PlanResult, options: Mapping[str, Any]) -> tuple[GoalRow, ...]:
    """Rules of the afterloader that were asked for, and what the times reach: they hold before any prescription."""
    ratio = float(options.get("time_ratio") or 0.0)
    if not ratio:
        return ()
    step_s = float(options.get("time_step_s") or 0.0)
    reached = neighbour_ratio(result.plan.dwells, result.plan.times_s, step_s=step_s)
    met = reached <= ratio * (1 + RATIO_SLACK_FRAC)
    broken = f"{reached:.2f} : 1" if np.isfinite(reached) else "beside 0 s"
    return (
        GoalRow(
            structure="plan",
            goal=f"neighbouring times ≤ {ratio:g} : 1",
            reached=(f"to {step_s:g} s" if step_s else "held") if met else broken,
            met=met,
            source="time_ratio under [dwells]",
        ),
    )


def _mark(goal: Goal, result: PlanResult) -> tuple[float, float] | None:
    """Dose and volume fraction of a goal in the DVH plot; None where it has no place there."""
    if goal.structure not in result.points.names:
        return None
    volume_cc = float(result.points.volume_cc[result.points.rows(goal.structure)].sum())
    kind, at = goal.metric.kind, goal.metric.at
    as_frac = goal.value / volume_cc if goal.metric.unit == "cc" else goal.value
    prescribed = result.goals.doses_gy
    places = {
        "dose_at_frac": (goal.value, at),
        "dose_at_cc": (goal.value, min(1.0, at / volume_cc)),
        "volume_at_gy": (at, min(1.0, as_frac)),
        "volume_at_frac": (at * prescribed.get(goal.structure, np.nan), min(1.0, as_frac)),
        "dose_max": (goal.value, 0.0),
        "dose_min": (goal.value, 1.0),
    }
    place = places.get(kind)
    return place if place is not None and np.isfinite(place[0]) else None


def _facts(result: PlanResult) -> tuple[tuple[str, str], ...]:
    """Rows that a review of a brachytherapy plan asks for (MPPG 11.a, table 12)."""
    plan, source = result.plan, result.plan.source
    used = plan.times_s > 0
    offsets = plan.dwells.offset_mm
    steps = [np.diff(np.sort(offsets[plan.dwells.catheter == k])) for k in range(len(plan.dwells.catheter_names))]
    step = np.median(np.concatenate(steps)) if any(len(s) for s in steps) else np.nan
    targets = ", ".join(
        f"{p.structure} ({result.score.structure(p.structure).volume_cc:.1f} cc)" for p in result.goals.doses
    )
    doses = "; ".join(f"{p.dose_gy:g} Gy to all of {p.structure} (D100)" for p in result.goals.prescriptions)
    references = [f"{p.dose_gy:g} Gy of {p.structure} is a reference only" for p in result.goals.references]
    isodoses = ", ".join(f"{gy:g} Gy" for gy in sorted({p.dose_gy for p in result.goals.doses}))
    spacing = " × ".join(f"{s:.3g}" for s in result.dose.grid.spacing_mm)
    shape = " × ".join(str(n) for n in result.dose.grid.shape_zyx[::-1])
    return (
        ("Site and target", f"{result.case.healthy or 'not named'}: {targets}"),
        ("Prescription", "; ".join([*filter(None, [doses]), *references, "one fraction"])),
        ("Prescription isodose", f"{isodoses} (absolute; not normalised to a point)"),
        ("Isotope and source", f"Ir-192, {source.model} ({source.manufacturer}); TG-43 data: {source.kind}"),
        (
            "Air-kerma strength at treatment",
            f"{plan.strength_u:,.0f} U ({plan.strength_u / U_PER_MCI_APPARENT / 1000:.2f} Ci apparent at "
            f"{U_PER_MCI_APPARENT} U/mCi)",
        ),
        *_calibration(plan.strength),
        ("Half-life", f"{source.half_life_days} d"),
        (
            "Channels",
            f"{len(plan.dwells.catheter_names)} catheters, {int(used.sum())} of {len(plan.dwells)} positions in use",
        ),
        *([] if result.case.applicator is None else [("Applicator", result.case.applicator.text)]),
        ("First position and step", f"{offsets.min():.1f} mm from the tip, step {step:.1f} mm"),
        ("Total time", f"{plan.total_time_s:.1f} s = {plan.total_time_s / 60:.1f} min"),
        ("TRAK", f"{100 * plan.trak_gy:.4f} cGy at 1 m"),
        (
            "Dose calculation",
            "TG-43U1, 2D line source, in unbounded homogeneous water"
            if result.factor is None
            else "D_m,m: TG-43U1, 2D line source, times a correction by Monte Carlo in the patient's media",
        ),
        ("Dose grid", f"{shape} points, {spacing} mm"),
        ("Orientation", "patient coordinates LPS (x to the left, y to posterior, z to superior)"),
        ("Approval", "none: research use only"),
    )


def _calibration(strength: Strength) -> tuple[tuple[str, str], ...]:
    """Rows on how the strength came about."""
    undecayed = ("Decay factor", "1 (none applied)")
    match strength.origin:
        case Calibration(strength_u, calibrated):
            return (
                ("Calibration date and strength", f"{calibrated:%Y-%m-%d %H:%M}, {strength_u:,.0f} U"),
                ("Treatment", f"{strength.time:%Y-%m-%d %H:%M}"),
                ("Decay factor", f"{strength.decay_factor:.4f}"),
            )
        case ApparentActivity(activity_mci):
            return (("Apparent activity at treatment", f"{activity_mci / 1e3:g} Ci"), undecayed)
    return (("Calibration date and strength", "not stated; the strength above is that at treatment"), undecayed)


def _methods(result: PlanResult) -> tuple[str, ...]:
    """Paragraphs on how the numbers came about."""
    beyond = {name: frac for name, frac in result.extrapolated_frac.items() if frac > 0.0005}
    source = result.plan.source
    patient = (
        "TG-43 treats the patient as water. Compared with Monte Carlo in 20 liver cases, it overestimated target "
        "coverage by up to 3.5 % of the prescribed dose."
        if result.factor is None
        else "It is multiplied by (primary + scatter) in the patient's media over the same in water without end: the "
        "dose to the medium, D_m,m (TG-186). model_dose.html beside this page holds media, densities, uncertainty, and "
        "every figure by TG-43 as well."
    )
    texts = [
        f"Dose: AAPM TG-43U1, line-source geometry, {source.model} ({source.kind} data), tables used to "
        f"{source.table_r_max_mm:g} mm and extrapolated beyond. {patient}",
        f"Structures: {result.points.method or 'sampled below the voxel, surface included'} D100 is the minimum "
        "dose in the volume and on its surface. If it is proven at every point, it lies in the stated interval. "
        "Otherwise the sampling column states how much it changes at other points.",
    ]
    if result.optimum is not None:
        texts.append(
            "Dwell times: a linear program over all sample points, solved by HiGHS. Rows are added where a limit is "
            "violated, until none is. Prescriptions and organ limits are hard. If both cannot hold, the organ's limit "
            "has priority and D100 is maximised. Then the mean dose of the spared organ is minimised, then the total "
            "time. The dual solution proves how good any plan can be. Certificate and doses are those of the delivered "
            "times, in whole steps of the afterloader."
        )
    else:
        texts.append("Dwell times were given and not optimised.")
    if beyond:
        parts = ", ".join(f"{name} {100 * frac:.1f} %" for name, frac in beyond.items())
        texts.append(f"Fraction of each structure's dose from beyond the published table of the source: {parts}.")
    return tuple(texts)


def _provenance(run: Mapping[str, Any]) -> dict[str, str]:
    """Versions, options and inputs of the run."""
    rows: dict[str, str] = {}
    if "written" in run:
        rows["Written (UTC)"] = str(run["written"])
    if run.get("versions"):
        rows["Software"] = ", ".join(f"{name} {text}" for name, text in run["versions"].items())
    if run.get("options"):
        rows["Options"] = ", ".join(f"{name} = {value}" for name, value in run["options"].items())
    rows |= {f"{name} (SHA-256)": str(digest) for name, digest in run.get("inputs_sha256", {}).items()}
    return rows
