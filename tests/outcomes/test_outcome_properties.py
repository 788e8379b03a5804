"""What must hold for any follow-up, whatever the order of its rows and the unit of its time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hdrplan.errors import HdrPlanError
from hdrplan.outcomes import (
    CoxFit,
    aalen_johansen,
    competing_risks,
    cox,
    fit_tcp_intervals,
    follow_up,
    frailty,
    intervals,
    kaplan_meier,
    log_rank,
)
from properties import assert_is_survival_curve
from tolerances import ROUNDOFF

# Few distinct times make ties; 0 is censored, 1 and 2 are causes.
ROWS = st.lists(st.tuples(st.integers(1, 12), st.integers(0, 2)), min_size=1, max_size=40)
SEEDS = st.integers(0, 10**6)
# Newton's steps stop where the log likelihood no longer rises in its last digits: coefficients to half of them.
NEWTON = 1e-6


def columns(rows: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([t for t, _ in rows], dtype=float), np.array([c for _, c in rows])


def other_clocks(time: np.ndarray) -> list[np.ndarray]:
    """Other units, and clocks that only keep the order."""
    return [time / 30.4375, time**3, np.exp(time / 4.0), np.log1p(time)]


@settings(deadline=None)
@given(ROWS, SEEDS)
def test_any_survival_curve(rows: list[tuple[int, int]], seed: int) -> None:
    time, cause = columns(rows)
    curve = kaplan_meier(follow_up(time, cause > 0))
    assert_is_survival_curve(curve)
    order = np.random.default_rng(seed).permutation(len(time))
    np.testing.assert_allclose(
        kaplan_meier(follow_up(time[order], cause[order] > 0)).survival, curve.survival, rtol=ROUNDOFF
    )
    for clock in other_clocks(time):
        np.testing.assert_allclose(kaplan_meier(follow_up(clock, cause > 0)).survival, curve.survival, rtol=ROUNDOFF)
    twice = kaplan_meier(follow_up(np.tile(time, 2), np.tile(cause > 0, 2)))
    np.testing.assert_allclose(twice.survival, curve.survival, rtol=1e2 * ROUNDOFF)
    everybody = kaplan_meier(follow_up(time, np.ones(len(time))))
    at = np.arange(0.0, 14.0)
    np.testing.assert_allclose(everybody.survival_at(at), [(time > t).mean() for t in at], atol=1e2 * ROUNDOFF)


@settings(deadline=None)
@given(ROWS, SEEDS)
def test_incidences_rise_and_add_up_to_one_with_survival(rows: list[tuple[int, int]], seed: int) -> None:
    time, cause = columns(rows)
    assume((cause > 0).any())
    found = aalen_johansen(competing_risks(time, cause))
    np.testing.assert_allclose(found.incidence.sum(axis=1) + found.survival, 1.0, atol=1e2 * ROUNDOFF)
    np.testing.assert_allclose(found.survival, kaplan_meier(follow_up(time, cause > 0)).survival, atol=1e2 * ROUNDOFF)
    assert (found.incidence[0] >= 0.0).all()
    assert (np.diff(found.incidence, axis=0) >= 0.0).all()
    order = np.random.default_rng(seed).permutation(len(time))
    np.testing.assert_allclose(
        aalen_johansen(competing_risks(time[order], cause[order])).incidence, found.incidence, atol=1e2 * ROUNDOFF
    )


@settings(deadline=None)
@given(ROWS, SEEDS)
def test_log_rank_knows_no_order_of_groups_or_rows(rows: list[tuple[int, int]], seed: int) -> None:
    time, cause = columns(rows)
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 3, len(time))
    assume(len(np.unique(group)) == 3)
    assume((cause > 0).any())
    one = log_rank(follow_up(time, cause > 0), group)
    assert one.observed.sum() == (cause > 0).sum()
    assert one.expected.sum() == pytest.approx(one.observed.sum(), rel=1e3 * ROUNDOFF)
    order, names = rng.permutation(len(time)), rng.permutation(3)
    others = [
        log_rank(follow_up(time[order], cause[order] > 0), group[order]),
        log_rank(follow_up(time, cause > 0), names[group]),
    ]
    others += [log_rank(follow_up(clock, cause > 0), group) for clock in other_clocks(time)]
    for other in others:
        assert other.test.statistic == pytest.approx(one.test.statistic, rel=1e-7, abs=1e-9, nan_ok=True)
    np.testing.assert_allclose(others[1].expected[names], one.expected, rtol=1e3 * ROUNDOFF)


def fitted(time: np.ndarray, event: np.ndarray, x: np.ndarray) -> CoxFit:
    """Fit, and leave aside data that hold no maximum."""
    try:
        return cox(follow_up(time, event), x)
    except HdrPlanError:
        assume(False)
        raise


@settings(deadline=None, max_examples=40)
@given(SEEDS, st.floats(-50.0, 50.0), st.floats(0.1, 10.0))
def test_cox_sees_the_order_of_times_and_differences_of_covariates(seed: int, shift: float, unit: float) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(40, 2))
    time = np.ceil(rng.exponential(np.exp(2.0 - 0.7 * x[:, 0])))
    time, event = np.minimum(time, 20.0), (rng.random(40) < 0.8) & (time < 20.0)
    plain = fitted(time, event, x)
    order = rng.permutation(40)
    same = [fitted(time, event, x + shift), fitted(time[order], event[order], x[order])]
    same += [fitted(clock, event, x) for clock in other_clocks(time)]
    for other in same:
        np.testing.assert_allclose(other.coef, plain.coef, rtol=NEWTON, atol=NEWTON)
        np.testing.assert_allclose(other.covariance, plain.covariance, rtol=10 * NEWTON, atol=NEWTON)
        assert other.loglik == pytest.approx(plain.loglik, rel=1e-9)
    np.testing.assert_allclose(fitted(time, event, unit * x).coef * unit, plain.coef, rtol=NEWTON, atol=NEWTON)
    np.testing.assert_allclose(fitted(time, event, -x).coef, -plain.coef, rtol=NEWTON, atol=NEWTON)
    assert plain.loglik >= plain.loglik_null
    survival = plain.survival(x[:3], np.arange(0.0, 21.0))
    assert ((survival >= 0.0) & (survival <= 1.0)).all()
    assert (np.diff(survival, axis=1) <= 0.0).all()


def arrays_of(value: object, name: str) -> Iterator[tuple[str, np.ndarray]]:
    """Every array that a result holds, however deep."""
    if isinstance(value, np.ndarray):
        yield name, value
    elif is_dataclass(value):
        for field in fields(value):
            yield from arrays_of(getattr(value, field.name), f"{name}.{field.name}")


def test_nothing_in_a_result_can_be_changed() -> None:
    rng = np.random.default_rng(3)
    time, cause = rng.exponential(10.0, 60).round(2) + 0.1, rng.integers(0, 3, 60)
    owner, x, group = np.repeat(np.arange(30), 2), rng.normal(20.0, 4.0, 60), rng.integers(0, 2, 60)
    rows = follow_up(time, cause > 0, cluster=owner)
    seen = intervals(np.floor(time), np.where(cause > 0, np.floor(time) + 1.0, np.inf), cluster=owner)
    held = [
        pair
        for result in (
            rows,
            seen,
            kaplan_meier(rows),
            log_rank(rows, group),
            cox(rows, {"x": x}),
            frailty(rows, {"x": x}),
            aalen_johansen(competing_risks(time, cause, cluster=owner)),
            fit_tcp_intervals(seen, x),
        )
        for pair in arrays_of(result, type(result).__name__)
    ]
    assert {"LogRank.variance", "Intervals.right", "Intervals.left", "TcpFit.theta"} <= {name for name, _ in held}
    assert not [name for name, array in held if array.flags.writeable]
