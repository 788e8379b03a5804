"""A plan in lines for a terminal: its size beforehand, its doses and proof, its dwells."""

from __future__ import annotations

from collections.abc import Mapping

from hdrplan.optimize import EveryPoint, Rounded, TransitCounted
from hdrplan.options import PlanOptions
from hdrplan.plan import Case, Goals
from hdrplan.report.tables import goal_text
from hdrplan.sources import Strength, TG43Source
from hdrplan.workflow import PlanResult, PlanSize, Score, TargetScore

__all__ = ["brief_lines", "case_lines", "dwell_lines", "plan_lines", "score_lines", "size_lines", "source_use_lines"]


def case_lines(case: Case, goals: Goals, source: TG43Source, strength: Strength) -> list[str]:
    """Return what is to be planned: CTVs, goals, source.

    Parameters
    ----------
    case : Case
    goals : Goals
    source : TG43Source
    strength : Strength
    """
    lines = [f"case         {case.name}"]
    for prescription in goals.prescriptions:
        volume_cc = case.structure(prescription.structure).volume_cc
        lines.append(f"CTV          {prescription.structure}, {volume_cc:.1f} cc, D100 >= {prescription.dose_gy:g} Gy")
    for reference in goals.references:
        volume_cc = case.structure(reference.structure).volume_cc
        dose = f"{reference.dose_gy:g} Gy is its reference and is not asked for"
        lines.append(f"CTV          {reference.structure}, {volume_cc:.1f} cc; {dose}")
    for goal in goals.goals:
        level = "hard" if goal.level == 0 else f"level {goal.level}"
        lines.append(f"goal         {goal.structure}: {goal.text} ({level})")
    return [*lines, f"source       {source.model}, {strength.value_u:g} U"]


def size_lines(case: Case, options: PlanOptions, size: PlanSize, available_bytes: int | None) -> list[str]:
    """Return how much a plan would be.

    Parameters
    ----------
    case : Case
    options : PlanOptions
    size : PlanSize
    available_bytes : int or None
        Memory that is free; None where the system does not say.
    """
    nz, ny, nx = size.grid.shape_zyx
    spacing = " x ".join(f"{s:.3g}" for s in size.grid.spacing_mm)
    number = f"{len(case.catheters)} catheter{'s' * (len(case.catheters) > 1)}"
    memory = f"memory       at most {size.memory_bytes / 1e9:.2f} GB"
    if available_bytes is not None:
        fits = "enough" if size.memory_bytes <= 0.9 * available_bytes else "TOO LITTLE"
        memory += f" of {available_bytes / 1e9:.2f} GB free: {fits}"
    return [
        f"dwells       {len(size.dwells)} positions in {number}, step {options.step_mm:g} mm",
        f"dose grid    {nx} x {ny} x {nz} voxels of {spacing} mm, {size.grid.size * 4 / 1e6:.0f} MB",
        f"rate matrix  {len(size.points)} sample points x {len(size.dwells)} dwells",
        memory,
    ]


# Notes of every plan that went well; the others are doubts.
_ROUTINE = (EveryPoint, Rounded, TransitCounted)


def brief_lines(result: PlanResult, options: PlanOptions) -> list[str]:
    """Return what a clinician reads first: source and positions, the CTVs, the goals in a line, the proof.

    A goal that is missed, and a prescription that gave way, are never left out.

    Parameters
    ----------
    result : PlanResult
    options : PlanOptions
        A wrong offset of the tip shifts the whole plan: it stands in the first line.
    """
    plan, goals = result.plan, result.score.goals
    lead = (
        f"{plan.source.name}, {plan.strength_u:g} U; first dwell {options.tip_offset_mm:g} mm behind the tip of each "
        f"catheter, then every {options.step_mm:g} mm"
    )
    if result.case.applicator is not None:
        lead += f"; applicator {result.case.applicator.text}"
    missed = [goal_text(goal) for goal in goals if not goal.met]
    kept = (
        [f"{len(goals) - len(missed)} of {len(goals)} goal{'s are' if len(goals) != 1 else ' is'} met."]
        if goals
        else []
    )
    optimum = result.optimum
    if optimum is None:
        return [lead, *_target_lines(result), *kept, *missed]
    proof = (optimum.certificate.text, optimum.certificate.condition_text)
    conflict = [line for line in optimum.lines if optimum.conflict and line.startswith("These goals cannot all be met")]
    lowered = [short.text for short in optimum.shortfalls]
    doubts = [note.text for note in optimum.notes if not isinstance(note, _ROUTINE)]
    proven = [line for line in (*proof, *conflict, *lowered, *doubts) if line]
    return [lead, *_target_lines(result), *kept, *missed, *proven]


