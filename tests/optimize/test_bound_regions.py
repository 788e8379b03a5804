"""Regions of the search under dose-volume goals: none loses a plan, and programs are left as they were."""

from dataclasses import replace

import numpy as np
import pytest
from dose_volume_cases import ENOUGH, MOST_S, free_dose, program_of, small
from optimize_cases import goal, goals, optimize_times, problem

from hdrplan.errors import HdrPlanError
from hdrplan.optimize import WorkLimit
from hdrplan.optimize.bound.branch_and_bound import _halves, _point_to_decide
from hdrplan.optimize.bound.dose_modes import directions, excess_of
from hdrplan.optimize.bound.region import Ranges, Region, Undecided
from hdrplan.optimize.bound.region_program import Question, RegionProgram
from hdrplan.optimize.objectives import MeanDose
from hdrplan.optimize.program.dose_program import Program
from hdrplan.optimize.program.judge import polished
from hdrplan.optimize.program.lazy_lp import LazyLP
from hdrplan.optimize.program.requirements import requirements
from hdrplan.optimize.program.rows import NewRows


def test_directions_describe_every_plan():
    rate, points = small(3, organs=3)
    names = ("duodenum", "organ1", "organ2")
    program, _ = program_of(rate, points, goals(*(goal(name, "D0.5cc <= 8 Gy") for name in names)))
    excess = excess_of(program, list(program.dose_volume))
    rng = np.random.default_rng(0)
    n = rate.gy_per_s.shape[1]
    least, most = np.zeros(n), rng.uniform(10.0, 200.0, n)
    at = np.arange(0, len(excess.volume_cc), 2)
    seen = directions(excess, at, rng.uniform(0, 1, (4, n)) * most, least, most)
    for _ in range(50):
        times = rng.uniform(0, 1, n) * most
        said = seen.fixed + seen.loads @ (seen.per_s @ times)
        assert (np.abs(excess.of(times)[at] - said) <= seen.rest).all()


@pytest.mark.parametrize(("size_cc", "limit_cc", "room_cc"), [(0.125, 0.5, 0.375), (0.1, 0.35, 0.3), (0.3, 0.2, 0.0)])
def test_points_of_one_size_above_a_limit_have_a_multiple_of_it(size_cc, limit_cc, room_cc):
    """Four points of 0.125 cc are not less than 0.5 cc; points of several sizes may have any volume below it."""
    rate, points = small(3)
    rows = points.rows("duodenum")
    volume_cc = points.volume_cc.copy()
    volume_cc[rows] = np.where(volume_cc[rows] > 0, size_cc, 0.0)
    for other_cc, wanted_cc in ((size_cc, room_cc), (1.5 * size_cc, limit_cc)):
        volume_cc[rows.start + np.flatnonzero(volume_cc[rows] > 0)[0]] = other_cc
        wanted = goals(goal("duodenum", f"D{limit_cc}cc <= 8 Gy"))
        program, _ = program_of(rate, replace(points, volume_cc=volume_cc), wanted)
        excess = excess_of(program, list(program.dose_volume))
        np.testing.assert_allclose(excess.room_cc, [wanted_cc], rtol=1e-6)


def test_halving_by_a_point_loses_no_plan():
    """The hottest point of the solution is above its limit in one half, and held below it in the other."""
    rate, points = small(3)
    limit = round(0.93 * free_dose(rate, points, "duodenum", 0.2), 3)
    program, cost = program_of(rate, points, goals(goal("duodenum", f"D0.2cc <= {limit} Gy")))
    n, relaxed = program.columns.n_dwells, program.solve(cost)
    plan = polished(program, cost, relaxed.x)
    lp, excess = program.hand_over(), excess_of(program, list(program.dose_volume))
    times = np.array([relaxed.x[:n], plan.x[:n]])
    seen = directions(excess, np.arange(len(excess.volume_cc)), times, np.zeros(n), np.full(n, MOST_S))
    numbers = times @ seen.per_s.T
    room = 1e-3 * np.abs(seen.per_s).sum(axis=1)
    ranges = Ranges(numbers.min(axis=0) - room, numbers.max(axis=0) + room)
    everything = Undecided.all_of(excess)
    region = Region(bound=-np.inf, order=0, ranges=ranges, undecided=everything, x=relaxed.x)
    question = Question(cost=cost, excess=excess, gap=1e-3, deadline=np.inf)
    hottest = int(np.argmax(excess.of(relaxed.x[:n])))
    own = RegionProgram(lp.copy(), question, seen, 1.01 * plan.value)
    for _ in range(4):
        under, over = _halves(region, seen, excess, region.order)
        decided = set(region.undecided.at) - set(under.undecided.at)
        assert decided == set(region.undecided.at) - set(over.undecided.at)
        assert under.below.tolist() == [*region.below, *decided]
        if region.order == 0:
            assert decided == {hottest}
        holds = bool(excess.of(plan.x[:n])[list(decided)] <= 0)
        # One program goes from half to half: rows of one must not be left to the other.
        left = {half.order: own.treat(half) for half in (under, over)}
        if left[under.order] is not None:
            assert excess.of(left[under.order].x[:n])[under.below].max() <= 1e-6
        region = left[(under if holds else over).order]
        assert region is not None
        assert region.bound <= plan.value
        assert region.undecided.above_cc[0] <= excess.room_cc[0]
        if not len(region.undecided.at) or excess.of(region.x[:n])[region.undecided.at].max() <= 0:
            break


