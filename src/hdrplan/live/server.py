"""The server of one session on this machine: it answers its own page and nobody else."""

from __future__ import annotations

import json
import logging
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from hdrplan.errors import HdrPlanError, InputError
from hdrplan.live.guard import Answer, Guard
from hdrplan.live.requests import given_in, table_of, text_of, whole_of
from hdrplan.live.saving import EXPORTS, free_folder
from hdrplan.live.session import Session
from hdrplan.live.tables import difference_rows, range_rows, robustness_rows, rows_of_next
from hdrplan.live.view import DOSE_STEP_GY, pictured_dose, pictured_grid, result_of, state_of
from hdrplan.report import live_dvh, live_page, report_data, solid_html

if TYPE_CHECKING:
    from hdrplan.geometry import Volume
    from hdrplan.live.shown import Shown
    from hdrplan.live.wishes import Wishes

__all__ = ["app_of", "new_token"]

Work = Callable[[Mapping[str, Any]], Any]
_LOG = logging.getLogger(__name__)


def new_token() -> str:
    """Return a token that opens one session."""
    return secrets.token_urlsafe(24)


class _Live:
    """A session, the lock that keeps touches in their order, and the dose on the screen."""

    def __init__(self, session: Session, *, saves: Path, without: Sequence[str], version: str) -> None:
        self.session, self.saves, self.without, self.version = session, saves, without, version
        self.lock = threading.Lock()
        self._grid = pictured_grid(session.case_file.case)
        self._dose: tuple[int, Volume] | None = None
        self._kept: tuple[Shown, Volume] | None = None
        self._asked: tuple[int, Wishes] = (0, session.wishes)

    def dose(self) -> Volume:
        """Return the dose of the plan on the screen."""
        revision = self.session.revision
        if self._dose is None or self._dose[0] != revision:
            self._dose = (revision, pictured_dose(self.session.shown.plan, self._grid))
        return self._dose[1]

    def asked(self) -> int:
        """Return a number that changes with what is asked for, and not with a proof of it."""
        number, wishes = self._asked
        if self.session.wishes is not wishes:
            self._asked = (number + 1, self.session.wishes)
        return self._asked[0]

    def refuse_stale(self, given: Mapping[str, Any]) -> None:
        """Refuse what a page does to a plan that is not asked for any more; a request need not say what it saw."""
        if "asked" in given and whole_of(given, "asked") != self.asked():
            raise InputError(
                "the plan was touched elsewhere meanwhile", remedy="It is shown now; do it again if you still want it."
            )

    def kept_dose(self, name: str) -> Volume:
        """Return the dose of a plan that was kept; only the last one asked for stays, as it is 1 MB."""
        shown = self.session.kept[name]
        if self._kept is None or self._kept[0] is not shown:
            self._kept = (shown, pictured_dose(shown.plan, self._grid))
        return self._kept[1]

    def compared(self, name: str) -> dict[str, Any]:
        """Return what a kept plan was: its metrics beside those on the screen, and its DVH."""
        with self.lock:
            rows = difference_rows(self.session.compare(name))
            shown = self.session.kept[name]
            kept = live_dvh(result_of(self.session, shown, self.kept_dose(name)), shown.curves)
        return {"revision": self.session.revision, "name": name, "rows": rows, "curves": kept["curves"]}

    def page(self, token: str) -> str:
        with self.lock:
            return live_page(
                result_of(self.session, self.session.shown, self.dose()), version=self.version, token=token
            )

    def solid(self) -> str:
        with self.lock:
            result = result_of(self.session, self.session.shown, self.dose())
        return solid_html(report_data(result, {"versions": {"hdrplan": self.version}}))

    def after(self, change: Callable[[], object]) -> dict[str, Any]:
        """Do something to the session and return what is on the screen then."""
        with self.lock:
            change()
            return {**state_of(self.session, self.dose()), "asked": self.asked()}

    def settled(self) -> dict[str, Any]:
        # Without the lock: a touch meanwhile is not held up, and the session drops a proof of another plan.
        self.session.settle()
        return self.after(lambda: None)

    def done(self, given: Mapping[str, Any]) -> object:
        """Do an action, as a step of a gesture where it names one."""
        action, arguments = text_of(given, "action"), table_of(given, "arguments")
        if given.get("gesture"):
            return self.session.follow(text_of(given, "gesture"), action, **arguments)
        return self.session.do(action, **arguments)

    def stopped(self) -> dict[str, Any]:
        # Without the lock, which the touch that shall end may hold.
        self.session.stop()
        return {"said": "stopped"}

    def next_catheters(self) -> dict[str, Any]:
        # Without the lock, as the proof: what is found belongs to what was asked for then.
        of = self._of()
        return {**of, "rows": rows_of_next(self.session.next_catheters(without=self.without))}

    def ranges(self) -> dict[str, Any]:
        of, goals = self._of(), self.session.wishes.goals
        return {**of, "rows": range_rows(self.session.ranges(), goals)}

    def robustness(self) -> dict[str, Any]:
        of = self._of()
        return {**of, **robustness_rows(self.session.robustness())}

    def _of(self) -> dict[str, int]:
        return {"revision": self.session.revision, "asked": self.asked()}

    def saved(self, given: Mapping[str, Any]) -> dict[str, Any]:
        exports = [kind for kind in EXPORTS if given.get(kind) is True]
        folder = free_folder(self.saves)
        with self.lock:
            command = self.session.save(folder, exports=exports)
        return {"said": f"{folder.absolute()}. The commands of this plan, run there: {command}"}


