from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from served import TOKEN, Served

from hdrplan.live import Session
from small_case import write_small_case


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    uvicorn = pytest.importorskip("uvicorn", reason="the optional extra 'live' is not installed")
    from hdrplan.live import app_of

    session = Session.open(write_small_case(folder / "case"))
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app = app_of(session, token=TOKEN, origin=origin, saves=folder / "saves", version="1")
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield Served(session, origin, folder / "saves" / "plan-1")
    server.should_exit = True
    thread.join()
