from __future__ import annotations

import numpy as np
import pytest

from hdrplan.errors import InputError
from hdrplan.metrics import d100_sampling, dvh, metric_value, organ_metrics, target_metrics

# 100 cells of 0.1 cc at 1, 2, ..., 100 Gy; two points on the surface.
DOSE = np.concatenate((np.arange(1.0, 101.0), [0.5, 101.0]))
VOLUME = np.concatenate((np.full(100, 0.1), [0.0, 0.0]))


def test_every_kind_of_metric() -> None:
    curve = dvh(DOSE, VOLUME)
    assert metric_value(curve, "dose_at_frac", 1.0) == 0.5
    assert metric_value(curve, "dose_at_frac", 0.9) == 11.0
    assert metric_value(curve, "dose_at_cc", 1.0) == 91.0
    assert metric_value(curve, "volume_at_gy", 51.0, unit="frac") == pytest.approx(0.5)
    assert metric_value(curve, "volume_at_gy", 51.0, unit="cc") == pytest.approx(5.0)
    assert metric_value(curve, "volume_at_frac", 1.5, unit="frac", prescription_gy=20.0) == pytest.approx(0.71)
    assert metric_value(curve, "dose_mean") == pytest.approx(50.5)
    assert metric_value(curve, "dose_max") == 101.0
    assert metric_value(curve, "dose_min") == 0.5


def test_what_cannot_be_asked() -> None:
    curve = dvh(DOSE, VOLUME)
    with pytest.raises(InputError, match="needs a prescription"):
        metric_value(curve, "volume_at_frac", 1.5)
    with pytest.raises(InputError, match="kind"):
        metric_value(curve, "d98")
    with pytest.raises(InputError, match="prescription"):
        target_metrics(curve, 0.0)


def test_target() -> None:
    values = target_metrics(dvh(DOSE, VOLUME), 20.0)
    assert values["d100_gy"] == values["min_gy"] == 0.5
    assert (values["d99_gy"], values["d98_gy"], values["d95_gy"], values["d90_gy"]) == (2.0, 3.0, 6.0, 11.0)
    assert (values["d50_gy"], values["d2_gy"]) == (51.0, 99.0)
    assert (values["v100_frac"], values["v150_frac"], values["v200_frac"]) == pytest.approx((0.81, 0.71, 0.61))
    assert values["dhi"] == pytest.approx(0.10 / 0.81)


def test_organ() -> None:
    values = organ_metrics(dvh(DOSE, VOLUME))
    assert (values["d0_1cc_gy"], values["d1cc_gy"], values["d2cc_gy"]) == (100.0, 91.0, 81.0)
    assert values["max_gy"] == 101.0
    assert values["v10gy_cc"] == pytest.approx(9.1)
    assert values["v5gy_frac"] == pytest.approx(0.96)


def test_d100_tells_what_surface_and_density_change() -> None:
    # A line of points through a parabola's minimum at 0 with 20 Gy there.
    x = np.linspace(-1, 1, 201)
    dose = np.concatenate((25 + 5 * np.abs(x), 20 + 100 * (x - 0.003) ** 2))
    volume = np.concatenate((np.ones(201), np.zeros(201)))
    found = d100_sampling(dose, volume)
    assert found.d100_gy == pytest.approx(20 + 100 * 0.003**2)
    assert found.inside_gy == 25.0
    # The next point of the other half lies at 0.01.
    assert found.half_gy == pytest.approx(20 + 100 * 0.007**2)
    assert found.sensitivity_gy == pytest.approx(100 * (0.007**2 - 0.003**2))
    assert found.sensitivity_gy >= 0.0
