"""Where time goes: pieces inside pieces, only while somebody asks."""

from __future__ import annotations

import threading

import pytest

from hdrplan.costs import costs_of, measured


def test_pieces_lie_inside_pieces_and_are_counted() -> None:
    with measured("before"), costs_of() as costs:
        with measured("optimise"):
            for k in range(3):
                with measured("plan"):
                    if k == 2:
                        with measured("whole numbers"):
                            pass
                with measured("proof"):
                    sum(range(20_000))
        with measured("dose"):
            pass
    with measured("after"):
        pass
    rows = costs.rows()
    assert [(row.name, row.calls) for row in rows] == [
        ("optimise", 1),
        ("optimise > plan", 3),
        ("optimise > plan > whole numbers", 1),
        ("optimise > proof", 3),
        ("dose", 1),
    ]
    whole, _, _, proof, _ = rows
    assert whole.wall_s >= proof.wall_s > 0.0
    assert whole.own_cpu_s >= proof.own_cpu_s


def test_a_piece_that_fails_is_measured_and_left() -> None:
    with costs_of() as costs:
        with pytest.raises(ZeroDivisionError), measured("plan"), measured("proof"):
            raise ZeroDivisionError
        with measured("dose"):
            pass
    assert [row.name for row in costs.rows()] == ["plan", "plan > proof", "dose"]


def test_the_work_of_other_threads_is_told_apart() -> None:
    def work() -> None:
        with measured("in a thread"):
            sum(range(3_000_000))

    with costs_of() as costs, measured("shared"):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    (row,) = costs.rows()
    assert row.name == "shared"
    assert row.cpu_s > row.own_cpu_s
