"""Dwells that are not needed are left out at a stated loss."""

from optimize_cases import case, fewest_dwells, goals, optimize_times, problem

from hdrplan.optimize.notes import DwellsLeftOut


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
