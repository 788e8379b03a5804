"""A small case, sessions of it, and sessions that are served, for the tests of this folder."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from served import TOKEN, Served

from hdrplan.io import read_case
from hdrplan.live import Session, Touch
from small_case import write_small_case


@contextmanager
def _served(folder: Path) -> Iterator[Served]:
    uvicorn = pytest.importorskip("uvicorn", reason="the optional extra 'live' is not installed")
    from hdrplan.live import app_of

    touches: list[Touch] = []
    session = Session(read_case(write_small_case(folder / "case")), on_touch=touches.append)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app = app_of(session, token=TOKEN, origin=origin, saves=folder / "saves", version="1")
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield Served(session, origin, folder / "saves" / "plan-1", touches)
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with _served(tmp_path_factory.mktemp("served")) as served:
        yield served


@pytest.fixture
def untouched(tmp_path: Path) -> Iterator[Served]:
    """A session of its own."""
    with _served(tmp_path) as served:
        yield served


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_case(tmp_path_factory.mktemp("live") / "case")


@pytest.fixture
def session(folder: Path) -> Session:
    return Session.open(folder)
