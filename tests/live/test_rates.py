"""Rates of a session: by tables while somebody touches the plan, exact for proofs and for times set by hand."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from hdrplan.dose import dose_rate, sample_points
from hdrplan.io import CaseFile, read_case
from hdrplan.live import Session, engine
from hdrplan.live.rates import RateStore
from hdrplan.options import PlanOptions
from small_case import write_small_case
from tolerances import TABLE_NEAR


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> CaseFile:
    return read_case(write_small_case(tmp_path_factory.mktemp("rates") / "case"))


def store_of(opened: CaseFile) -> RateStore:
    return RateStore(opened.source, opened.strength, PlanOptions(**opened.options))


def points_of(opened: CaseFile):  # type: ignore[no-untyped-def]
    case = opened.case
    return sample_points(case.dosed_structures(opened.goals), spacing_mm=2.0, healthy=case.healthy)


def test_both_ways_give_the_rates_and_the_dose_at_all_points(opened: CaseFile) -> None:
    case, goals, points, store = opened.case, opened.goals, points_of(opened), store_of(opened)
    for way, near in ((store.exact, 1e-12), (store.by_tables, TABLE_NEAR)):
        with way(case, goals, points) as rates:
            times_s = np.linspace(0.0, 9.0, len(rates.dwells))
            whole = dose_rate(rates.dwells, points.points_mm, opened.source, strength_u=opened.strength.value_u)
            np.testing.assert_allclose(rates.dose_gy(times_s), whole.gy_per_s @ times_s, rtol=near)
            assert rates.asked.names
            for name in rates.asked.names:
                at = rates.at_asked.at(rates.asked.rows(name))
                np.testing.assert_allclose(at, whole.gy_per_s[points.rows(name)], rtol=near)


def test_what_is_lent_is_nobody_elses_and_is_used_again(opened: CaseFile) -> None:
    case, goals, points, store = opened.case, opened.goals, points_of(opened), store_of(opened)
    catheter = case.catheters[0]
    moved = replace(case, catheters=(replace(catheter, points_mm=catheter.points_mm + 0.5), *case.catheters[1:]))
    with store.by_tables(case, goals, points) as first:
        kept = first.at_asked.gy_per_s
        with store.by_tables(moved, goals, points) as second:
            assert not np.shares_memory(first.at_asked.blocks[0].rows, second.at_asked.blocks[0].rows)
            assert not np.array_equal(second.at_asked.gy_per_s, kept)
        np.testing.assert_array_equal(first.at_asked.gy_per_s, kept)
    with store.by_tables(case, goals, points) as again:
        assert again.at_asked is first.at_asked
    with pytest.raises(RuntimeError), store.by_tables(moved, goals, points):
        raise RuntimeError("a draft that was refused gives back what it was lent")
    with store.by_tables(moved, goals, points) as last:
        assert np.shares_memory(last.at_asked.blocks[0].rows, again.at_asked.blocks[0].rows)


def test_two_drafts_at_once_have_each_their_own_dose(opened: CaseFile, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(opened)
    wishes, name = session.wishes, session.wishes.catheters[0].name
    tip = tuple((session.wishes.catheters[0].points_mm[-1] + [0.5, 0.0, 0.0]).tolist())
    asked = [wishes, session.do("move_catheter", name=name, tip_mm=tip) and session.wishes]
    alone = [session._engine.draft(one, None).dose_gy for one in asked]
    both, solve = threading.Barrier(2, timeout=60.0), engine.optimize_times

    def together(*args: object, **options: object) -> object:
        both.wait()  # both drafts have their rates before either is solved
        optimum = solve(*args, **options)  # type: ignore[arg-type]
        both.wait()
        return optimum

    monkeypatch.setattr(engine, "optimize_times", together)
    found: dict[int, np.ndarray] = {}
    threads = [
        threading.Thread(target=lambda k=k: found.update({k: session._engine.draft(asked[k], None).dose_gy}))
        for k in (0, 1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k in (0, 1):
        np.testing.assert_array_equal(found[k], alone[k])
