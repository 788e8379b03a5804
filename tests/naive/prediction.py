"""Scores of predicted risks written from their definitions, one row at a time; and smooth formulas of an E-value."""

from __future__ import annotations

from collections.abc import Sequence


def uncensored(time: Sequence[float], status: Sequence[int], at: float, *, before: bool) -> float:
    """Kaplan-Meier estimate of not being censored by ``at``; events come before censorings at the same time."""
    left = 1.0
    for t in sorted(set(time)):
        if t > at or (before and t >= at):
            break
        lost = sum(1 for u, s in zip(time, status, strict=True) if u == t and s == 0)
        at_risk = sum(1 for u, s in zip(time, status, strict=True) if u > t or (u == t and s == 0))
        if lost:
            left *= 1.0 - lost / at_risk
    return left


def weights(time: Sequence[float], status: Sequence[int], at: float) -> list[float]:
    """Inverse probability of censoring weights of Gerds and Schumacher (2006)."""
    out = []
    for t, s in zip(time, status, strict=True):
        if t <= at and s != 0:
            out.append(1.0 / uncensored(time, status, t, before=True))
        elif t > at:
            out.append(1.0 / uncensored(time, status, at, before=False))
        else:
            out.append(0.0)
    return out


def brier(time: Sequence[float], status: Sequence[int], risk: Sequence[float], at: float) -> float:
    """Mean weighted squared difference of risk and event of cause 1."""
    total = 0.0
    for t, s, r, w in zip(time, status, risk, weights(time, status, at), strict=True):
        total += w * (float(t <= at and s == 1) - r) ** 2
    return total / len(time)


def net_benefit(time: Sequence[float], status: Sequence[int], risk: Sequence[float], at: float, limit: float) -> float:
    """True positives less false positives at the odds of the limit, a row (Vickers and Elkin 2006)."""
    true = false = 0.0
    for t, s, r, w in zip(time, status, risk, weights(time, status, at), strict=True):
        if r >= limit:
            if t <= at and s == 1:
                true += w
            else:
                false += w
    return true / len(time) - limit / (1.0 - limit) * false / len(time)
