"""Value and bound: the gap, whichever way is better, and without a plan."""

import numpy as np
import pytest

from hdrplan.optimize.bounded import Bounded
from hdrplan.optimize.objectives import Coverage, MeanDose
from hdrplan.optimize.proof import Proof


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


def test_figures_are_equal_whatever_the_proof_and_show_without_its_arrays():
    one, none = np.ones(1), np.zeros(0)
    proof = Proof(
        cost=one, lower=one, upper=one, goals=(), owners=(), points=none, multipliers=none, limits=none,
        reduced=one, x=one, bound=1.0,
    )  # fmt: skip
    plain = Bounded(objective=MeanDose("liver"), value=5.0, bound=4.0)
    proven = Bounded(objective=MeanDose("liver"), value=5.0, bound=4.0, proof=proof)
    assert proven == plain
    assert repr(proven) == repr(plain)