def app_of(
    session: Session,
    *,
    token: str,
    origin: str,
    saves: Path,
    version: str,
    without: Sequence[str] = (),
    framed: bool = False,
) -> Starlette:
    """Return the application of a session.

    Parameters
    ----------
    session : Session
    token : str
        Opens the page once it is given in its address; a cookie stands for it from then on.
    origin : str
        ``http://127.0.0.1:PORT``: requests of other pages, and to other names, are refused.
    saves : Path
        Folder in which Save makes plan-1, plan-2, ...
    version : str
        Of hdrplan.
    without : sequence of str
        Groups of obstacles that were not segmented and that paths for one more catheter may pass through.
    framed : bool
        Whether pages of this machine may show the page in a frame.
    """
    live, guard = _Live(session, saves=saves, without=without, version=version), Guard(origin, token, framed)

    async def index(request: Request) -> Response:
        if "token" in request.query_params and not framed:
            response: Response = RedirectResponse("/", status_code=303)
            response.set_cookie(guard.cookie, token, httponly=True, samesite="strict")
            return response
        return HTMLResponse(await run_in_threadpool(live.page, token if framed else ""))

    async def solid(request: Request) -> Response:
        return HTMLResponse(await run_in_threadpool(live.solid))

    async def dose(request: Request) -> Response:
        kept = request.query_params.get("kept")
        try:
            return await run_in_threadpool(lambda: _packed(live.dose() if kept is None else live.kept_dose(kept)))
        except HdrPlanError as error:
            return JSONResponse({"error": str(error)}, status_code=400)

    return Starlette(
        routes=[
            Route("/", guard(index), methods=["GET"]),
            Route("/solid", guard(solid), methods=["GET"]),
            Route("/api/dose", guard(dose), methods=["GET"]),
            *(Route(f"/api/{name}", guard(_posted(work)), methods=["POST"]) for name, work in _works(live).items()),
        ]
    )


def _works(live: _Live) -> dict[str, Work]:
    """Return what can be asked of a session, by name."""
    session = live.session

    def changed(change: Work) -> Work:
        return lambda given: live.after(lambda: change(given))

    def touched(change: Work) -> Work:
        def fresh(given: Mapping[str, Any]) -> object:
            live.refuse_stale(given)
            return change(given)

        return changed(fresh)

    return {
        "seen": lambda given: {"revision": session.revision},
        "state": changed(lambda given: None),
        "do": touched(live.done),
        "undo": touched(lambda given: session.undo()),
        "redo": touched(lambda given: session.redo()),
        "go": touched(lambda given: session.go_to(whole_of(given, "place"))),
        "keep": changed(lambda given: session.keep(text_of(given, "name"))),
        "take": touched(lambda given: session.take(text_of(given, "name"))),
        "compare": lambda given: live.compared(text_of(given, "name")),
        "settle": lambda given: live.settled(),
        "stop": lambda given: live.stopped(),
        "next-catheters": lambda given: live.next_catheters(),
        "ranges": lambda given: live.ranges(),
        "robustness": lambda given: live.robustness(),
        "save": live.saved,
    }


def _posted(work: Work) -> Answer:
    async def call(request: Request) -> Response:
        try:
            return JSONResponse(await run_in_threadpool(work, await given_in(request)))
        except HdrPlanError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        except Exception as error:  # a fault of ours: the session goes on, and the page says so in words
            _LOG.exception("a request of the page failed")
            said = f"this failed by a fault of hdrplan ({type(error).__name__}); the plan is as it was"
            return JSONResponse({"error": f"{said}. The terminal has the details."}, status_code=500)

    return call


def _packed(volume: Volume) -> Response:
    """Return a dose in steps of 0.01 Gy, its grid beside it."""
    steps = np.clip(np.rint(volume.values_zyx / np.float32(DOSE_STEP_GY)), 0, 65535).astype("<u2")
    grid = volume.grid
    frame = {
        "shape": list(grid.shape_zyx),
        "origin": grid.origin_mm.tolist(),
        "spacing": grid.spacing_mm.tolist(),
        "direction": grid.direction.ravel().tolist(),
        "step": DOSE_STEP_GY,
    }
    return Response(steps.tobytes(), media_type="application/octet-stream", headers={"x-frame": json.dumps(frame)})
