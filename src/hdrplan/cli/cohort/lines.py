"""Problems and endpoints of a cohort, as numbers for JSON and as lines for a terminal."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hdrplan.cohort import Derived, Endpoint, FlowStep, Problem

__all__ = ["derived_lines", "derived_table", "problem_lines", "problem_table"]


def problem_table(problems: Sequence[Problem], accept: Collection[str]) -> dict[str, object]:
    """Return what `cohort validate --json` prints of the problems, some of them accepted by name."""
    accepted = [p.is_error and p.rule in accept for p in problems]
    errors = sum(p.is_error for p in problems) - sum(accepted)
    return {
        "errors": errors,
        "warnings": len(problems) - errors,
        "problems": [{**asdict(p), "accepted": a} for p, a in zip(problems, accepted, strict=True)],
    }


def problem_lines(problems: Sequence[Problem], accept: Collection[str], n_tables: int) -> Iterator[str]:
    """Yield a line for each problem and one that counts them.

    Parameters
    ----------
    problems : sequence of Problem
    accept : collection of str
        Errors accepted by name.
    n_tables : int
        Tables of the cohort.
    """
    for p in problems:
        kind = "accepted" if p.is_error and p.rule in accept else "error" if p.is_error else "warning"
        yield f"{kind:<9}{p}"
    errors = sum(p.is_error and p.rule not in accept for p in problems)
    warnings = len(problems) - errors
    words = f"{errors} error{'s' * (errors != 1)}, {warnings} warning{'s' * (warnings != 1)}"
    yield f"{words} in {n_tables} table{'s' * (n_tables != 1)}"


def derived_table(derived: Derived, steps: Iterable[FlowStep], other: Derived | None) -> dict[str, object]:
    """Return the flow of all patients, and rows, events and competing deaths of each endpoint.

    Parameters
    ----------
    derived : Derived
    steps : iterable of FlowStep
    other : Derived or None
        The same cohort under the other choice of the rule ``visit_gap``, where the choice matters.
    """
    table: dict[str, object] = {
        "flow": [asdict(s) for s in steps if s.group == "all"],
        "endpoints": _counts(derived.endpoints),
    }
    return table if other is None else table | {f"with_visit_gap_{other.rules.visit_gap}": _counts(other.endpoints)}


def derived_lines(derived: Derived, steps: Iterable[FlowStep], other: Derived | None) -> Iterator[str]:
    """Yield the same as lines of text.

    Parameters
    ----------
    derived : Derived
    steps : iterable of FlowStep
    other : Derived or None
        The same cohort under the other choice of the rule ``visit_gap``, where the choice matters.
    """
    others = _counts(other.endpoints) if other else {}
    for s in steps:
        if s.group == "all":
            yield f"{s.step:<50}{s.patients:>6} patients {s.lesions:>6} lesions {s.cycles:>6} cycles"
    for name, count in _counts(derived.endpoints).items():
        competing = f", {count['competing']} deaths before" if count["competing"] else ""
        with_other = ""
        if other and others[name]["events"] != count["events"]:
            with_other = f"; {others[name]['events']} with visit_gap={other.rules.visit_gap}"
        yield f"{name:<24}{count['n']:>6} rows {count['events']:>6} events{competing}{with_other}"


def _counts(endpoints: Iterable[Endpoint]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for e in endpoints:
        count = counts.setdefault(f"{e.unit} {e.endpoint}", {"n": 0, "events": 0, "competing": 0})
        count["n"] += 1
        count["events"] += e.event == 1
        count["competing"] += e.event == 2
    return counts
