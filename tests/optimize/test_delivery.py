"""Priority levels, locked times, conflicts, and what an afterloader can deliver."""

from dataclasses import replace

import numpy as np
import pytest
from optimize_cases import case, goal, goals, optimize_times, problem

from hdrplan import optimize
from hdrplan.errors import InputError
from hdrplan.optimize import Delivery, neighbours


def _at(wanted, level):
    return replace(wanted, level=level)


def test_levels_are_reached_in_their_order():
    rate, points, _ = case()
    first = goal("duodenum", "Dmax <= 12.5 Gy", level=1)
    second = goal("plan", "time <= 300 s", level=2)
    both = optimize_times(problem(rate, points, goals(first, second), healthy="liver"))
    alone = optimize_times(problem(rate, points, goals(first), healthy="liver"))
    # The second level takes nothing from the first but the stated slack (a ten-thousandth of its miss).
    assert both.levels[0].value == pytest.approx(alone.levels[0].value, rel=2e-4, abs=1e-6)
    assert both.times_s.sum() < alone.times_s.sum()
    dose = rate.gy_per_s @ both.times_s
    assert dose[points.rows("lesion1")].min() >= 20.0
    assert both.levels[0].value == pytest.approx(0.0, abs=1e-9)
    assert dose[points.rows("duodenum")].max() <= 12.5
    swapped = optimize_times(problem(rate, points, goals(_at(first, 2), _at(second, 1)), healthy="liver"))
    assert swapped.times_s.sum() < both.times_s.sum()


def test_a_level_that_can_be_met_is_met():
    rate, points, _ = case()
    free = (rate.gy_per_s @ optimize_times(problem(rate, points, goals(), healthy="liver")).times_s)[
        points.rows("duodenum")
    ].max()
    optimum = optimize_times(
        problem(rate, points, goals(goal("duodenum", f"Dmax <= {free - 0.3} Gy", level=1)), healthy="liver")
    )
    assert optimum.levels[0].value == pytest.approx(0.0, abs=1e-6)
    assert (rate.gy_per_s @ optimum.times_s)[points.rows("duodenum")].max() <= free - 0.3 + 1e-4


def test_smallest_conflict_leaves_out_the_innocent():
    rate, points, _ = case()
    wanted = goals(goal("liver", "Dmean <= 20 Gy"), goal("duodenum", "Dmax <= 6 Gy"), goal("plan", "time <= 3000 s"))
    optimum = optimize_times(problem(rate, points, wanted, healthy="liver"))
    assert {goal.label for goal in optimum.conflict} == {"lesion1 D100 >= 20 Gy", "duodenum Dmax <= 6 Gy"}


def test_locked_times_stay_and_the_rest_follows():
    rate, points, _ = case()
    free = optimize_times(problem(rate, points, goals(), healthy="liver"))
    locked = np.full(len(free.times_s), np.nan)
    busiest = int(free.times_s.argmax())
    locked[busiest] = 0.5 * free.times_s[busiest]
    edited = optimize_times(problem(rate, points, goals(), healthy="liver", locked_s=locked))
    assert edited.times_s[busiest] == locked[busiest]
    assert (rate.gy_per_s @ edited.times_s)[points.rows("lesion1")].min() >= 20.0
    assert edited.certificate.main.value >= free.certificate.main.value * (1 - 1e-6)
    with pytest.raises(InputError, match="NaN where free"):
        optimize_times(problem(rate, points, goals(), locked_s=[1.0]))


@pytest.mark.parametrize("limits", [(), ("Dmax <= 12.5 Gy",), ("D1cc <= 9 Gy",)])
def test_rounded_times_keep_every_limit(limits):
    rate, points, _ = case()
    wanted = goals(*(goal("duodenum", text) for text in limits))
    ideal = optimize_times(problem(rate, points, wanted, healthy="liver"))
    real = optimize_times(problem(rate, points, wanted, healthy="liver", delivery=Delivery()))
    tenths = real.times_s * 10
    assert np.abs(tenths - np.round(tenths)).max() < 1e-6
    dose, organ = rate.gy_per_s @ real.times_s, points.rows("duodenum")
    assert dose[points.rows("lesion1")].min() >= 20.0
    if limits == ("Dmax <= 12.5 Gy",):
        assert dose[organ].max() <= 12.5
    if limits == ("D1cc <= 9 Gy",):
        assert points.volume_cc[organ][dose[organ] > 9.0].sum() < 1.0
    # Twenty dwells of about 18 s, each up to 0.1 s longer.
    assert real.certificate.main.value <= ideal.certificate.main.value * 1.02


