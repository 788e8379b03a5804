"""Estimators of survival written from their formulas: one loop for each sum, every set and every pair taken in turn."""

from __future__ import annotations

import itertools
import math

import numpy as np


def cox_loglik(coef, time, event, x, *, ties="efron", weight=None, entry=None):
    """Log partial likelihood of Cox's model."""
    time, event, x, coef = np.asarray(time), np.asarray(event), np.asarray(x, float), np.asarray(coef, float)
    weight = np.ones(time.size) if weight is None else np.asarray(weight, float)
    entry = np.full(time.size, -np.inf) if entry is None else np.asarray(entry)
    total = 0.0
    for t in sorted(set(time[event == 1])):
        dead = [i for i in range(time.size) if time[i] == t and event[i] == 1]
        risk = [i for i in range(time.size) if time[i] >= t and entry[i] < t]
        hazard = {i: math.exp(x[i] @ coef) for i in risk}
        if ties == "exact":
            sets = itertools.combinations(risk, len(dead))
            total += math.log(math.prod(hazard[i] for i in dead))
            total -= math.log(sum(math.prod(hazard[i] for i in chosen) for chosen in sets))
            continue
        at_risk, dying = sum(weight[i] * hazard[i] for i in risk), sum(weight[i] * hazard[i] for i in dead)
        mean_weight = sum(weight[i] for i in dead) / len(dead)
        for rank, i in enumerate(dead):
            share = rank / len(dead) if ties == "efron" else 0.0
            total += weight[i] * (x[i] @ coef) - mean_weight * math.log(at_risk - share * dying)
    return total


def hessian(function, at, step=1e-4):
    """Second derivatives of a function by central differences."""
    k = len(at)
    unit = np.eye(k) * step
    return np.array(
        [
            [
                (
                    function(at + unit[i] + unit[j])
                    - function(at + unit[i] - unit[j])
                    - function(at - unit[i] + unit[j])
                    + function(at - unit[i] - unit[j])
                )
                / (4 * step * step)
                for j in range(k)
            ]
            for i in range(k)
        ]
    )


def penalised_loglik(coef, *data, **options):
    """Firth's: the log partial likelihood and half the log determinant of its information."""
    information = -hessian(lambda c: cox_loglik(c, *data, **options), np.asarray(coef, float))
    return cox_loglik(coef, *data, **options) + math.log(np.linalg.det(information)) / 2


def concordance_pairs(time, event, score, stratum, weight):
    """Concordant, discordant and tied pairs within strata, of rows that count with a weight each."""
    counts = [0.0, 0.0, 0.0]
    for i, j in itertools.permutations(range(len(time)), 2):
        earlier = time[i] < time[j] or (time[i] == time[j] and not event[j])
        if stratum[i] == stratum[j] and event[i] and earlier:
            counts[0 if score[i] > score[j] else 1 if score[i] < score[j] else 2] += weight[i] * weight[j]
    return counts


def roc_area(time, cause, score, t, weight):
    """Area under the time-dependent ROC curve of rows that count with a weight each, by all pairs."""
    n = len(time)

    def censoring(s, *, before):
        g = 1.0
        for u in sorted({time[i] for i in range(n) if cause[i] == 0}):
            if u < s or (u == s and not before):
                lost = sum(weight[i] for i in range(n) if time[i] == u and cause[i] == 0)
                stay = sum(weight[i] for i in range(n) if time[i] > u or (time[i] == u and cause[i] == 0))
                g *= 1 - lost / stay
        return g

    case = [weight[i] / censoring(time[i], before=True) if time[i] <= t and cause[i] == 1 else 0.0 for i in range(n)]
    control = [
        weight[i] / censoring(t, before=False) if time[i] > t
        else weight[i] / censoring(time[i], before=True) if cause[i] > 1
        else 0.0
        for i in range(n)
    ]  # fmt: skip
    above = sum(
        case[i] * control[j] * (1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0.0)
        for i in range(n)
        for j in range(n)
    )
    return above / sum(case) / sum(control)


def aalen_variance(time, cause, of, t):
    """Aalen's variance of a cumulative incidence at t, event by event."""
    times = sorted({u for u, c in zip(time, cause, strict=True) if c and u <= t})
    survival, incidence, steps = 1.0, 0.0, []
    for u in times:
        y = sum(v >= u for v in time)
        own = sum(v == u and c == of for v, c in zip(time, cause, strict=True))
        other = sum(v == u and c not in (0, of) for v, c in zip(time, cause, strict=True))
        before = survival
        incidence += before * own / y
        survival *= 1 - (own + other) / y
        steps.append((y, own, other, before, survival, incidence))
    total = 0.0
    for y, own, other, before, after, reached in steps:
        later = (incidence - reached) / after if after > 0 else 0.0
        for d, moves in ((own, 1 - later), (other, -later)):
            drawn = d * (1 - (d - 1) / (y - 1)) if d > 1 else d
            total += (before / y * moves) ** 2 * drawn
    return total
