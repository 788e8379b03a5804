"""One session of live planning: what was done, what is on the screen, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hdrplan.brief import html_table
from hdrplan.errors import InputError
from hdrplan.io import CaseFile, read_case
from hdrplan.live.actions import ACTIONS, OF_THE_PLAN
from hdrplan.live.difference import Difference, differences
from hdrplan.live.engine import Engine
from hdrplan.live.saving import is_by_hand, write_session
from hdrplan.live.shown import PlanState, Shown
from hdrplan.live.touch import Touch, listed_times, times_of
from hdrplan.live.wishes import Wishes, fixed_times, wishes_of
from hdrplan.options import PlanOptions

if TYPE_CHECKING:
    from hdrplan.metrics import DVH
    from hdrplan.plan import Plan

__all__ = ["Session"]


@dataclass(frozen=True, slots=True)
class _Done:
    label: str
    wishes: Wishes


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
        if not case_file.case.catheters:
            raise InputError(
                "a plan needs catheters",
                got="none",
                where=case_file.case.name,
                remedy="`hdrplan place` proposes them; its output is a case.",
            )
        self.case_file = case_file
        self._on_touch, self._touches = on_touch, 0
        if case_file.options.get("source_speed_mm_per_s"):
            raise InputError(
                "live planning does not count the dose of the moving source",
                got=f"source_speed_mm_per_s = {case_file.options['source_speed_mm_per_s']:g}",
                where=case_file.case.name,
                remedy="Plan it with `hdrplan plan`, or leave that option out.",
            )
        options = replace(PlanOptions(), **case_file.options)  # type: ignore[arg-type]
        self._engine = Engine(case_file.case, case_file.source, case_file.strength, options)
        self._done = [_Done("opened", wishes_of(case_file.case, case_file.goals, plan))]
        self._at = self._revision = 0
        self._kept: dict[str, tuple[Wishes, Shown]] = {}
        self._shown: Shown | None = None
        self._last: Shown | None = None

    @classmethod
    def open(cls, path: str | Path, *, plan: Plan | None = None) -> Session:
        """Open a case folder.

        Parameters
        ----------
        path : str or Path
        plan : Plan, optional
        """
        return cls(read_case(Path(path)), plan=plan)

    @property
    def wishes(self) -> Wishes:
        """What is asked for now."""
        return self._done[self._at].wishes

    @property
    def shown(self) -> Shown:
        """The plan on the screen."""
        return self._shown or self._show(self._engine.draft(self.wishes, self._last))

    @property
    def history(self) -> tuple[str, ...]:
        """What was done, oldest first, with what was undone and can be done again."""
        return tuple(done.label for done in self._done)

    @property
    def at(self) -> int:
        """Place in the history, counted from 0."""
        return self._at

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
        if action not in ACTIONS:
            raise InputError(f"no action is named {action!r}", remedy=f"There are: {', '.join(ACTIONS)}.")
        row = ACTIONS[action]
        checked = row.arguments(arguments)
        wishes = row.change(self.wishes, self.shown, **checked)
        shown = self._engine.draft(wishes, self._last)
        self._add(row.label(checked), wishes)
        self._tell("do", action, checked)
        return self._show(shown)

    def undo(self) -> Shown:
        """Take the last action back; InputError where there is none."""
        return self.go_to(self._at - 1)

    def redo(self) -> Shown:
        """Do again what was undone; InputError where nothing was."""
        return self.go_to(self._at + 1)

    def go_to(self, place: int) -> Shown:
        """Go to any place of the history."""
        if not 0 <= place < len(self._done):
            raise InputError(f"the history has the places 0 to {len(self._done) - 1}", got=place)
        self._at, self._shown = place, None
        self._tell("go", "", {"place": place})
        return self.shown

    def settle(self) -> Shown:
        """Make the plan what ``hdrplan plan`` would write: whole times, D100 proven at every point.

        Times that were set by hand stay, and their minimum dose is proven.
        """
        wishes = self.wishes
        settled = self._engine.settled(wishes, self._last)
        # Meanwhile another thread may have touched the plan: what was proven is of another one then.
        return self._show(settled) if self.wishes is wishes else self.shown

    def keep(self, name: str) -> None:
        """Keep the plan on the screen under a name, to compare it with others or take it back."""
        self._kept[name] = (self.wishes, self.shown)
        self._tell("keep", name)

    @property
    def kept(self) -> Mapping[str, Shown]:
        """Plans that were kept, by name."""
        return {name: shown for name, (_, shown) in self._kept.items()}

    def take(self, name: str) -> Shown:
        """Go on with a plan that was kept; that can be undone like any action."""
        wishes, shown = self._kept_as(name)
        self._add(f"take {name}", wishes)
        self._tell("take", name)
        return self._show(shown)

    def compare(self, name: str) -> tuple[Difference, ...]:
        """Return metrics of the plan on the screen beside those of a plan that was kept."""
        _, kept = self._kept_as(name)
        return differences(self.shown.score, kept.score)

    def dvh(self, name: str) -> DVH:
        """Return the DVH of a structure in the plan on the screen."""
        return self.shown.dvh(name)

    def save(self, folder: str | Path) -> str:
        """Write a new folder with the case as it is now, and the plan of it; return the command that made the plan.

        The plan is made by that command, so it is what the command writes: ``hdrplan plan``, or where times were set by
        hand ``hdrplan evaluate``. ``case/`` can be planned again anywhere.

        Parameters
        ----------
        folder : str or Path
            Must not exist.

        Raises
        ------
        InputError
            The folder exists.
        ResourceError
            The command failed; what it said.
        """
        wishes = self.wishes
        given = self._given_times(wishes)
        said = write_session(Path(folder), self.case_file, wishes, given)
        self._tell("save", "")
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
            self._touches = int(touch.id)
            if touch.what == "go":
                self._at = int(touch.given["place"])
            elif touch.what == "do":
                self._do_again(touch)
            elif touch.what == "take":
                self._add(f"take {touch.name}", self._kept_as(touch.name)[0])
            elif touch.what == "keep":
                self._kept[touch.name] = (self.wishes, self._engine.draft(self.wishes, self._last))
        self._shown = None

    def _do_again(self, touch: Touch) -> None:
        row, wishes = ACTIONS[touch.name], self.wishes
        given = row.arguments(touch.given)
        if touch.name not in OF_THE_PLAN:
            wishes = row.change(wishes, None, **given)
        by_hand_s = None if touch.by_hand_s is None else times_of(touch.by_hand_s)
        self._add(row.label(given), replace(wishes, by_hand_s=by_hand_s, locked_s=times_of(touch.locked_s)))

    def _add(self, label: str, wishes: Wishes) -> None:
        self._done = [*self._done[: self._at + 1], _Done(label, wishes)]
        self._at += 1

    def _tell(self, what: str, name: str, given: Mapping[str, Any] | None = None) -> None:
        if self._on_touch is None:
            return
        self._touches += 1
        hand = self.wishes.by_hand_s
        touch = Touch(
            id=str(self._touches),
            what=what,
            name=name,
            given=dict(given or {}),
            by_hand_s=None if hand is None else listed_times(hand),
            locked_s=listed_times(self.wishes.locked_s),
        )
        self._on_touch(touch)

    def _given_times(self, wishes: Wishes) -> Plan | None:
        """Return the times that the command of a plan must be given: all, those that are locked, or none."""
        if is_by_hand(wishes):
            return self.settle().plan
        if not wishes.locked_s:
            return None
        plan = self.shown.plan
        return replace(plan, times_s=fixed_times(wishes.locked_s, plan.dwells, 0.0))

    def _kept_as(self, name: str) -> tuple[Wishes, Shown]:
        if name not in self._kept:
            there = ", ".join(self._kept) or "none"
            raise InputError(f"no plan was kept as {name!r}", remedy=f"There are: {there}.")
        return self._kept[name]

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
        return f"Session({self.case_file.case.name!r}, {self.shown.state}, {self._at} of {len(self._done) - 1} actions)"

    def _repr_html_(self) -> str:
        shown = self.shown
        rows = [
            (g.goal.structure, g.goal.text, f"{g.reached:.4g}", "met" if g.met else "NOT MET")
            for g in shown.score.goals
        ]
        caption = f"{self.case_file.case.name}: {shown.text} Research use only, never for treatment."
        return html_table(caption, ("structure", "goal", "reached", ""), rows)
