"""The gamma index: analytic fields, a naive twin, edges."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from hdrplan.errors import InputError
from hdrplan.metrics import GammaCriteria, gamma_index
from naive.grids import gamma
from tolerances import FLOAT32_SUM

REFERENCE = Path(__file__).resolve().parents[1] / "reference" / "gamma"
INDEX = np.argwhere(np.ones((5, 6, 7)))[:, ::-1]


def ramp(slope_gy_per_mm: float, shift_gy: float = 0.0) -> np.ndarray:
    """Dose rising along x on a (9, 9, 41) grid of 1 mm voxels."""
    return np.broadcast_to(20.0 + slope_gy_per_mm * np.arange(41.0) + shift_gy, (9, 9, 41)).astype(np.float32)


@pytest.mark.parametrize("slope", [0.05, 0.2, 1.0])
@pytest.mark.parametrize("shift", [0.1, -0.3])
def test_uniform_gradient_has_the_closed_form(slope: float, shift: float) -> None:
    """Fields offset by d in a gradient a: gamma = |d| / sqrt(dose criterion^2 + (a x distance criterion)^2)."""
    criteria = GammaCriteria(dose_frac=0.02, distance_mm=1.0, local=False, largest=1.0, step_frac=0.04)
    at = np.array([[20.0, 4.0, 4.0]])
    got = gamma_index([20.0 + slope * 20], at, ramp(slope, shift), [1, 1, 1], criteria, normal_gy=20.0)
    want = abs(shift) / np.hypot(0.02 * 20.0, slope * 1.0)
    # The search steps by 0.04 mm: at most 0.02 mm beside the best place, which adds to gamma in quadrature.
    miss = 0.02 * np.hypot(1.0, slope / (0.02 * 20.0))
    assert want - 1e-6 <= got[0] <= np.hypot(want, miss) + 1e-6


def test_a_shift_beyond_the_search_is_the_largest_value() -> None:
    got = gamma_index([100.0], [[20.0, 4.0, 4.0]], ramp(0.0), [1, 1, 1], GammaCriteria())
    assert got[0] == 1.5


def test_equal_fields_have_gamma_zero_and_outside_is_nan() -> None:
    rng = np.random.default_rng(4)
    dose = rng.uniform(5, 20, (5, 6, 7)).astype(np.float32)
    reference = dose.reshape(-1).astype(np.float64)
    assert gamma_index(reference, INDEX, dose, [2, 2, 2], GammaCriteria()).max() == 0.0
    assert np.isnan(gamma_index([5.0], [[30.0, 0, 0]], dose, [2, 2, 2], GammaCriteria()))[0]


def test_equals_its_naive_twin() -> None:
    rng = np.random.default_rng(9)
    dose = rng.uniform(5, 20, (4, 5, 6)).astype(np.float32)
    criteria = GammaCriteria(dose_frac=0.05, distance_mm=2.0, largest=1.6, step_frac=0.25)
    spacing = np.array([1.5, 2.0, 2.5])
    places = rng.uniform(-1, 4, (12, 3))
    reference = rng.uniform(5, 20, 12)
    got = gamma_index(reference, places, dose, spacing, criteria)
    want = [
        gamma(r, p, dose, spacing, criterion_gy=0.05 * r, distance_mm=2.0, step_mm=0.5, largest=1.6)
        for r, p in zip(reference, places, strict=True)
    ]
    np.testing.assert_allclose(got, want, rtol=4 * FLOAT32_SUM)
    assert (got < 1.6).any()


def test_converges_to_pymedphys() -> None:
    """PyMedPhys 0.41.0 on a steep noisy field (reference/gamma): the finer our lattice, the nearer, and from above."""
    spec = importlib.util.spec_from_file_location("make_pymedphys", REFERENCE / "make_pymedphys.py")
    assert spec is not None
    assert spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    reference, evaluated = maker.fields()
    theirs = np.array(json.loads((REFERENCE / "pymedphys_0_41_0.json").read_text())["gamma"])
    index = np.argwhere(np.ones(maker.SHAPE))[:, ::-1]
    off = []
    for step in (0.1, 0.025):
        criteria = GammaCriteria(step_frac=step)
        ours = gamma_index(reference.ravel(), index, evaluated.astype(np.float32), maker.SPACING_ZYX[::-1], criteria)
        off.append(np.abs(ours - theirs))
        assert ((ours <= 1) != (theirs <= 1)).sum() <= 1
    # Both searches miss the best place by up to half a step; in a gradient of 20 %/mm that is 0.03 of gamma at 1/40.
    assert off[1].max() < 0.03
    assert np.quantile(off[1], 0.95) < 0.2 * np.quantile(off[0], 0.95)


def test_one_slice_and_refusals() -> None:
    flat = np.full((1, 4, 4), 10.0, dtype=np.float32)
    assert gamma_index([10.1], [[1.0, 1.0, 0.0]], flat, [1, 1, 1], GammaCriteria())[0] == pytest.approx(0.4950495)
    with pytest.raises(InputError, match="positive"):
        gamma_index([0.0], [[1.0, 1.0, 0.0]], flat, [1, 1, 1], GammaCriteria())
    with pytest.raises(InputError, match="normal_gy"):
        gamma_index([1.0], [[1.0, 1.0, 0.0]], flat, [1, 1, 1], GammaCriteria(local=False))
    with pytest.raises(InputError, match="distance_mm"):
        GammaCriteria(distance_mm=0.0)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("dose_frac", 1e-4, 1.0), ("distance_mm", 0.01, 20.0), ("largest", 1.0, 5.0), ("step_frac", 0.02, 0.5)],
)
def test_criteria_keep_to_their_ranges(name, low, high):
    for value in (low, high):
        assert getattr(GammaCriteria(**{name: value}), name) == value
    for value in (0.99 * low, 1.01 * high, float("nan")):
        with pytest.raises(InputError, match=name):
            GammaCriteria(**{name: value})
