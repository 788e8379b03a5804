"""Sessions in numbers and words: the table of sessions.json, the lines of a terminal."""

from __future__ import annotations

from hdrplan.report.tables import certificate_row
from hdrplan.workflow import SessionsResult

__all__ = ["session_lines", "session_table"]

# On the axis of a single needle the dose can be 8 Gy below that of all sample points (two lesions of 9 mm radius).
_SAMPLED = "D100 is that of the sample points; between them the dose may be lower."


def session_table(result: SessionsResult) -> dict[str, object]:
    """Return each session's lesions, time and doses, its own and summed with the former ones."""
    rows = [
        {
            "lesions": list(session.lesions),
            "total_time_s": session.plan.total_time_s,
            "active_dwells": int((session.plan.times_s > 0).sum()),
            "d100_gy": dict(session.d100_gy),
            "d100_sum_gy": dict(session.d100_sum_gy),
            "proof": list(session.optimum.lines),
            "certificate": certificate_row(session.optimum),
        }
        for session in result.sessions
    ]
    return {"sessions": rows, "total_time_s": result.total_time_s, "d100": _SAMPLED}


def session_lines(result: SessionsResult) -> list[str]:
    """Return what a terminal shows, line by line."""
    count = len(result.sessions)
    lines = [f"{count} session{'s' if count > 1 else ''}, {result.total_time_s:.1f} s in all"]
    for k, session in enumerate(result.sessions, start=1):
        lines.append(f"session {k}: {', '.join(session.lesions)}; {session.plan.total_time_s:.1f} s")
        lines += [
            f"  {name:<22} D100 {d100_gy:>7.2f} Gy, summed {session.d100_sum_gy[name]:>7.2f} Gy"
            for name, d100_gy in session.d100_gy.items()
        ]
    return [*lines, _SAMPLED]
