"""The second check in words and numbers: the table of check.json, the lines a terminal shows."""

from __future__ import annotations

import math
from datetime import datetime

from hdrplan.cautions import Caution, caution
from hdrplan.plan import BrachyPlan
from hdrplan.sources import strength_on_u
from hdrplan.workflow import SecondCheck

__all__ = ["VERDICT_WORDS", "check_lines", "check_table", "decay_caution", "verdict_text"]

VERDICT_WORDS = {"pass": "pass", "warn": "pass, WARNING", "fail": "FAIL", "not judged": "-"}


def check_table(check: SecondCheck, label: str | None) -> dict[str, object]:
    """Return what check.json holds.

    Parameters
    ----------
    check : SecondCheck
    label : str or None
        The plan's own label, where it may be named.
    """
    rows = [
        {
            "kind": row.kind,
            "quantity": row.quantity,
            "unit": row.unit,
            "tps": row.tps,
            "recomputed": row.recomputed,
            "difference_frac": row.difference_frac,
            "tolerance": row.tolerance,
            "verdict": row.verdict,
            "place_mm": None if row.place_mm is None else row.place_mm.tolist(),
        }
        for row in check.rows
    ]
    return {
        "schema": "hdrplan.check/2",
        "plan": label,
        "verdict": check.verdict,
        "passed": check.passed,
        "links": [{"text": link.text, "holds": link.holds} for link in check.links],
        "source": check.source.name,
        "tip": check.tip.text,
        "tip_reversed": check.tip.is_reversed,
        "rows": rows,
        "warnings": [caution.table() for caution in check.warnings],
    }


def verdict_text(check: SecondCheck) -> str:
    """Return the verdict in a sentence, the same on the terminal, the page and in print."""
    judged = [row for row in check.rows if row.passed is not None]
    failed = [row for row in judged if row.verdict == "fail"]
    apart = [link for link in check.links if link.holds is False]
    if failed:
        return f"FAIL: {len(failed)} of {len(judged)} comparisons lie outside tolerance."
    if apart:
        return f"FAIL: the files do not belong together ({'; '.join(f'not: {link.text}' for link in apart)})."
    if check.verdict == "not judged":
        return "NO VERDICT: the files state no dose to compare with."
    warned = sum(row.verdict == "warn" for row in judged)
    return f"PASS: all {len(judged)} comparisons lie within tolerance" + (
        f", {warned} of them with a warning." if warned else "."
    )


def check_lines(check: SecondCheck) -> list[str]:
    """Return the comparisons as the lines of a table."""

    def number(value: float) -> str:
        return "" if math.isnan(value) else f"{value:.5g}"

    lines = [f"{'':<44}{'TPS':>12}{'recomputed':>12}{'difference':>12}  tolerance"]
    for row in check.rows:
        difference = "" if math.isnan(row.difference_frac) else f"{100 * row.difference_frac:+.3f} %"
        word = VERDICT_WORDS[row.verdict]
        quantity = f"{row.quantity} ({row.unit})" if row.unit else row.quantity
        values = f"{number(row.tps):>12}{number(row.recomputed):>12}{difference:>12}"
        lines.append(f"{quantity[:43]:<44}{values}  {row.tolerance}: {word}")
    return [*lines, *(f"{link.text}: NO" for link in check.links if link.holds is False)]


def decay_caution(brachy: BrachyPlan, treated: datetime) -> Caution:
    """Return the strength at treatment, and what the afterloader makes of the plan's times.

    Parameters
    ----------
    brachy : BrachyPlan
    treated : datetime
        When the plan is delivered.
    """
    source = brachy.source
    if source.reference_time is None:
        return caution("reference-date-not-stated")
    strength_u = strength_on_u(source.strength_u, source.reference_time, treated)
    factor = source.strength_u / strength_u
    return caution(
        "times-of-another-day",
        moment=f"{treated:%Y-%m-%d %H:%M}",
        strength_u=strength_u,
        factor=factor,
        total_s=brachy.total_time_s * factor,
    )
