"""Scattered photons: laws that hold for any medium, exact repetition, errors."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from hdrplan.errors import InputError
from hdrplan.geometry import Grid
from hdrplan.materials import photon_data, voxel_codes
from hdrplan.transport import ScatterTask, Voxels, in_water, isotropic_ir192, scatter
from naive.photons import scattered_deposits


def cube(n: int, spacing_mm: float) -> Grid:
    return Grid(shape_zyx=(n, n, n), origin_mm=[-0.5 * (n - 1) * spacing_mm] * 3, spacing_mm=[spacing_mm] * 3)


def filled(medium: str, density: float, *, side_mm: float = 240.0) -> Voxels:
    photons = photon_data()
    grid = cube(8, side_mm / 8)
    codes = voxel_codes(np.full(grid.shape_zyx, photons.number(medium)), np.full(grid.shape_zyx, density), photons)
    return Voxels(grid=grid, codes_zyx=codes, photons=photons)


def task(voxels: Voxels, **changes) -> ScatterTask:
    given = {
        "voxels": voxels,
        "emission": isotropic_ir192(photon_data()),
        "positions_mm": [[0.0, 0.0, 0.0], [5.0, 0.0, 0.0]],
        "axes": [[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]],
        "times_s": [3.0, 1.0],
        "scored": cube(12, 20.0),
        "batches": 10,
    }
    return ScatterTask(**{**given, **changes})


@pytest.fixture(scope="module")
def liver():
    return task(filled("liver", 1.06))


def test_one_run_and_two_halves_on_any_threads_are_the_same_bits(liver, monkeypatch):
    monkeypatch.setenv("HDRPLAN_THREADS", "1")
    alone = scatter(liver, 4000)
    monkeypatch.setenv("HDRPLAN_THREADS", "3")
    steps = []
    first = scatter(liver, 2000, on_progress=steps.append)
    both = scatter(liver, 2000, after=first)
    assert steps[-1] == 1.0
    assert both.histories == alone.histories == 400
    np.testing.assert_allclose(both.sums, alone.sums, rtol=1e-6)
    np.testing.assert_array_equal(scatter(liver, 4000).sums, alone.sums)


def test_water_in_water_without_end_is_itself(liver):
    water = task(filled("water", 0.998), seed=5)
    here, without_end = scatter(water, 3000), scatter(in_water(water), 3000)
    # What comes back from beyond 12 cm is all that differs: the same random numbers follow the same photons.
    assert (without_end.sums >= here.sums * (1.0 - 1e-6)).mean() > 0.95
    near = (slice(None), slice(5, 7), slice(5, 7), slice(5, 7))
    np.testing.assert_allclose(without_end.sums[near].sum(), here.sums[near].sum(), rtol=0.03)


def test_photons_that_end_beyond_the_voxels_take_nothing_from_the_mean(monkeypatch):
    # Cells along the faces, where most of what comes back from beyond them is scored.
    water = in_water(task(filled("cortical_bone", 1.92), scored=cube(6, 40.0), batches=20))
    half = scatter(water, 60_000)
    monkeypatch.setattr(sys.modules["hdrplan.transport.scatter"], "_KEPT", 1.0)
    whole = scatter(water, 60_000)
    rim = np.ones((6, 6, 6), dtype=bool)
    rim[1:5, 1:5, 1:5] = False
    sums = [run.batches_gy("water")[:, rim].sum(axis=1, dtype=np.float64) for run in (half, whole)]
    assert (sums[0] != sums[1]).all()
    # Without their double weight the sum is 11 % lower; the error of the difference is 0.4 %.
    assert sums[0].mean() == pytest.approx(sums[1].mean(), rel=0.03)


def test_a_result_of_another_task_is_not_continued(liver):
    with pytest.raises(InputError, match="same task"):
        scatter(task(liver.voxels, seed=2), 100, after=scatter(liver, 100))


@pytest.mark.parametrize("metal", ["iridium", "steel", "steel_generic_capsule", "steel_cable", "titanium"])
def test_metals_have_no_kerma_here(liver, metal):
    with pytest.raises(InputError, match="not scored"):
        scatter(liver, 100).mean_gy(metal)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"times_s": [0.0, 0.0]}, "all 0"),
        ({"positions_mm": [[0.0, 0.0, 500.0], [0.0, 0.0, 0.0]]}, "inside the voxels"),
        ({"batches": 2}, "batches"),
    ],
)
def test_tasks_that_cannot_be_simulated(liver, changes, message):
    with pytest.raises(InputError, match=message):
        task(liver.voxels, **changes)


def test_analogue_twin_agrees_behind_a_slab_of_bone():
    photons = photon_data()
    grid, scored = cube(24, 10.0), Grid(shape_zyx=(1, 1, 6), origin_mm=[-50.0, 0.0, 0.0], spacing_mm=[20.0, 80.0, 80.0])
    medium, density = np.full(grid.shape_zyx, photons.number("water")), np.full(grid.shape_zyx, 0.998)
    medium[:, :, 14:16], density[:, :, 14:16] = photons.number("cortical_bone"), 1.92
    slab = Voxels(grid=grid, codes_zyx=voxel_codes(medium, density, photons), photons=photons)
    job = task(slab, positions_mm=[[0.0, 0.0, 0.0]], axes=[[0.0, 0.0, 1.0]], times_s=[1.0], scored=scored, batches=20)
    tracks = scatter(job, 60_000)
    names = ["water", "water", "water", "water", "cortical_bone", "water"]
    heavy = [1.92 if name == "cortical_bone" else 0.998 for name in names]
    joules = np.array([scattered_deposits(job, 2000, seed)[0, 0] for seed in range(10)]) * 1.602176634e-16 / 2000
    analogue = joules / (np.array(heavy) * scored.voxel_cc * 1e-3)
    wanted = np.array([tracks.mean_gy(name)[0, 0, i] for i, name in enumerate(names)])
    error = np.hypot(analogue.std(axis=0, ddof=1) / np.sqrt(10), 0.01 * wanted)
    chi2 = (((analogue.mean(axis=0) - wanted) / error) ** 2).mean()
    assert 0.1 < chi2 < 3.0
    assert analogue.mean(axis=0).sum() == pytest.approx(wanted.sum(), rel=0.04)
