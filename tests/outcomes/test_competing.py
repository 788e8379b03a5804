"""Competing risks against R and by their properties."""

import numpy as np
import pytest

from hdrplan.errors import InputError
from hdrplan.outcomes import aalen_johansen, kaplan_meier
from outcomes.reference_data import numbers, r_numbers, table
from tolerances import R_CURVE, ROUNDOFF


def data_of(name):
    data = table(name)
    return (data.etime, data.cause) if name == "mgus2" else (data.time, data.status)


@pytest.mark.parametrize("name", sorted(r_numbers()["aj"]))
def test_incidence_agrees_with_r(name):
    reference, curve = r_numbers()["aj"][name], aalen_johansen(*data_of(name))
    at = np.searchsorted(curve.time, reference["time"])
    np.testing.assert_array_equal(curve.at_risk[at], reference["n_risk"])
    np.testing.assert_allclose(curve.incidence[at], numbers(reference["incidence"]), atol=R_CURVE, rtol=0)
    np.testing.assert_allclose(curve.std_err[at], numbers(reference["std_err"]), atol=R_CURVE, rtol=0)
    some = curve.incidence[at] > 0
    for field in ("lower", "upper"):
        np.testing.assert_allclose(getattr(curve, field)[at][some], numbers(reference[field])[some], atol=R_CURVE)


def test_incidences_and_survival_add_up_to_one():
    curve = aalen_johansen(*data_of("lesions"))
    np.testing.assert_allclose(curve.incidence.sum(axis=1) + curve.survival, 1, atol=ROUNDOFF)


def test_one_cause_alone_is_one_minus_kaplan_meier():
    data = table("lesions")
    one = aalen_johansen(data.time, data.status == 1, censored=False, cluster=data.patient)
    km = kaplan_meier(data.time, data.status == 1, cluster=data.patient)
    np.testing.assert_allclose(one.incidence[:, 0], 1 - km.survival, atol=ROUNDOFF)
    np.testing.assert_allclose(one.std_err[:, 0], km.std_err, atol=ROUNDOFF)


def naive_incidence(time, cause, weight, until):
    survival, incidence = 1.0, 0.0
    for t in np.unique(time[time <= until]):
        at_risk = weight[time >= t].sum()
        incidence += survival * weight[(time == t) & (cause == 1)].sum() / at_risk
        survival *= 1 - weight[(time == t) & (cause > 0)].sum() / at_risk
    return incidence


def test_error_by_patient_is_the_numerical_derivative():
    # R's survfit leaves ``cluster`` out of account for several states, so the check is the definition itself.
    data = table("lesions")
    time, cause, patient = (data[c].to_numpy() for c in ("time", "status", "patient"))
    step = 1e-6
    base = naive_incidence(time, cause, np.ones(time.size), 400)
    moved = [naive_incidence(time, cause, 1 + step * (patient == p), 400) for p in np.unique(patient)]
    want = np.sqrt((((np.array(moved) - base) / step) ** 2).sum())
    curve = aalen_johansen(time, cause, cluster=patient)
    assert curve.std_err[np.searchsorted(curve.time, 400, side="right") - 1, 0] == pytest.approx(want, rel=1e-4)


def test_no_event_is_refused():
    with pytest.raises(InputError, match="at least one event"):
        aalen_johansen([1, 2], [0, 0])
