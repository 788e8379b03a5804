"""What a check of a paper's numbers says."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Verdict"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a contradiction is confirmed, what was computed, and what is printed where the tables say it."""

    confirmed: bool
    computed: str
    printed: str | None = None
