"""Live planning: a plan that follows every touch, with what is proven of it. One session, whatever shows it."""

from typing import TYPE_CHECKING

from hdrplan.rooms import loaded_when_used

if TYPE_CHECKING:
    from hdrplan.live.actions import ACTIONS
    from hdrplan.live.difference import Difference
    from hdrplan.live.frame import Frame, show
    from hdrplan.live.server import app_of, new_token
    from hdrplan.live.session import Session
    from hdrplan.live.shown import PlanState, Shown
    from hdrplan.live.studies import Range
    from hdrplan.live.table import Action, Parameter
    from hdrplan.live.touch import Touch
    from hdrplan.live.wishes import AskedGoal, AskedPrescription, Wishes

__all__ = [
    "ACTIONS",
    "Action",
    "AskedGoal",
    "AskedPrescription",
    "Difference",
    "Frame",
    "Parameter",
    "PlanState",
    "Range",
    "Session",
    "Shown",
    "Touch",
    "Wishes",
    "app_of",
    "new_token",
    "show",
]

__getattr__, __dir__ = loaded_when_used(__name__)