def test_a_goal_that_is_decided_is_not_halved_by_a_point():
    """Of two goals one has undecided points: the other has none to take a mean of."""
    rate, points = small(3, organs=3)
    wanted = goals(*(goal(name, "D0.5cc <= 8 Gy") for name in ("duodenum", "organ1")))
    program, _ = program_of(rate, points, wanted)
    excess, n = excess_of(program, list(program.dose_volume)), program.columns.n_dwells
    own = np.flatnonzero(excess.goal == 1)[:5]
    undecided = Undecided(at=own, low=np.full(5, -1.0), high=np.ones(5), above_cc=np.zeros(2))
    times_s = np.random.default_rng(2).uniform(0.0, 90.0, (3, n))
    seen = directions(excess, own, times_s, np.zeros(n), np.full(n, MOST_S))
    none = np.zeros(len(seen.per_s))
    region = Region(bound=0.0, order=0, ranges=Ranges(none, none), undecided=undecided, x=times_s[0])
    with np.errstate(all="raise"):
        found = _point_to_decide(region, seen, excess)
    above = excess.of(times_s[0])[own]
    assert found == (int(above.argmax()) if above.max() > 0 else None)


def test_halves_and_tighter_ranges_lose_no_plan():
    """Every plan that holds the goals and is worth having stays inside one of the halves, and above its bound."""
    rate, points = small(3)
    limit = round(0.93 * free_dose(rate, points, "duodenum", 0.5), 3)
    wanted = goals(goal("duodenum", f"D0.5cc <= {limit} Gy"))
    program, cost = program_of(rate, points, wanted)
    n, gap = program.columns.n_dwells, 1e-3
    plans = []
    for weight in (0.0, 0.02, 0.05):
        # Plans of other objectives: good enough, and all different.
        other, main = program_of(rate, points, wanted)
        start = other.solve(main).x
        found = polished(other, main + weight * main.mean() * np.cos(np.arange(program.columns.count)), start)
        assert found.status == "optimal"
        plans.append(found.x)
    target = max(cost @ x for x in plans) * 1.001
    program.solve(cost)
    lp = program.hand_over()
    excess = excess_of(program, list(program.dose_volume))
    times = np.array([x[:n] for x in plans])
    seen = directions(excess, np.arange(len(excess.volume_cc)), times, np.zeros(n), np.full(n, MOST_S))
    numbers = times @ seen.per_s.T
    room = 1e-3 * np.abs(seen.per_s).sum(axis=1)
    for k in range(len(seen.per_s)):
        middle = float(np.median(numbers[:, k]))
        for side in (0, 1):
            low, high = numbers.min(axis=0) - room, numbers.max(axis=0) + room
            (low, high)[side][k] = middle
            everything = Undecided.all_of(excess)
            region = Region(bound=-np.inf, order=0, ranges=Ranges(low, high), undecided=everything, x=plans[0])
            question = Question(cost=cost, excess=excess, gap=gap, deadline=np.inf)
            half = RegionProgram(lp.copy(), question, seen, target)
            left = half.treat(region)
            for x, number in zip(plans, numbers, strict=True):
                if (number >= low).all() and (number <= high).all():
                    assert left is not None
                    assert cost @ x >= left.bound - 1e-9
                    assert (number >= left.ranges.low - 1e-7).all()
                    assert (number <= left.ranges.high + 1e-7).all()
                    above = excess.of(x[:n])
                    assert (above[left.undecided.at] >= left.undecided.low - 1e-7).all()
                    assert (above[left.undecided.at] <= left.undecided.high + 1e-7).all()
                    sure = np.delete(np.arange(len(above)), left.undecided.at)
                    assert excess.volume_cc[sure[above[sure] > 1e-7]].sum() <= left.undecided.above_cc.sum() + 1e-9


def test_that_there_is_no_solution_is_proven_by_multipliers():
    lp = LazyLP(np.zeros(2), np.full(2, 10.0))
    lp.add("at least", NewRows(np.array([[1.0, 1.0]]), np.array([5.0]), np.array([np.inf])))
    lp.add("at most", NewRows(np.array([[1.0, 2.0]]), np.array([-np.inf]), np.array([3.0])))
    assert lp.solve(np.ones(2)).status == "infeasible"
    assert lp.none_proven()
    lp.rewrite(1, np.array([1.0, 0.5]), low=-np.inf, high=3.0)
    found = lp.solve(np.ones(2))
    assert found.status == "optimal"
    assert found.value == pytest.approx(5.0)
    assert not lp.copy().none_proven()


