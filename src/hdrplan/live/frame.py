"""The page of a session in a notebook: a server in a thread, and a frame that shows its page."""

from __future__ import annotations

import html
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from hdrplan import __version__
from hdrplan.errors import InputError

if TYPE_CHECKING:
    from hdrplan.live.session import Session

__all__ = ["Frame", "show"]


def show(session: Session, *, saves: str | Path = "live-plans", height_px: int = 900) -> Frame:
    """Return the page of a session for a notebook.

    Parameters
    ----------
    session : Session
    saves : str or Path
        Folder in which Save makes plan-1, plan-2, ...
    height_px : int

    Raises
    ------
    InputError
        The extra "live" is not installed.
    """
    return Frame(session, saves=Path(saves), height_px=height_px, version=__version__)


class Frame:
    """A session's page for a notebook, shown as the last value of a cell; page and code touch one session.

    Parameters and errors are those of :func:`show`.
    """

    def __init__(self, session: Session, *, saves: Path, height_px: int, version: str) -> None:
        try:
            import uvicorn

            from hdrplan.live.server import app_of, new_token
        except ImportError:
            raise InputError(
                "the page of a session needs a web server", got="none", remedy="pip install 'hdrplan[live]'"
            ) from None
        token = new_token()
        self._height_px = height_px
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.bind(("127.0.0.1", 0))
        listener.listen()  # a frame that asks before the server has begun waits for it
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.address = f"{origin}/?token={token}"

        app = app_of(session, token=token, origin=origin, saves=saves, version=version, framed=True)
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the server; the session stays."""
        self._server.should_exit = True
        self._thread.join()

    def __repr__(self) -> str:
        return f"Frame({self.address!r})"

    def _repr_html_(self) -> str:
        address = html.escape(self.address, quote=True)
        return f'<iframe src="{address}" width="100%" height="{self._height_px}" title="Live planning"></iframe>'
