"""The validation dossier as one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hdrplan.report.page import page

__all__ = ["validation_html"]

_WORDS = {"pass": "met", "explained": "explained", "fail": "missed", "skipped": "unknown"}


def validation_html(
    rows: Sequence[Mapping[str, str]], facts: Sequence[tuple[str, str]], *, version: str, title: str
) -> str:
    """Return one self-contained page.

    Parameters
    ----------
    rows : sequence of mapping
        Each with section, what, source, method, tolerance, result, state, note.
    facts : sequence of (name, value)
        Of the machine and the versions.
    version : str
    title : str
    """
    counts = {state: sum(row["state"] == state for row in rows) for state in _WORDS}
    judged = sum(counts.values()) - counts["skipped"]
    verdict = (
        f"{counts['fail']} of {judged} comparisons fail."
        if counts["fail"]
        else f"All {judged} comparisons pass or are explained ({counts['pass']} pass, {counts['explained']} explained)."
    )
    if counts["skipped"]:
        verdict += f" {counts['skipped']} not run on this machine."
    sections = list(dict.fromkeys(row["section"] for row in rows))
    return page(
        "validation.html.j2",
        title=title,
        version=version,
        good=not counts["fail"],
        verdict=verdict,
        facts=facts,
        words=_WORDS,
        sections=[(name, [row for row in rows if row["section"] == name]) for name in sections],
    )
