"""Sessions in numbers and words: the table of sessions.json, the lines of a terminal."""

from __future__ import annotations

from hdrplan.report.tables import certificate_row
from hdrplan.workflow import SessionPlan, SessionsResult

__all__ = ["session_lines", "session_table"]

# On the axis of a single needle the dose can be 8 Gy below that of all sample points (two lesions of 9 mm radius).
_SAMPLED = "D100 is that of the sample points; between them the dose may be lower."
_PROVEN = (
    "The summed D100 of each lesion is proven at every point of it, from the session on that treats it. Every other "
    "D100 is that of the sample points; between them the dose may be lower."
)


def session_table(result: SessionsResult) -> dict[str, object]:
    """Return each session's lesions, time and doses, its own and summed with the former ones."""
    rows = [
        {
            "lesions": list(session.lesions),
            "total_time_s": session.plan.total_time_s,
            "active_dwells": int((session.plan.times_s > 0).sum()),
            "d100_gy": dict(session.d100_gy),
            "d100_sum_gy": dict(session.d100_sum_gy),
            "d100_sum_lower_gy": {name: proof.minimum_gy for name, proof in session.proofs.items()},
            "d100_sum_upper_gy": {name: proof.upper_gy for name, proof in session.proofs.items()},
            "proof": list(session.optimum.lines),
            "certificate": certificate_row(session.optimum),
        }
        for session in result.sessions
    ]
    return {"sessions": rows, "total_time_s": result.total_time_s, "d100": _known(result)}


def session_lines(result: SessionsResult) -> list[str]:
    """Return what a terminal shows, line by line."""
    count = len(result.sessions)
    lines = [f"{count} session{'s' if count > 1 else ''}, {result.total_time_s:.1f} s in all"]
    for k, session in enumerate(result.sessions, start=1):
        lines.append(f"session {k}: {', '.join(session.lesions)}; {session.plan.total_time_s:.1f} s")
        lines += [
            f"  {name:<22} D100 {d100_gy:>7.2f} Gy, summed {_summed(session, name)}"
            for name, d100_gy in session.d100_gy.items()
        ]
    return [*lines, _known(result)]


def _summed(session: SessionPlan, name: str) -> str:
    """Return a CTV's D100 of the sum, and of a lesion of this session what is proven of it."""
    d100_gy = session.d100_sum_gy[name]
    if name not in session.proofs:
        return f"{d100_gy:>7.2f} Gy"
    proof = session.proofs[name]
    end = "" if proof.finished else "; the search was not finished"
    known = f"proven at every point to lie in {proof.minimum_gy:.2f} to {proof.upper_gy:.2f}{end}"
    return f"{min(d100_gy, proof.upper_gy):>7.2f} Gy ({known})"


def _known(result: SessionsResult) -> str:
    """Return where D100 is known."""
    return _PROVEN if all(session.proofs for session in result.sessions) else _SAMPLED
