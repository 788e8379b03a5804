"""Every metric against its naive twin, and no metric without one."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable

import numpy as np
import pytest

from hdrplan import metrics
from hdrplan.metrics import (
    GammaCriteria,
    bed_gy,
    conformal_index,
    d100_sampling,
    dvh,
    eqd2_gy,
    gamma_index,
    geud_gy,
    metric_value,
    organ_metrics,
    protraction_factor,
    target_metrics,
)
from naive import grids
from naive import metrics as naive
from tolerances import FLOAT32_SUM, ROUNDOFF

Rng = np.random.Generator
# A double integral by 400 midpoints: the square of the step, times a curvature of order one.
MIDPOINTS = 1e-5


def some_points(rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """Doses with ties, three sizes of cells, some points on the surface."""
    n = int(rng.integers(5, 60))
    dose = rng.integers(0, 300, n + 4) / 7.0
    return dose, np.concatenate((rng.choice([0.05, 0.08, 0.5], n), np.zeros(4)))


def close(got: float, want: float) -> None:
    assert got == pytest.approx(want, rel=1e3 * ROUNDOFF, abs=1e3 * ROUNDOFF, nan_ok=True)


def a_curve(rng: Rng) -> None:
    dose, volume = some_points(rng)
    curve = dvh(dose, volume)
    close(curve.volume_cc, sum(volume))
    close(curve.mean_gy, naive.mean_gy(dose, volume))
    assert (curve.min_gy, curve.max_gy) == (min(dose), max(dose))
    for level in (0.0, *dose[:5], *rng.uniform(0.0, 50.0, 5)):
        close(float(curve.volume_at_gy(level)), naive.volume_at_gy(dose, volume, level))
        close(float(curve.volume_frac_at_gy(level)), naive.volume_at_gy(dose, volume, level) / sum(volume))
    for part in (*rng.uniform(0.01, 0.99, 5), 1.0):
        # Off the steps of the staircase, where roundoff decides.
        assert curve.dose_at_frac(part) == naive.dose_at_frac(dose, volume, part)
        assert curve.dose_at_cc(part * sum(volume)) == curve.dose_at_frac(part)
    assert math.isnan(curve.dose_at_cc(1.01 * sum(volume)))


def values_of_a_target(rng: Rng) -> None:
    dose, volume = some_points(rng)
    got, prescription = target_metrics(dvh(dose, volume), 20.0), 20.0
    for percent in (100, 99, 98, 95, 90, 50, 2):
        assert got[f"d{percent}_gy"] == naive.dose_at_frac(dose, volume, percent / 100)
    v = {p: naive.volume_at_gy(dose, volume, prescription * p / 100) for p in (100, 150, 200)}
    for percent, cc in v.items():
        close(got[f"v{percent}_frac"], cc / sum(volume))
    close(got["dhi"], (v[100] - v[150]) / v[100] if v[100] else 0.0)
    assert (got["min_gy"], got["max_gy"]) == (min(dose), max(dose))
    close(got["mean_gy"], naive.mean_gy(dose, volume))


def values_of_an_organ(rng: Rng) -> None:
    dose, volume = some_points(rng)
    got = organ_metrics(dvh(dose, volume))
    for key, cc in (("d0_1cc_gy", 0.1), ("d1cc_gy", 1.0), ("d2cc_gy", 2.0)):
        # A hair less: cells of 0.05 cc end on such volumes, and their sum in binary does not.
        close(got[key], naive.dose_at_cc(dose, volume, cc * (1.0 - 1e-9)))
    for gy in (5, 10):
        close(got[f"v{gy}gy_cc"], naive.volume_at_gy(dose, volume, gy))
        close(got[f"v{gy}gy_frac"], naive.volume_at_gy(dose, volume, gy) / sum(volume))
    assert (got["min_gy"], got["max_gy"]) == (min(dose), max(dose))
    close(got["mean_gy"], naive.mean_gy(dose, volume))


def one_value(rng: Rng) -> None:
    dose, volume = some_points(rng)
    curve, part, level = dvh(dose, volume), float(rng.uniform(0.01, 0.99)), float(rng.uniform(1.0, 30.0))
    at, above = naive.volume_at_gy(dose, volume, level), naive.volume_at_gy(dose, volume, 1.5 * level)
    assert metric_value(curve, "dose_at_frac", part) == naive.dose_at_frac(dose, volume, part)
    assert metric_value(curve, "dose_at_cc", part * sum(volume)) == naive.dose_at_frac(dose, volume, part)
    close(metric_value(curve, "volume_at_gy", level, unit="cc"), at)
    close(metric_value(curve, "volume_at_gy", level, unit="frac"), at / sum(volume))
    close(metric_value(curve, "volume_at_frac", 1.5, unit="cc", prescription_gy=level), above)
    close(metric_value(curve, "dose_mean"), naive.mean_gy(dose, volume))
    assert (metric_value(curve, "dose_min"), metric_value(curve, "dose_max")) == (min(dose), max(dose))


def sampling(rng: Rng) -> None:
    dose, volume = some_points(rng)
    found = d100_sampling(dose, volume)
    assert found.d100_gy == min(dose)
    assert found.inside_gy == min(dose[volume > 0])
    assert found.half_gy == naive.half_d100_gy(dose, volume)
    assert found.sensitivity_gy == found.half_gy - found.d100_gy


def an_implant(rng: Rng) -> dict[str, float]:
    """A ball of target in a dose that falls from somewhere near its middle."""
    z, y, x = np.meshgrid(*3 * (np.arange(8.0),), indexing="ij")
    target = (x - 3.5) ** 2 + (y - 3.5) ** 2 + (z - 3.5) ** 2 <= rng.uniform(4.0, 9.0)
    source = rng.uniform(2.5, 4.5, 3)
    dose = 100.0 / (1.0 + (x - source[0]) ** 2 + (y - source[1]) ** 2 + (z - source[2]) ** 2)
    return naive.indices(target, dose, 0.027, 15.0)


def index(name: str, *of: str) -> Callable[[Rng], None]:
    """An index of volumes: its arguments by what they are in the implant."""

    def compare(rng: Rng) -> None:
        implant = an_implant(rng)
        close(getattr(metrics, name)(*(implant[part] for part in of)), implant[name])

    return compare


def with_organs(rng: Rng) -> None:
    index("conformal_index", "both", "target", "reference")(rng)
    implant, beyond = an_implant(rng), rng.uniform(0.0, 1.0, 3)
    got = conformal_index(implant["both"], implant["target"], implant["reference"], organs_beyond_limit_frac=beyond)
    close(got, implant["conformal_index"] * (1 - beyond[0]) * (1 - beyond[1]) * (1 - beyond[2]))


def effect(rng: Rng) -> None:
    dose, ratio, n, g = rng.uniform(0.0, 60.0), rng.uniform(1.0, 15.0), int(rng.integers(1, 30)), rng.uniform(0.1, 1.0)
    close(float(bed_gy(dose, ratio, fractions=n, protraction=g)), naive.bed_gy(dose, ratio, n, g))


def equal_effect(rng: Rng) -> None:
    dose, ratio, n, g = rng.uniform(0.0, 60.0), rng.uniform(1.0, 15.0), int(rng.integers(1, 30)), rng.uniform(0.1, 1.0)
    close(float(eqd2_gy(dose, ratio, fractions=n, protraction=g)), naive.eqd2_gy(dose, ratio, n, g))


def repair(rng: Rng) -> None:
    duration_s, half_s = float(rng.uniform(60.0, 7200.0)), float(rng.uniform(1800.0, 7200.0))
    want = naive.protraction_factor(duration_s, half_s)
    assert protraction_factor(duration_s, half_s) == pytest.approx(want, rel=MIDPOINTS)


def gamma(rng: Rng) -> None:
    dose, spacing = rng.uniform(5.0, 20.0, (3, 4, 5)).astype(np.float32), rng.uniform(1.0, 3.0, 3)
    local = bool(rng.random() < 0.5)
    criteria = GammaCriteria(dose_frac=0.07, distance_mm=2.0, local=local, largest=1.6, step_frac=0.5)
    reference, places = rng.uniform(5.0, 20.0, 6), rng.uniform(-1.0, 4.0, (6, 3))
    got = gamma_index(reference, places, dose, spacing, criteria, normal_gy=None if local else 15.0)
    for value, r, at in zip(got, reference, places, strict=True):
        limit = 0.07 * (r if local else 15.0)
        want = grids.gamma(r, at, dose, spacing, criterion_gy=limit, distance_mm=2.0, step_mm=1.0, largest=1.6)
        assert value == pytest.approx(want, rel=4 * FLOAT32_SUM, nan_ok=True)


def equivalent_uniform(rng: Rng) -> None:
    dose, volume = some_points(rng)
    dose = dose + 0.1
    a = float(rng.choice([-10.0, -1.0, 0.5, 1.0, 2.0, 8.0]))
    close(geud_gy(dvh(dose, volume), a), naive.geud_gy(dose, volume, a))


TWINS: dict[str, Callable[[Rng], None]] = {
    "bed_gy": effect,
    "conformal_index": with_organs,
    "coverage_index": index("coverage_index", "both", "target"),
    "d100_sampling": sampling,
    "dose_homogeneity_index": index("dose_homogeneity_index", "both", "v150"),
    "dose_nonuniformity_ratio": index("dose_nonuniformity_ratio", "both", "v150"),
    "dvh": a_curve,
    "eqd2_gy": equal_effect,
    "geud_gy": equivalent_uniform,
    "external_volume_index": index("external_volume_index", "outside", "target"),
    "gamma_index": gamma,
    "healthy_tissue_conformity_index": index("healthy_tissue_conformity_index", "both", "reference"),
    "metric_value": one_value,
    "organ_metrics": values_of_an_organ,
    "overdose_index": index("overdose_index", "v200", "both"),
    "pitv": index("pitv", "reference", "target"),
    "protraction_factor": repair,
    "target_metrics": values_of_a_target,
}


@pytest.mark.parametrize("name", TWINS)
@pytest.mark.parametrize("seed", range(8))
def test_metric_is_its_twin(name: str, seed: int) -> None:
    TWINS[name](np.random.default_rng(seed))


def test_no_metric_is_without_a_twin() -> None:
    public = {name for name in metrics.__all__ if inspect.isfunction(getattr(metrics, name))}
    assert public == set(TWINS)
