"""Value and bound: the gap, whichever way is better, and without a plan."""

import numpy as np
import pytest

from hdrplan.optimize.bounded import Bounded
from hdrplan.optimize.objectives import Coverage, MeanDose


def test_the_gap_is_a_fraction_of_the_value_on_the_side_that_is_better():
    liver = Bounded(objective=MeanDose("liver"), value=5.0, bound=4.0)
    assert (liver.text, liver.unit) == ("mean dose of liver", "Gy")
    assert liver.gap_frac == pytest.approx(0.2)
    assert Bounded(objective=MeanDose("liver"), value=5.0, bound=5.0 + 1e-12).gap_frac == 0.0
    d100 = Bounded(objective=Coverage(), value=16.0, bound=20.0, large=True)
    assert d100.gap_frac == pytest.approx(0.25)
    assert Bounded(objective=Coverage(), value=16.0, bound=15.0, large=True).gap_frac == 0.0


def test_near_zero_the_gap_is_absolute_and_without_a_plan_there_is_none():
    assert Bounded(objective=MeanDose("liver"), value=0.0, bound=-1e-6).gap_frac == pytest.approx(1.0)
    assert np.isnan(Bounded(objective=MeanDose("liver"), value=np.inf, bound=4.0).gap_frac)
    assert np.isnan(Bounded(objective=Coverage(), value=np.nan, bound=20.0, large=True).gap_frac)
