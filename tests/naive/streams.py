"""SplitMix64 in whole numbers without an end, cut to 64 bits."""

from __future__ import annotations

GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


def mixed(state: int) -> int:
    """Output of a state."""
    z = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & _MASK
    return z ^ (z >> 31)


class Stream:
    """Numbers of one history."""

    def __init__(self, state: int) -> None:
        self.state = state & _MASK

    @classmethod
    def of_history(cls, key: int, history: int) -> Stream:
        return cls(mixed((key + mixed(history * GOLDEN & _MASK)) & _MASK))

    def uniform(self) -> float:
        self.state = (self.state + GOLDEN) & _MASK
        return ((mixed(self.state) >> 11) + 0.5) / 2**53
