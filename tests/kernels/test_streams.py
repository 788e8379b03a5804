"""Random numbers against published ones."""

import numpy as np

from hdrplan.kernels.streams import uniform
from naive.streams import GOLDEN, Stream, mixed

# The first outputs of Vigna's splitmix64.c from 1234567.
PUBLISHED = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]


def test_numbers_are_those_of_splitmix64() -> None:
    assert [mixed((1234567 + (i + 1) * GOLDEN) % 2**64) for i in range(5)] == PUBLISHED
    state = np.uint64(1234567)
    for output in PUBLISHED:
        with np.errstate(over="ignore"):
            state, number = uniform(np.uint64(state))
        assert number == ((output >> 11) + 0.5) / 2**53


def test_no_two_histories_share_a_stream() -> None:
    states = {Stream.of_history(key, history).state for key in range(20) for history in range(500)}
    assert len(states) == 20 * 500
