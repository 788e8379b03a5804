"""Ranges of numbers tightened by rows of the convex functions at their extremes: narrower, and no plan is lost."""

import numpy as np
from dose_volume_cases import MOST_S, free_dose, program_of, small
from optimize_cases import goal, goals

from hdrplan.optimize.bound.dose_modes import directions, excess_of
from hdrplan.optimize.bound.region import Ranges, Undecided, floors_of
from hdrplan.optimize.bound.region_program import MAX_ROWS, PRESSED_ROWS, Question, RegionProgram
from hdrplan.optimize.bound.sweep import pressed
from hdrplan.optimize.program.judge import polished


def test_extremes_with_rows_of_the_floors_are_narrower_and_lose_no_plan():
    """The objective alone broke no floor: on 270 cc no row was added, and the bound stayed 5 % below the plan."""
    rate, points = small(3)
    limit = round(0.93 * free_dose(rate, points, "duodenum", 0.5), 3)
    wanted = goals(goal("duodenum", f"D0.5cc <= {limit} Gy"))
    program, cost = program_of(rate, points, wanted)
    n, plans = program.columns.n_dwells, []
    for weight in (0.0, 0.02, 0.05, 0.1):
        # Plans of other objectives: good enough, and all different.
        other, main = program_of(rate, points, wanted)
        found = polished(
            other, main + weight * main.mean() * np.cos(np.arange(program.columns.count)), other.solve(main).x
        )
        plans.append(found.x)
    target = max(cost @ x for x in plans) * 1.001
    program.solve(cost)
    lp, excess = program.hand_over(), excess_of(program, list(program.dose_volume))
    times_s = np.array([x[:n] for x in plans])
    seen = directions(excess, np.arange(len(excess.volume_cc)), times_s, np.zeros(n), np.full(n, MOST_S))
    numbers = times_s @ seen.per_s.T
    spread = np.ptp(numbers, axis=0)
    ranges = Ranges(numbers.min(axis=0) - 10 * spread - 1e-3, numbers.max(axis=0) + 10 * spread + 1e-3)
    question = Question(cost=cost, excess=excess, gap=1e-3, deadline=np.inf)
    undecided = Undecided.all_of(excess).within(excess, seen, ranges)
    floors = floors_of(excess, seen, ranges, undecided)
    assert floors is not None

    def program_in_ranges() -> RegionProgram:
        own = RegionProgram(lp.copy(), question, seen, target, rows=MAX_ROWS + PRESSED_ROWS)
        own.enter(ranges)
        return own

    alone = program_in_ranges()
    # What the extremes of the same numbers are without any floor.
    plain = ranges
    for k in range(len(seen.per_s)):
        narrower = plain.narrowed(k, alone.extreme(k, 1.0), alone.extreme(k, -1.0))
        assert narrower is not None
        plain = narrower
        alone.narrow(k, plain)
    narrow = pressed(program_in_ranges(), ranges, floors, undecided)
    assert narrow is not None
    assert ((narrow.high - narrow.low) / (plain.high - plain.low)).min() < 0.8
    assert (numbers >= narrow.low - 1e-7).all()
    assert (numbers <= narrow.high + 1e-7).all()
