"""Simulated procedures in numbers and words: the table of procedure.json, the lines of a terminal."""

from __future__ import annotations

import math

from hdrplan.workflow import ArmSummary, PairedArms, ProcedureStudy

__all__ = ["ARM_TEXTS", "procedure_lines", "procedure_table"]

ARM_TEXTS = {
    "as planned": "all as planned at the beginning",
    "re-planned": "rest chosen anew after each",
    "foreseen": "next chosen for the best expected end",
}


def procedure_lines(study: ProcedureStudy) -> list[str]:
    """Return what was found, in sentences."""
    design, objective = study.design, study.design.setting.problem.objective
    n_in, number = len(design.setting.given), len(design.nominal.paths)
    beside = f" beside {n_in} that are in" if n_in else ""
    lines = [
        f"{number} catheter{'s' * (number > 1)}{beside}, planned: {objective.text} {design.nominal.value:.3f} "
        f"{objective.unit} if each lies where it was planned.",
        f"{design.runs} procedures, each catheter displaced by {design.error_mm:g} mm (RMS in space), "
        f"seed {design.seed}.",
    ]
    lines += [_arm_line(study, study.summary(arm)) for arm in design.arms]
    lines += [_paired_line(study, study.paired(arm)) for arm in design.arms[1:]]
    missed = sum(study.summary(arm).missed_lesion for arm in design.arms)
    if missed:
        lines.append(f"{missed} catheter{'s' * (missed > 1)} came to lie without any dwell near a lesion.")
    return lines


def _arm_line(study: ProcedureStudy, one: ArmSummary) -> str:
    objective = study.design.setting.problem.objective
    share = f"{100 * one.met / one.runs:.1f} %" if one.runs else "none"
    line = (
        f"{ARM_TEXTS[one.arm][:1].upper()}{ARM_TEXTS[one.arm][1:]}: every hard goal met in {one.met} of {one.runs} "
        f"({share}, 95 % interval {100 * one.low:.1f} to {100 * one.high:.1f} %)"
    )
    if not math.isnan(one.mean):
        line += f"; {objective.text} {one.mean:.3f} {objective.unit} (5 to 95 %: {one.p5:.3f} to {one.p95:.3f})"
    if one.worst_short_gy:
        line += (
            f"; a prescription is missed by {one.mean_short_gy:.2f} Gy on average, {one.worst_short_gy:.2f} Gy at most"
        )
    return line + "."


def _paired_line(study: ProcedureStudy, pair: PairedArms) -> str:
    first = ARM_TEXTS[study.design.arms[0]]
    line = (
        f"Of the same errors, {pair.both} end with all hard goals met in both ways, {pair.only_other} only with the "
        f"{ARM_TEXTS[pair.arm]}, {pair.only_first} only with {first}, {pair.neither} in neither"
    )
    if pair.both:
        objective = study.design.setting.problem.objective.text
        word = "lower" if pair.saved_frac >= 0 else "higher"
        line += (
            f"; where both meet them, the {objective} with the {ARM_TEXTS[pair.arm]} is "
            f"{100 * abs(pair.saved_frac):.1f} % {word} on average, and lower in {100 * pair.better_frac:.0f} % of them"
        )
    return line + "."


def procedure_table(study: ProcedureStudy) -> dict[str, object]:
    """Return what procedure.json holds."""
    design, paths = study.design, study.design.setting.paths
    return {
        "schema": "hdrplan.procedure/1",
        "purpose": "research use only, never for treatment",
        "case": design.setting.case.name,
        "objective": design.setting.problem.objective.text,
        "unit": design.setting.problem.objective.unit,
        "given": [one.catheter.name for one in design.setting.given],
        "planned": {
            "value": design.nominal.value,
            "order": [
                {"path": k, "entry_mm_lps": paths.entry_mm[k].tolist(), "tip_mm_lps": paths.tip_mm[k].tolist()}
                for k in design.nominal.paths
            ],
        },
        "runs": design.runs,
        "error_mm": design.error_mm,
        "seed": design.seed,
        "sample_mm": design.setting.options.sample_mm,
        "foresee": design.draws,
        "arms": [_known(_arm_table(study.summary(arm))) for arm in design.arms],
        "paired": [_known(_pair_table(study.paired(arm))) for arm in design.arms[1:]],
        "lost": study.lost,
    }


def _arm_table(one: ArmSummary) -> dict[str, object]:
    return {
        "arm": one.arm, "runs": one.runs, "met": one.met, "met_low": one.low, "met_high": one.high,
        "mean": one.mean, "p5": one.p5, "p95": one.p95,
        "mean_short_gy": one.mean_short_gy, "worst_short_gy": one.worst_short_gy, "changed_per_run": one.changed,
        "missed_lesion": one.missed_lesion,
    }  # fmt: skip


def _pair_table(pair: PairedArms) -> dict[str, object]:
    return {
        "arm": pair.arm, "both": pair.both, "only_as_planned": pair.only_first, "only_this": pair.only_other,
        "neither": pair.neither, "saved_frac": pair.saved_frac, "better_frac": pair.better_frac,
    }  # fmt: skip


def _known(row: dict[str, object]) -> dict[str, object]:
    """Return a row whose unknown numbers are null."""
    return {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in row.items()}