def plan_lines(result: PlanResult) -> list[str]:
    """Return the doses of the CTVs, every goal with what was reached, and the proof."""
    proof = [] if result.optimum is None else list(result.optimum.lines)
    return [*_target_lines(result), *map(goal_text, result.score.goals), *proof]


def _target_lines(result: PlanResult) -> list[str]:
    return [
        f"{target.name}: D100 {target.d100_gy:.2f} Gy ({_how_sure(target)}), "
        f"D98 {target.d98_gy:.2f} Gy, D90 {target.d90_gy:.2f} Gy, D50 {target.d50_gy:.2f} Gy, {target.volume_cc:.1f} cc"
        for target in result.score.targets
    ]


def _how_sure(target: TargetScore) -> str:
    """Return what is known of a D100 beside its value."""
    if target.d100_lower_gy is not None and target.d100_upper_gy is not None:
        return f"proven at every point to lie in {target.d100_lower_gy:.2f} to {target.d100_upper_gy:.2f}"
    return f"sampling {target.d100_sampling_gy:.2f}"


def source_use_lines(result: PlanResult) -> list[str]:
    """Return dwells in use, total time and TRAK, and where the source's data were extrapolated."""
    plan = result.plan
    active = int((plan.times_s > 0).sum())
    lines = [
        f"{active} active dwells, {plan.total_time_s:.0f} s in total at {plan.strength_u:g} U, "
        f"TRAK {plan.trak_gy * 100:.3f} cGy at 1 m"
    ]
    beyond = {name: frac for name, frac in result.extrapolated_frac.items() if frac > 0.0005}
    if beyond:
        parts = ", ".join(f"{name} {100 * frac:.1f} %" for name, frac in beyond.items())
        lines.append(f"source data extrapolated (nearer or farther than the published table): {parts} of the dose")
    return lines


def dwell_lines(result: PlanResult, seconds: Mapping[str, float]) -> list[str]:
    """Return the dwell times, the sampling and the time of each step.

    Parameters
    ----------
    result : PlanResult
    seconds : mapping
        Step -> wall time.
    """
    dwells, times_s = result.plan.dwells, result.plan.times_s
    lines = [f"{'catheter':<16}{'from tip mm':>12}{'time s':>9}"]
    for k in (times_s > 0).nonzero()[0]:
        name = dwells.catheter_names[dwells.catheter[k]]
        lines.append(f"{name:<16}{dwells.offset_mm[k]:>12.1f}{times_s[k]:>9.1f}")
    lines.append(f"{len(result.points):,} sample points. {result.points.method}")
    lines.append("seconds: " + ", ".join(f"{step} {value:.2f}" for step, value in seconds.items()))
    return lines


def score_lines(score: Score) -> list[str]:
    """Return a table of all structures, then every goal with what was reached."""
    # TotalSegmentator's names are long: portal_vein_and_splenic_vein.
    width = max([24, *(len(structure.name) + 2 for structure in score.structures)])
    lines = [f"{'structure':<{width}}{'role':<6}{'cc':>9}{'D100':>8}{'D98':>8}{'D1cc':>8}{'mean':>8}  Gy"]
    for structure in score.structures:
        of_target = f"{structure.d100_gy:>8.2f}{structure.d98_gy:>8.2f}" if isinstance(structure, TargetScore) else ""
        lines.append(
            f"{structure.name:<{width}}{structure.role:<6}{structure.volume_cc:>9.1f}{of_target:>16}"
            f"{structure.d1cc_gy:>8.2f}{structure.mean_gy:>8.2f}"
        )
    return [*lines, *map(goal_text, score.goals)]
