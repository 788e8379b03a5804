"""Correction for measurement error: exact in the linear model, right on average in Cox's."""

from __future__ import annotations

import numpy as np
import pytest

from hdrplan.errors import InfeasibleError, InputError
from hdrplan.outcomes import Calibrated, calibrated, cox, follow_up, simex
from hdrplan.outcomes.measurement_error import _extrapolated


def least_squares(y: np.ndarray) -> object:
    def fit(x: np.ndarray) -> tuple[float, float]:
        centred = x - x.mean()
        slope = float(centred @ y / (centred @ centred))
        return slope, float(((y - y.mean() - slope * centred) ** 2).sum() / (x.size - 2) / (centred @ centred))

    return fit


def test_the_extrapolation_is_exact_for_the_attenuation_of_a_linear_model() -> None:
    """beta true / (true + (1 + share) error) at shares 0, 1, 2 gives beta at -1; a line is carried on as a line."""
    beta, true, error = -0.1, 9.0, 4.0
    at = np.array([beta * true / (true + (1 + share) * error) for share in (0, 1, 2)])
    assert _extrapolated(at)[0] == pytest.approx(beta, rel=1e-12)
    assert _extrapolated(np.array([3.0, 2.0, 1.0])) == (pytest.approx(4.0), False)


def test_calibration_is_the_expectation_of_two_normal_variables() -> None:
    """True values N(2 z, 3), error N(0, 2): E[x | w, z] = 2 z + 9/13 (w - 2 z), and the slope comes back."""
    rng = np.random.default_rng(1)
    z = rng.normal(size=20000)
    x = 2 * z + rng.normal(0, 3, z.size)
    w = x + rng.normal(0, 2, z.size)
    got = calibrated(w, 2.0, z[:, None])
    assert got.reliability == pytest.approx(9 / 13, abs=0.01)
    np.testing.assert_allclose(got.values, 2 * z + 9 / 13 * (w - 2 * z), atol=0.35)
    y = 0.5 * x + rng.normal(size=z.size)
    both = np.column_stack((np.ones(z.size), got.values, z))
    assert np.linalg.lstsq(both, y, rcond=None)[0][1] == pytest.approx(0.5, abs=0.015)


def test_errors_of_each_row_are_weighed_by_their_size() -> None:
    rng = np.random.default_rng(2)
    sd = np.where(np.arange(4000) % 2, 0.5, 3.0)
    w = rng.normal(0, 3, 4000) + rng.normal(0, sd)
    got = calibrated(w, sd, np.empty((4000, 0)))
    kept = (got.values - w.mean()) / (w - w.mean())
    assert kept[sd == 0.5].mean() == pytest.approx(9 / 9.25, abs=0.02)
    assert kept[sd == 3.0].mean() == pytest.approx(0.5, abs=0.03)


def test_simex_returns_the_slope_of_a_linear_model() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(0, 3, 4000)
    y, w = 0.5 * x + rng.normal(size=4000), x + rng.normal(0, 2, 4000)
    fit = least_squares(y)
    naive = fit(w)[0]
    assert naive == pytest.approx(0.5 * 9 / 13, abs=0.02)
    got = simex(fit, w, 2.0, rng=rng, n_draws=60)
    assert got.coef == pytest.approx(0.5, abs=0.03)


def test_simulated_errors_of_opposite_sign_leave_little_of_the_simulation() -> None:
    """Cox's model, the same rows by six seeds: pairs spread less than half as much as as many independent errors."""
    rng = np.random.default_rng(5)
    x = rng.normal(0, 3, 200)
    latent, end = rng.exponential(30 / np.exp(-0.1 * x)), rng.uniform(12, 48, 200)
    rows, w = follow_up(np.minimum(latent, end), latent < end), x + rng.normal(0, 1.5, 200)

    def fit(dose: np.ndarray) -> tuple[float, float]:
        model = cox(rows, dose[:, None])
        return float(model.coef[0]), float(model.inference_covariance[0, 0])

    def independent(seed: int) -> float:
        errors = np.random.default_rng(seed).normal(0, 1.5, (20, w.size))
        drawn = [np.mean([fit(w + np.sqrt(share) * e)[0] for e in errors]) for share in (1.0, 2.0)]
        return _extrapolated(np.array([fit(w)[0], *drawn]))[0]

    pairs = [simex(fit, w, 1.5, rng=np.random.default_rng(k), n_draws=20).coef for k in range(6)]
    assert np.std(pairs) < 0.5 * np.std([independent(k) for k in range(6)])


@pytest.mark.slow
def test_the_intervals_hold_the_true_hazard_ratio() -> None:
    """Cohorts of 300 lesions, 0.90 per Gy, recorded with an SD of 2 Gy: the mean within 0.01.

    Coverage of 95 % within three standard errors of 150 cohorts, and a correction that is not missed.
    """
    rng = np.random.default_rng(4)
    beta, names = np.log(0.9), ("naive", "calibration", "SIMEX")
    found = {name: [] for name in names}
    for _ in range(150):
        size = rng.normal(38, 20, 300)
        x = 20 - 0.05 * (size - 38) + rng.normal(0, 3, 300)
        latent = rng.exponential(60 / np.exp(beta * (x - 20) + 0.013 * (size - 38)))
        end = rng.uniform(12, 48, 300)
        rows, w = follow_up(np.minimum(latent, end), latent < end), x + rng.normal(0, 2, 300)

        def fit(dose: np.ndarray) -> tuple[float, float]:
            model = cox(rows, np.column_stack((dose, size)))  # noqa: B023
            return float(model.coef[0]), float(model.inference_covariance[0, 0])

        true = calibrated(w, 2.0, size[:, None])
        found["naive"].append((fit(w)[0], fit(w)[1] ** 0.5))
        for name, got in (
            ("calibration", true.corrected(*fit(true.values))),
            ("SIMEX", simex(fit, w, 2.0, rng=rng, n_draws=15)),
        ):
            found[name].append((got.coef, got.se))
    mean = {name: np.exp(np.mean([c for c, _ in found[name]])) for name in names}
    held = {name: np.mean([abs(c - beta) < 1.96 * se for c, se in found[name]]) for name in names}
    print(mean, held)
    assert mean["naive"] > 0.92
    for name in names[1:]:
        assert mean[name] == pytest.approx(0.90, abs=0.01), name
        assert held[name] == pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / 150)), name


def test_impossible_errors_are_refused() -> None:
    w = np.arange(10.0)
    with pytest.raises(InfeasibleError, match="vary more than their error"):
        calibrated(w, 5.0, np.empty((10, 0)))
    with pytest.raises(InputError, match="must not be negative"):
        calibrated(w, -1.0, np.empty((10, 0)))
    with pytest.raises(InputError, match="one finite number a row"):
        simex(least_squares(w), w, np.ones(3), rng=np.random.default_rng(0))


def test_the_reliability_s_own_error_widens_the_variance_by_the_formula() -> None:
    """Of a share r estimated from n rows the relative variance is 2 (1 - r)^2 / (n r^2)."""
    got = Calibrated(values=np.zeros(3), reliability=0.8, n_residual=50).corrected(-0.3, 0.01)
    assert got.coef == -0.3
    assert got.se == pytest.approx(np.sqrt(0.01 + 0.09 * 2 * 0.2**2 / 50 / 0.8**2), rel=1e-12)
