"""One curve through a trace, and traces that hold pieces of two catheters."""

from __future__ import annotations

import numpy as np

from hdrplan.tracing.straight import bend_mm, straightened

AT = np.arange(0.0, 120.0)[:, None]
# Bent by 4 mm over its whole length, as needles in tissue are; the other crosses it near its middle at 10 degrees.
OWN = AT * [1.0, 0.0, 0.0] + 4.0 * (AT / 120.0) * (1.0 - AT / 120.0) * [0.0, 4.0, 0.0]
OTHER = OWN + (AT - 40.0) * [0.0, 0.0, 0.17]
NOISE = np.random.default_rng(5).normal(0.0, 0.05, OWN.shape)


def test_a_bent_catheter_is_straight_and_a_trace_of_two_is_not() -> None:
    assert bend_mm(OWN + NOISE) < 0.25
    assert bend_mm(np.where(AT < 40.0, OTHER, OWN) + NOISE) > 0.4


def test_a_piece_of_another_is_replaced_by_the_curve_of_its_own() -> None:
    """Either end may be the other's; in the middle a trace goes over to a neighbour and comes back."""
    beside = OWN + 2.5 * np.sin(np.clip((AT - 60.0) / 30.0, 0.0, 1.0) * np.pi) * [0.0, 0.0, 1.0]
    for trace in (
        np.where(AT < 40.0, OTHER, OWN),
        np.where(AT > 85.0, OWN + 0.17 * (AT - 85.0) * [0.0, 0.0, 1.0], OWN),
        beside,
    ):
        mended = straightened(trace + NOISE, 0.4)
        assert mended is not None
        way_mm, changed = mended
        across = np.s_[:, 1:]
        assert np.linalg.norm((way_mm - OWN)[across], axis=1).max() < 1.0
        off = np.linalg.norm((trace - OWN)[across], axis=1)
        assert changed[off > 1.5].all()
        assert not changed[off == 0.0].any()


def test_half_of_each_says_nothing_of_which_was_meant() -> None:
    third = OWN + (AT - 80.0) * [0.0, 0.15, 0.0] + np.array([0.0, 6.0, 0.0])
    pieces = np.where(AT < 40.0, OTHER + np.array([0.0, 0.0, 6.0]), np.where(AT < 80.0, OWN, third))
    assert straightened(pieces, 0.4) is None