def test_a_plan_is_not_lost_because_its_proof_is(monkeypatch):
    def fails(*args, **options):
        raise HdrPlanError("the solver did not start")

    monkeypatch.setattr("hdrplan.optimize.times.proof.branch_and_bound", fails)
    rate, points = small(3)
    limit = round(0.93 * free_dose(rate, points, "duodenum", 0.5), 3)
    wanted = goals(goal("duodenum", f"D0.5cc <= {limit} Gy"))
    optimum = optimize_times(problem(rate, points, wanted, healthy="liver"), proof=WorkLimit(steps=ENOUGH))
    assert optimum.status == "not proven"
    assert optimum.certificate.relaxed
    assert any("No proof" in note.text for note in optimum.notes)


def test_a_point_with_two_rows_is_excused_in_both():
    rate, points = small(3)
    program, cost = program_of(rate, points, goals(goal("duodenum", "D0.5cc <= 5 Gy")))
    (k, family), *_ = program.dose_volume.items()
    lp = program.hand_over()
    new = family.points.rows(np.array([3]), family.limit_gy)
    rows = [lp.add(family.owner, new) for _ in range(2)]
    for row in rows:
        family.taken(row, new)
    for excused in (True, False, True):
        mask = np.zeros(len(family.points), dtype=bool)
        mask[3] = excused
        program.solve(cost, {k: mask})
        assert all(np.isinf(lp.row(row).high) == excused for row in rows)


def test_a_solve_without_dose_volume_goals_leaves_them_as_they_were():
    rate, points = small(3)
    limit = round(0.9 * free_dose(rate, points, "duodenum", 0.5), 3)
    program, cost = program_of(rate, points, goals(goal("duodenum", f"D0.5cc <= {limit} Gy")))
    relaxed = program.solve(cost)
    strict = polished(program, cost, relaxed.x)
    assert strict.value > relaxed.value
    assert program.solve(cost).value == pytest.approx(relaxed.value, rel=1e-9)
    assert program.solve(cost, strict.excused).value == pytest.approx(strict.value, rel=1e-9)


def test_a_bound_of_the_rows_so_far_is_that_of_a_copy_and_needs_no_steps(monkeypatch):
    """Of 900 dwells the copy, which begins without a basis, took a third of the time of the linear programs."""
    rate, points = small(3)
    limit = round(0.9 * free_dose(rate, points, "duodenum", 0.5), 3)
    program, cost = program_of(rate, points, goals(goal("duodenum", f"D0.5cc <= {limit} Gy")))
    strict = polished(program, cost, program.solve(cost).x)
    copied = program.without_dose_volume().solve(cost, check=False)
    rows = program.rows_used
    at_once = program.solve(cost, check=False)
    assert at_once.bound == pytest.approx(copied.bound, rel=1e-9)
    assert at_once.bound < strict.value
    assert (at_once.excused, program.rows_used) == ({}, rows)
    made = []
    monkeypatch.setattr(LazyLP, "copy", lambda self, rows: made.append(rows))
    optimize_times(problem(rate, points, goals(goal("duodenum", f"D0.5cc <= {limit} Gy"))))
    assert made == []


def test_what_is_changed_for_a_while_is_changed_back_after_an_error():
    rate, points = small(3)
    program, cost = program_of(rate, points, goals(goal("duodenum", "Dmax <= 4 Gy")))

    def fails_inside():
        with program.missing_allowed([1]) as allow, program.kept(cost, 3.0, MeanDose("liver")):
            allow(100.0)
            held = program.solve(cost)
            raise HdrPlanError(f"{held.status}, {held.value <= 3.0 + 1e-9}")

    with pytest.raises(HdrPlanError, match="infeasible"):
        fails_inside()
    program.allow_miss([0], 100.0)
    # The organ's limit is hard again, and nothing holds the liver's dose: a plan without misses of D100 would need it.
    assert program.max_miss([0, 1]).tolist() == [100.0, 0.0]
    assert program.solve(program.columns.cost(-1.0)).value < program.solve(cost).value


def test_a_point_exceeds_its_limit_and_what_that_may_be_missed_by():
    """A goal that had to be missed by 1.5 Gy binds 1.5 Gy beyond its limit, a hot one above it, a cold one below."""
    rate, points = small(3)
    asked = problem(
        rate,
        points,
        goals(goal("duodenum", "D0.5cc <= 6 Gy"), goal("lesion1", "D80 >= 30 Gy")),
        healthy="liver",
        earlier_gy=np.linspace(0.0, 2.0, len(points)),
    )
    program = Program(asked, requirements(asked))
    for k in range(len(program.requirements)):
        program.enter(k)
    held = list(program.dose_volume)
    program.allow_miss(held, np.array([1.5, 2.5]))
    times = np.random.default_rng(0).uniform(0.0, 40.0, rate.gy_per_s.shape[1])
    dose, volume = rate.gy_per_s @ times + asked.earlier_gy, points.volume_cc
    hot, cold = (np.flatnonzero(volume[points.rows(name)] > 0) + points.rows(name).start
                 for name in ("duodenum", "lesion1"))  # fmt: skip
    wanted = np.concatenate(((dose[hot] - 7.5) / 7.5, (27.5 - dose[cold]) / 27.5))
    np.testing.assert_allclose(excess_of(program, held).of(times), wanted, rtol=1e-5, atol=1e-6)
