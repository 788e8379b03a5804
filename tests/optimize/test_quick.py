"""Plans that follow a hand: dose-volume goals are held without the search for the best, and bounds hold as ever."""

from __future__ import annotations

import numpy as np
import pytest
from optimize_cases import case, goal, goals, optimize_times, problem

from hdrplan.optimize.program.dose_program import Program

LIMITS_GY = (6.2, 6.6, 7.0)


@pytest.fixture
def solved(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list that grows by one with each linear program that is solved."""
    programs: list[int] = []
    solve = Program.solve

    def counted(self, *given, **options):
        programs.append(1)
        return solve(self, *given, **options)

    monkeypatch.setattr(Program, "solve", counted)
    return programs


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("limit_gy", LIMITS_GY)
def test_a_quick_plan_holds_what_it_says_with_few_programs(level, limit_gy, solved):
    rate, points, _ = case(step=5.0, organ_gap=6.0)
    asked = problem(rate, points, goals(goal("duodenum", f"D0.5cc <= {limit_gy} Gy", level)), healthy="liver")
    # `optimize_times` of these cases checks every claim anew.
    quick = optimize_times(asked, quick=True)
    few = len(solved)
    searched = optimize_times(asked)
    assert few <= 15  # two rounds in each step; the search takes dozens
    rows = points.rows("duodenum")
    organ_gy, volume_cc = rate.gy_per_s[rows] @ quick.times_s, points.volume_cc[rows]
    if level == 0:
        assert volume_cc[organ_gy > limit_gy * (1 + 1e-6)].sum() < 0.5
    assert quick.certificate.main.bound <= searched.certificate.main.value * (1 + 1e-6)
    assert np.isfinite(quick.certificate.main.value)


def test_without_such_goals_a_quick_plan_is_the_plan():
    rate, points, _ = case()
    asked = problem(rate, points, goals(goal("duodenum", "Dmax <= 9 Gy")), healthy="liver")
    assert (optimize_times(asked, quick=True).times_s == optimize_times(asked).times_s).all()