def test_a_volume_goal_with_room_to_spare_does_not_cost_coverage():
    """Points beside the lesion lie far above 5 Gy; the goal is on how much of the liver does, and holds."""
    rate, points, _ = case()
    own = points.rows("liver")
    free = optimize_times(problem(rate, points, goals(), healthy="liver", delivery=Delivery(resolution_s=0.1)))
    dose = (rate.gy_per_s @ free.times_s)[own]
    above_frac = float(points.volume_cc[own][dose > 5.0].sum() / points.volume_cc[own].sum())
    assert above_frac > 0.05
    limit = goal("liver", f"V5Gy <= {100 * min(0.99, 1.1 * above_frac):.1f} %")
    held = optimize_times(problem(rate, points, goals(limit), healthy="liver", delivery=Delivery(resolution_s=0.1)))
    np.testing.assert_allclose(held.times_s, free.times_s, rtol=0, atol=1e-9)
    assert not any("missed" in note.text for note in held.notes)


def test_a_lowered_prescription_loses_next_to_nothing_to_whole_times():
    """Rounding down alone cost a tenth of D100: each of many short stops lost up to one step."""
    rate, points, _ = case()
    wanted = goals(goal("duodenum", "Dmax <= 6 Gy"))
    exact = optimize_times(problem(rate, points, wanted, healthy="liver"))
    assert exact.status == "prescription lowered"
    whole = optimize_times(problem(rate, points, wanted, healthy="liver", delivery=Delivery(resolution_s=0.1)))
    np.testing.assert_allclose(whole.times_s / 0.1, np.round(whole.times_s / 0.1), atol=1e-6)
    best, dose = (rate.gy_per_s @ exact.times_s), rate.gy_per_s @ whole.times_s
    assert dose[points.rows("duodenum")].max() <= 6.0
    lesion = points.rows("lesion1")
    assert dose[lesion].min() >= 0.99 * best[lesion].min()
    down = rate.gy_per_s @ (np.floor(exact.times_s / 0.1 + 1e-6) * 0.1)
    assert dose[lesion].min() > down[lesion].min()
    long = optimize_times(
        problem(rate, points, wanted, healthy="liver", delivery=Delivery(resolution_s=0.1, shortest_s=0.3))
    )
    assert ((long.times_s == 0) | (long.times_s >= 0.3 - 1e-9)).all()
    assert (rate.gy_per_s @ long.times_s)[points.rows("duodenum")].max() <= 6.0


def test_no_short_stops():
    rate, points, _ = case()
    optimum = optimize_times(problem(rate, points, goals(), healthy="liver", delivery=Delivery(shortest_s=5.0)))
    used = optimum.times_s[optimum.times_s > 0]
    assert used.min() >= 5.0
    np.testing.assert_allclose(optimum.times_s / 0.1, np.round(optimum.times_s / 0.1), atol=1e-6)
    assert (rate.gy_per_s @ optimum.times_s)[points.rows("lesion1")].min() >= 20.0


def test_neighbouring_times_stay_within_their_ratio():
    rate, points, positions = case()
    catheter = np.repeat(np.arange(4), len(positions) // 4)
    offset = np.tile(np.arange(len(positions) // 4) * 5.0, 4)
    pairs = neighbours(catheter, offset)
    assert len(pairs) == len(positions) - 4
    rule = Delivery(resolution_s=1e-3, ratio=2.0, neighbours=pairs)
    smooth = optimize_times(problem(rate, points, goals(), healthy="liver", delivery=rule))
    t = smooth.times_s
    assert (t[pairs[:, 0]] <= 2.0 * t[pairs[:, 1]] + 2e-3).all()
    assert (t[pairs[:, 1]] <= 2.0 * t[pairs[:, 0]] + 2e-3).all()
    assert (
        smooth.certificate.main.value
        >= optimize_times(problem(rate, points, goals(), healthy="liver")).certificate.main.value
    )


def test_neighbouring_times_stay_within_their_ratio_where_the_prescription_gives_way():
    """Times that were rounded down are lengthened again: one grew 16 s beyond 1.5 times its neighbour."""
    rate, points, positions = case(seed=1, n_catheters=8)
    pairs = neighbours(np.repeat(np.arange(8), len(positions) // 8), np.tile(np.arange(len(positions) // 8) * 5.0, 8))
    wanted = goals(goal("duodenum", "Dmax <= 6 Gy"))

    def times(step_s):
        rule = Delivery(resolution_s=step_s, ratio=1.5, neighbours=pairs)
        # In steps of 2 s even the lowered prescription is missed, at less liver dose than its bound.
        return optimize.optimize_times(problem(rate, points, wanted, healthy="liver", delivery=rule)).times_s

    t = times(2.0)
    for one, other in (pairs.T, pairs.T[::-1]):
        assert (t[one] <= 1.5 * (t[other] + 2.0) + 1e-9).all()
    # Stops that were rounded down to nothing may begin again: without them D100 lost 2.4 %.
    lesion = rate.gy_per_s[points.rows("lesion1")]
    assert (lesion @ t).min() > 0.99 * (lesion @ times(1e-3)).min()


def test_bad_rules_are_refused():
    for wrong in ({"resolution_s": 0.0}, {"shortest_s": -1.0}, {"ratio": 0.5}, {"ratio": 2.0}):
        with pytest.raises(InputError):
            Delivery(**wrong)
