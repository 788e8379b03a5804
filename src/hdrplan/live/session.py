"""One session of live planning: what was done, what is on the screen, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hdrplan.errors import InputError, StoppedError
from hdrplan.io import CaseFile, read_case
from hdrplan.live.actions import ACTIONS
from hdrplan.live.difference import Difference, differences
from hdrplan.live.disk import WatchedFiles
from hdrplan.live.engine import Engine
from hdrplan.live.history import History
from hdrplan.live.kept import KeptPlans
from hdrplan.live.saving import given_times, is_by_hand, write_session
from hdrplan.live.shown import PlanState, Shown, html_of
from hdrplan.live.studies import Range, next_catheters_of, ranges_of, robustness_of
from hdrplan.live.touch import Teller, Touch, done_again
from hdrplan.live.wishes import Wishes, refuse_unfit, wishes_of
from hdrplan.options import PlanOptions
from hdrplan.stopping import Stops

if TYPE_CHECKING:
    from hdrplan.metrics import DVH
    from hdrplan.plan import Plan
    from hdrplan.simulate import RobustResult
    from hdrplan.workflow import NextCatheter

__all__ = ["Session"]


class Session:
    """Touch a plan, and the optimum follows.

    The plan belongs to what was asked for last. Dose, DVH and metrics are always those of the plan on the screen, and
    its state says what is known of it: optimal at the sample points after a touch, proven at every point after
    :meth:`settle`.

    Parameters
    ----------
    case_file : CaseFile
        As :func:`hdrplan.read_case` returns it.
    plan : Plan, optional
        To begin with; its times count as set by hand.
    on_touch : callable, optional
        Told of each thing that is done, for a journal.

    Raises
    ------
    InputError
        A case without catheters, or one whose moving source counts.

    Examples
    --------
    ``session = Session.open("phantoms/liver-lesion-b")``, ``session.do("prescribe", ctv="lesion_B", dose_gy=18)``,
    ``session.shown.score.target("lesion_B").d100_gy``, ``session.undo()``.
    """

    def __init__(
        self, case_file: CaseFile, *, plan: Plan | None = None, on_touch: Callable[[Touch], None] | None = None
    ) -> None:
        refuse_unfit(case_file.case, case_file.options)
        self.case_file = case_file
        self._tell = Teller(on_touch)
        options = replace(PlanOptions(), **case_file.options)  # type: ignore[arg-type]
        self._engine = Engine(case_file.case, case_file.source, case_file.strength, options)
        self._history = History(wishes_of(case_file.case, case_file.goals, plan))
        self._revision, self._stops, self._kept = 0, Stops(), KeptPlans()
        self._watched = WatchedFiles(case_file.files)
        self._shown: Shown | None = None
        self._settled: Shown | None = None
        self._last: Shown | None = None

    @classmethod
    def open(cls, path: str | Path, *, plan: Plan | None = None) -> Session:
        """Open a case folder, with the plan to begin with if there is one."""
        return cls(read_case(Path(path)), plan=plan)

    @property
    def wishes(self) -> Wishes:
        """What is asked for now."""
        return self._history.wishes

    @property
    def shown(self) -> Shown:
        """The plan on the screen."""
        return self._shown or self._show(self._engine.draft(self.wishes, self._last))

    @property
    def history(self) -> tuple[str, ...]:
        """What was done, oldest first, with what was undone and can be done again."""
        return self._history.labels

    @property
    def at(self) -> int:
        """Place in the history, counted from 0."""
        return self._history.at

    def do(self, action: str, /, **arguments: Any) -> Shown:
        """Do one action of :data:`hdrplan.live.ACTIONS`; nothing changes where it is refused.

        Parameters
        ----------
        action : str
        **arguments
            Of the action.

        Returns
        -------
        Shown

        Raises
        ------
        InputError
            An unknown action, wrong arguments, something that cannot be.
        """
        return self._do("", action, arguments)

    def follow(self, gesture: str, action: str, /, **arguments: Any) -> Shown:
        """Do an action as a step of a gesture, such as a drag: each step starts from what was asked before the first.

        All steps of a gesture are one entry of the history, so that one undo takes all of them back.

        Parameters
        ----------
        gesture : str
            Any name that no other gesture of this session has.
        action : str
        **arguments
            As in :meth:`do`.

        Returns and raises as :meth:`do`.
        """
        return self._do(gesture, action, arguments)

    def _do(self, gesture: str, action: str, arguments: Mapping[str, Any]) -> Shown:
        if action not in ACTIONS:
            raise InputError(f"no action is named {action!r}", remedy=f"There are: {', '.join(ACTIONS)}.")
        row = ACTIONS[action]
        checked = row.arguments(arguments)
        wishes = row.change(self._history.before(gesture), self.shown, **checked)
        with self._stops.stoppable():
            shown = self._engine.draft(wishes, self._last)
        self._history.add(row.label(checked), wishes, gesture=gesture)
        self._tell("do", action, wishes, checked, gesture)
        return self._show(shown)

    def undo(self) -> Shown:
        """Take the last action back; InputError where there is none."""
        return self.go_to(self.at - 1)

    def redo(self) -> Shown:
        """Do again what was undone; InputError where nothing was."""
        return self.go_to(self.at + 1)

    def go_to(self, place: int) -> Shown:
        """Go to any place of the history."""
        self._history.go(place)
        self._shown = None
        self._tell("go", "", self.wishes, {"place": place})
        return self.shown

    def settle(self) -> Shown:
        """Make the plan what ``hdrplan plan --proof 0`` would write: whole times, D100 proven at every point.

        Where a dose-volume goal binds, the proof of the command, which this leaves out, may find a better plan.
        Times that were set by hand stay, and their minimum dose is proven. Where another thread stops this, or touches
        the plan, that on the screen stays.
        """
        wishes = self.wishes
        if self._shown is None or self._shown is not self._settled:
            with suppress(StoppedError), self._stops.stoppable(lambda: self.wishes is not wishes):
                settled = self._engine.settled(wishes, self._last)
                if self.wishes is wishes:
                    self._settled = self._show(settled)
        return self.shown

    def stop(self) -> None:
        """Stop a touch, proof or study of other threads after its step: it changes nothing, or raises StoppedError."""
        self._stops.stop()

    def keep(self, name: str) -> None:
        """Keep the plan on the screen under a name, to compare it with others or take it back."""
        self._kept.keep(name, self.wishes, self.shown)
        self._tell("keep", name, self.wishes)

    @property
    def kept(self) -> Mapping[str, Shown]:
        """Plans that were kept, by name."""
        return self._kept

    def take(self, name: str) -> Shown:
        """Go on with a plan that was kept; that can be undone like any action."""
        wishes, shown = self._kept.of(name)
        self._history.add(f"take {name}", wishes)
        self._tell("take", name, wishes)
        return self._show(shown)

    def compare(self, name: str) -> tuple[Difference, ...]:
        """Return metrics of the plan on the screen beside those of a kept one; its dose is that of ``kept[name]``."""
        return differences(self.shown.score, self.kept[name].score)

    @property
    def changed_files(self) -> tuple[str, ...]:
        """Names of files of the case that changed on the disk since it was opened: they play no part."""
        return self._watched.changed()

    def dvh(self, name: str) -> DVH:
        """Return the DVH of a structure in the plan on the screen."""
        return self.shown.dvh(name)

    def next_catheters(self, *, without: Sequence[str] = ()) -> tuple[NextCatheter, ...]:
        """Return what :func:`hdrplan.workflow.next_catheters` finds beside the catheters in use; takes some seconds."""
        with self._stops.stoppable():
            return next_catheters_of(self._engine, self.wishes, without)

    def ranges(self) -> tuple[Range, ...]:
        """Return between what each goal can be traded while all others stay; two optima a goal."""
        with self._stops.stoppable():
            return ranges_of(self._engine, self.wishes, self.shown)

    def robustness(self, *, deliveries: int = 200) -> RobustResult:
        """Recompute the plan on the screen in simulated deliveries, with the errors that have a source."""
        with self._stops.stoppable():
            return robustness_of(self.case_file.case, self.wishes, self.shown, deliveries)

    def save(self, folder: str | Path, *, exports: Sequence[str] = ()) -> str:
        """Write a new folder with the case as it is now, and the plan of it; return the commands that made the plan.

        They write it: ``hdrplan plan``, or where times were set by hand ``hdrplan evaluate``. Files of the case that
        changed on the disk since it was opened play no part.

        Parameters
        ----------
        folder : str or Path
            Must not exist.
        exports : sequence of str
            "dicom", "slicer".

        Raises
        ------
        InputError
            The folder exists.
        ResourceError
            A command failed; what it said.
        """
        wishes = self.wishes
        given = given_times(wishes, self.settle() if is_by_hand(wishes) else self.shown)
        said = write_session(Path(folder), self.case_file, wishes, given, exports)
        self._tell("save", "", wishes)
        return said

    def again(self, touches: Iterable[Touch]) -> None:
        """Do again what a journal holds, without a plan between: for a session that was ended.

        Parameters
        ----------
        touches : iterable of Touch
            In their order.

        Raises
        ------
        InputError
            What cannot be done to this case.
        """
        for touch in touches:
            self._tell.count = int(touch.id)
            done_again(touch, self._history, self._kept)
            if touch.what == "keep":
                self._kept.keep(touch.name, self.wishes, self._engine.draft(self.wishes, self._last))
        self._shown = None

    @property
    def revision(self) -> int:
        """Changes with every plan that is shown."""
        return self._revision

    def _show(self, shown: Shown) -> Shown:
        self._shown = shown
        self._revision += 1
        if shown.state != PlanState.REFUSED:
            self._last = shown
        return shown

    def __repr__(self) -> str:
        done = f"{self.at} of {len(self.history) - 1} actions"
        return f"Session({self.case_file.case.name!r}, {self.shown.state}, {done})"

    def _repr_html_(self) -> str:
        return html_of(self.case_file.case.name, self.shown)
