"""Dwells that are not needed are left out at a stated loss."""

import numpy as np
from optimize_cases import case, fewest_dwells, goals, optimize_times, problem

from hdrplan.dose import DoseRate
from hdrplan.optimize import Delivery, neighbours
from hdrplan.optimize.notes import DwellsLeftOut, Rounded


def test_fewer_dwells_at_a_stated_loss():
    rate, points, _ = case()
    full = optimize_times(problem(rate, points, goals(), healthy="liver"))
    few = fewest_dwells(problem(rate, points, goals(), healthy="liver"), loss_frac=5e-3)
    assert (few.times_s > 0).sum() < (full.times_s > 0).sum()
    note = next(note for note in few.notes if isinstance(note, DwellsLeftOut))
    assert (note.active, note.before) == ((few.times_s > 0).sum(), (full.times_s > 0).sum())
    assert few.certificate.main.value <= full.certificate.main.value * 1.005
    assert few.certificate.main.gap_frac <= 5.1e-3
    assert (rate.gy_per_s @ few.times_s)[points.rows("lesion1")].min() >= 20.0


def test_the_last_dwell_of_a_lesion_is_needed():
    rate, points, _ = case()
    alone = DoseRate(rate.gy_per_s[:, :1].copy(), rate.extrapolated)
    few = fewest_dwells(problem(alone, points, goals(dose_gy=5.0), healthy="liver", reserve_frac=1e-3))
    assert (few.times_s > 0).tolist() == [True]
    assert not few.shortfalls


def test_under_a_ratio_of_neighbouring_times_whole_catheters_are_left_out():
    rate, points, dwells = case()
    catheter = np.repeat(np.arange(4), len(dwells) // 4)
    pairs = neighbours(catheter, dwells[:, 2])
    asked = problem(rate, points, goals(), healthy="liver", delivery=Delivery(ratio=3.0, neighbours=pairs))
    few = fewest_dwells(asked, loss_frac=0.5)
    times = few.times_s
    assert not few.shortfalls
    assert (times[pairs].max(axis=1) <= 3.0 * (times[pairs].min(axis=1) + 0.1) + 1e-9).all()
    used = [bool((times[catheter == k] > 0).any()) for k in range(4)]
    assert [bool((times[catheter == k] > 0).all()) for k in range(4)] == used
    assert few.certificate.main.value <= optimize_times(asked).certificate.main.value * 1.51


def test_times_without_steps_are_not_rounded_and_keep_ratio_and_shortest_stop():
    rate, points, dwells = case()
    pairs = neighbours(np.repeat(np.arange(4), len(dwells) // 4), dwells[:, 2])
    rules = Delivery(resolution_s=1e-6, shortest_s=0.5, ratio=3.0, neighbours=pairs)
    plan = optimize_times(problem(rate, points, goals(), healthy="liver", delivery=rules))
    assert not any(isinstance(note, Rounded) for note in plan.notes)
    times = plan.times_s
    assert (times[times > 0] >= 0.5 - 1e-9).all()
    assert (times[pairs].max(axis=1) <= 3.0 * times[pairs].min(axis=1) + 1e-7).all()
    assert not plan.shortfalls
