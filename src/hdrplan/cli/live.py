"""``hdrplan live``: a page on this machine on which a plan is touched, and the optimum follows."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import webbrowser
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from hdrplan import __version__
from hdrplan.cli.case import case_options, read_case_from, read_plan_for
from hdrplan.cli.inputs import IN_PLAN
from hdrplan.errors import InputError, ResourceError

if TYPE_CHECKING:
    import uvicorn

    from hdrplan.live import Session

__all__ = ["command"]


@click.command("live", short_help="Touch a plan in the browser; the proven optimum follows.")
@case_options()
@click.option("--plan", "plan_path", type=IN_PLAN, help="plan.json or its folder to begin with.")
@click.option(
    "--saves",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("live-plans"),
    show_default=True,
    help="Folder in which Save makes plan-1, plan-2, ...; a session that ended unsaved is kept there.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1; 0 takes a free one.")
@click.option(
    "--browser/--no-browser", default=True, show_default=True, help="Open the page, or print its address only."
)
@click.option(
    "--without",
    metavar="GROUP,...",
    help="Of ribs, lungs, bowel and vessels those not segmented: proposed catheters may pass through them.",
)
def command(plan_path: Path | None, saves: Path, port: int, browser: bool, without: str | None, **flags: Any) -> None:
    """Plan live: move goals, dwell times and catheters on a page, and the optimum follows.

    CASE is a folder with a case.toml. Flags override the case. The page opens in the browser and is answered by this
    machine only; no network is used. Ctrl-C ends the session; the next start goes on with what was not saved.

    \b
    Examples:
      hdrplan live phantoms/liver-lesion-b
      hdrplan live phantoms/liver-lesion-b --plan demo-output --no-browser

    Save writes the case as it is then, and the plan that `hdrplan plan` makes of it. Research use only.
    """
    try:
        import uvicorn  # noqa: F401

        from hdrplan.live import Session, Touch
    except ImportError:
        raise InputError("hdrplan live needs a web server", got="none", remedy="pip install 'hdrplan[live]'") from None
    from hdrplan.io import open_journal

    case_file = read_case_from(flags)
    plan = None if plan_path is None else read_plan_for(plan_path, case_file)
    _make_writable(saves)
    # What a session was made of: with other files, numbers, or another plan, its touches mean something else.
    options = {
        "inputs": case_file.inputs,
        "prescription_gy": {p.structure: p.dose_gy for p in case_file.goals.prescriptions},
        **({"reference_only": [p.structure for p in case_file.goals.references]} if case_file.goals.references else {}),
        "goals": [f"{goal.structure} {goal.text}" for goal in case_file.goals.goals],
        "source": f"{case_file.source.name} {case_file.strength.value_u!r}",
        "dwells": case_file.options,
        "plan": None if plan is None else plan.digest,
    }
    of_others = InputError(
        "a session goes on with the same case, files and options only",
        got="one of others, or of files that changed since",
        where=saves / "session.partial",
        remedy="--saves names another folder for this one; delete that file to give the other up.",
    )
    kept = open_journal(saves / "session.partial", Touch, options=options, secret=b"", of_others=of_others)
    with _listener(port) as listener, kept as journal:

        def note(touch: Touch) -> None:
            journal.add(touch)
            journal.unsettled = 0 if touch.what == "save" else 1

        if journal.damaged:
            raise InputError(
                "the session that ended here must be as it was written",
                got=f"{journal.damaged} damaged line{'s' * (journal.damaged != 1)}",
                where=saves / "session.partial",
                remedy="Move that file to begin anew.",
            )
        session = Session(case_file, plan=plan, on_touch=note)
        if journal.done:
            done = len(journal.done)
            click.echo(f"Going on with the session that ended here, {done} touch{'es' * (done != 1)}.", err=True)
            session.again(journal.done.values())
            journal.unsettled = 1
        click.echo("Planning ...", err=True)
        _ = session.shown
        groups = tuple(group.strip() for group in (without or "").split(",") if group.strip())
        _serve(session, listener, saves, without=groups, browser=browser)


def _serve(session: Session, listener: socket.socket, saves: Path, *, without: tuple[str, ...], browser: bool) -> None:
    """Serve the page of a session until somebody ends it."""
    import uvicorn

    from hdrplan.live import app_of, new_token

    origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    token = new_token()
    app = app_of(session, token=token, origin=origin, saves=saves, version=__version__, without=without)
    address = f"{origin}/?token={token}"
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=2))
    # A request that the end of the session cuts off, such as a save, is no error: it was told with a traceback.
    logging.getLogger("uvicorn.error").addFilter(lambda record: not server.should_exit)
    _end_on_interrupt(server)
    click.echo(f"Live planning of {session.case_file.case.name}: {address}")
    click.echo("Ctrl-C ends it; the next start goes on. Research use only, never for treatment.")
    if browser:
        threading.Timer(0.3, webbrowser.open, [address]).start()
    server.run(sockets=[listener])
    session.stop()  # a solve that nobody waits for any more held the process until it was done


def _end_on_interrupt(server: uvicorn.Server) -> None:
    """From here on Ctrl-C means that the session ends well, whatever is under way; it stays so until the process ends.

    The server heeds Ctrl-C itself only while it runs: one that came between the address and the server, or a second
    one after it, ended the command with 130 as if something had been lost.
    """

    def end(number: int, frame: FrameType | None) -> None:
        server.should_exit = True

    with suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGINT, end)


def _make_writable(saves: Path) -> None:
    """Make the folder of the saves, or say where else they can be."""
    remedy = "--saves names another folder; the case itself may be for reading only."
    try:
        saves.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResourceError(
            "the folder for saves must be made", got=error.strerror, where=saves, remedy=remedy
        ) from None
    if not os.access(saves, os.W_OK):
        raise ResourceError("the folder for saves must be writable", got="one for reading", where=saves, remedy=remedy)


def _listener(port: int) -> socket.socket:
    """Return a socket that listens on this machine only."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.bind(("127.0.0.1", port))
        # A browser that is quicker than the server waits instead of being refused.
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise ResourceError(
            f"port {port} must be free", got=error.strerror, remedy="Without --port a free one is taken."
        ) from None
    return listener
