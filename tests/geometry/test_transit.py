"""The moving source: worked by hand, and followed on its way."""

from __future__ import annotations

import numpy as np
import pytest

from hdrplan.errors import InputError
from hdrplan.geometry import Dwells, Transit, positions_reached
from naive import transit as naive


def _dwells(*offsets_mm: list[float]) -> Dwells:
    """Return parallel catheters with positions at these distances from their tips."""
    at = [(10.0 * k, 0.0, -o) for k, own in enumerate(offsets_mm) for o in own]
    return Dwells(
        positions_mm=np.array(at),
        axes=np.tile([0.0, 0.0, 1.0], (len(at), 1)),
        catheter=np.repeat(np.arange(len(offsets_mm)), [len(own) for own in offsets_mm]),
        offset_mm=np.concatenate(offsets_mm),
        catheter_names=tuple("ABCDEFG"[: len(offsets_mm)]),
    )


def test_six_positions_worked_by_hand() -> None:
    # 100 mm/s, steps of 5 mm, stops at the third, the fourth and the last position from the tip. The source never
    # reaches the first two. It passes the way 10 .. 25 mm from the tip twice: 2 x 5 mm / 100 mm/s = 0.1 s for each
    # step, half of it near either end.
    dwells = _dwells([0.0, 5.0, 10.0, 15.0, 20.0, 25.0])
    passing = Transit(speed_mm_per_s=100.0).passing_s(dwells, [0.0, 0.0, 3.0, 2.0, 0.0, 1.0])
    assert passing.tolist() == pytest.approx([0.0, 0.0, 0.05, 0.10, 0.10, 0.05])


def test_a_catheter_without_dwell_time_is_not_entered() -> None:
    dwells = _dwells([0.0, 5.0, 10.0], [0.0, 5.0, 10.0])
    passing = Transit(speed_mm_per_s=50.0).passing_s(dwells, [0.0, 0.0, 0.0, 0.0, 0.0, 2.0])
    # One stop at the outermost position of B: nothing deeper, and the way to the hub has no positions.
    assert passing.tolist() == [0.0] * 6
    assert positions_reached(dwells, [0, 0, 0, 0, 0, 2.0]).tolist() == [False] * 5 + [True]


def test_the_middle_of_a_long_gap_is_nobodys() -> None:
    # A catheter through two lesions: 5 mm of the gap of 40 mm count at either end, twice at 100 mm/s.
    passing = Transit(speed_mm_per_s=100.0).passing_s(_dwells([0.0, 4.0, 44.0, 46.0]), [1.0, 1.0, 1.0, 1.0])
    assert passing.tolist() == pytest.approx([0.04, 0.14, 0.12, 0.02])


@pytest.mark.parametrize("deepest_first", [True, False])
def test_in_either_order_of_stops_the_source_passes_for_as_long(deepest_first: bool) -> None:
    offsets = [2.7, 7.7, 12.7, 15.0, 27.5, 30.0, 36.0]
    times = [0.0, 1.5, 0.0, 2.0, 0.4, 0.0, 0.0]
    followed = naive.passing_s(offsets, times, 90.0, 120.0, deepest_first=deepest_first)
    passing = Transit(speed_mm_per_s=120.0).passing_s(_dwells(offsets), times)
    # A step of the walk, four times: in and out, at both ends.
    assert passing == pytest.approx(followed, abs=4 * 0.001 / 120.0)


def test_positions_in_any_order_of_rows() -> None:
    dwells = _dwells([0.0, 5.0, 10.0, 15.0], [0.0, 5.0, 10.0])
    times = np.array([0.0, 2.0, 0.0, 1.0, 0.5, 0.0, 0.0])
    rows = np.array([3, 5, 0, 6, 2, 1, 4])
    shuffled = Dwells(
        positions_mm=dwells.positions_mm[rows],
        axes=dwells.axes[rows],
        catheter=dwells.catheter[rows],
        offset_mm=dwells.offset_mm[rows],
        catheter_names=dwells.catheter_names,
    )
    transit = Transit(speed_mm_per_s=200.0)
    assert np.array_equal(transit.passing_s(shuffled, times[rows]), transit.passing_s(dwells, times)[rows])


def test_a_deeper_stop_never_takes_from_any_position() -> None:
    rng = np.random.default_rng(4)
    dwells, transit = _dwells(np.cumsum(rng.uniform(2, 15, 9)).tolist()), Transit(speed_mm_per_s=100.0)
    before = np.zeros(9)
    for deepest in range(8, -1, -1):
        passing = transit.passing_s(dwells, np.eye(9)[deepest])
        assert (passing >= before).all()
        before = passing


@pytest.mark.parametrize("speed", [0.0, -5.0, np.nan, np.inf])
def test_a_speed_must_be_a_positive_number(speed: float) -> None:
    with pytest.raises(InputError, match="speed must be positive"):
        Transit(speed_mm_per_s=speed)


def test_one_time_for_each_position() -> None:
    with pytest.raises(InputError, match="one time for each of the 3 dwells"):
        Transit(speed_mm_per_s=100.0).passing_s(_dwells([0.0, 5.0, 10.0]), [1.0])
