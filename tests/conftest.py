"""Fixtures for all rooms."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headless import headless_chromium
from made_once import MadeOnce, folder_of_the_session, write_small_phantoms

ROOT = Path(__file__).resolve().parents[1]
# Long work writes lines of progress into a pipe: what a command says must not depend on the load of the machine.
os.environ["HDRPLAN_PROGRESS_S"] = "0"
# A busy machine is no failure: one example of 0.02 s took 0.4. What else was set before, as by the mutants, stays.
settings.register_profile("hdrplan", parent=settings(), deadline=None)
settings.load_profile("hdrplan")


# Objects after which Python looks for garbage. Its own 700 are made in every line here, and half a million are imported
# and collected before the first test: looking through them took a fifth of that, 0.3 s at a time.
GARBAGE_AFTER = 20_000
gc.set_threshold(GARBAGE_AFTER)


def pytest_collection_finish() -> None:
    """Leave what is there before the first test out of every search for garbage."""
    hypothesis_begins()
    gc.freeze()


@given(st.none())
def hypothesis_begins(nothing: None) -> None:
    """Let Hypothesis make its random generators, of which it asks the collector whether anything holds them.

    The collector does not see into what is frozen: version 6.112 then warned in the first test of a process.
    """


@pytest.fixture(scope="session")
def shared() -> Path:
    """Data that lies beside the checkout and may not enter the project; absent on most machines."""
    folder = Path(os.environ.get("HDRPLAN_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip("../shared is not on this machine: its data may not be redistributed with the project")
    return folder


@pytest.fixture(scope="session")
def phantoms() -> Path:
    """The phantoms of the project."""
    return ROOT / "phantoms"


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MadeOnce:
    """Results that many tests begin with; see :class:`made_once.MadeOnce`."""
    return MadeOnce(folder_of_the_session(tmp_path_factory) / "made-once")


@pytest.fixture(scope="session")
def small_phantoms(made_once: MadeOnce) -> Path:
    """The phantoms, those of the liver in half their size."""
    return made_once("phantoms", lambda draft: write_small_phantoms(draft / "phantoms"))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless Chromium: one in a process, which bears no second driver."""
    with headless_chromium() as browser:
        yield browser


@pytest.fixture(scope="session", autouse=True)
def nothing_waits_for_the_disk() -> Iterator[None]:
    """Do not wait until a file is on the disk: no test cuts the power, and a slow disk takes 23 ms for each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(autouse=True)
def garbage_as_before() -> Iterator[None]:
    """Look for garbage as often as before: a command that ran here hardly looks for any, since it soon ends."""
    yield
    gc.set_threshold(GARBAGE_AFTER)


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    """Give signals back their handlers: a command that ran here ignores them at its end, and processes inherit that."""
    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in (getattr(signal, name) for name in names)}
    yield
    for number, handler in before.items():
        if handler is not None:  # one that was not set from Python
            signal.signal(number, handler)
