"""``hdrplan live``: a page on this machine on which a plan is touched, and the optimum follows."""

from __future__ import annotations

import socket
import threading
import webbrowser
from itertools import count
from pathlib import Path
from typing import Any

import click

from hdrplan import __version__
from hdrplan.cli.case import case_options, read_case_from, read_plan_for
from hdrplan.cli.inputs import IN_PLAN
from hdrplan.errors import InputError, ResourceError

__all__ = ["command"]


@click.command("live", short_help="Touch a plan in the browser; the proven optimum follows.")
@case_options()
@click.option("--plan", "plan_path", type=IN_PLAN, help="plan.json or its folder to begin with.")
@click.option(
    "--saves",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("live-plans"),
    show_default=True,
    help="Folder in which Save makes plan-1, plan-2, ...",
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1; 0 takes a free one.")
@click.option(
    "--browser/--no-browser", default=True, show_default=True, help="Open the page, or print its address only."
)
def command(plan_path: Path | None, saves: Path, port: int, browser: bool, **flags: Any) -> None:
    """Plan live: move goals, dwell times and catheters on a page, and the optimum follows.

    CASE is a folder with a case.toml. Flags override the case. The page opens in the browser and is answered by this
    machine only; no network is used. Ctrl-C ends the session.

    \b
    Examples:
      hdrplan live phantoms/liver-lesion-b
      hdrplan live phantoms/liver-lesion-b --plan demo-output --no-browser

    Save writes the case as it is then, and the plan that `hdrplan plan` makes of it. Research use only.
    """
    try:
        import uvicorn

        from hdrplan.live import Session, app_of, new_token
    except ImportError:
        raise InputError("hdrplan live needs a web server", got="none", remedy="pip install 'hdrplan[live]'") from None
    case_file = read_case_from(flags)
    plan = None if plan_path is None else read_plan_for(plan_path, case_file)
    session = Session(case_file, plan=plan)
    click.echo("Planning ...", err=True)
    _ = session.shown
    listener = _listener(port)
    origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    token = new_token()
    app = app_of(session, token=token, origin=origin, saves=lambda: _free(saves), version=__version__)
    address = f"{origin}/?token={token}"
    click.echo(
        f"Live planning of {case_file.case.name}: {address}\nCtrl-C ends it. Research use only, never for treatment."
    )
    if browser:
        threading.Timer(0.3, webbrowser.open, [address]).start()
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=2))
    server.run(sockets=[listener])


def _listener(port: int) -> socket.socket:
    """Return a socket that listens on this machine only."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise ResourceError(
            f"port {port} must be free", got=error.strerror, remedy="Without --port a free one is taken."
        ) from None
    return listener


def _free(saves: Path) -> Path:
    """Return the next folder to save into."""
    saves.mkdir(parents=True, exist_ok=True)
    return next(path for k in count(1) if not (path := saves / f"plan-{k}").exists())
