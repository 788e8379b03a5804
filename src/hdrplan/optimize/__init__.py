"""Optimisation: goals and a rate matrix become dwell times with a proof. Knows no geometry, files or metrics."""

from typing import TYPE_CHECKING

from hdrplan.rooms import loaded_when_used

if TYPE_CHECKING:
    from hdrplan.optimize.afterloader import Delivery, neighbours
    from hdrplan.optimize.bounded import Bounded
    from hdrplan.optimize.catheters.candidates import MAXIMUM_CANDIDATES, Candidates
    from hdrplan.optimize.catheters.choice import choose_catheters
    from hdrplan.optimize.catheters.guest_rest import RestsBesideGuest, RestSearch
    from hdrplan.optimize.catheters.placement import CatheterLoss, ChosenSet, Placement, Recourse
    from hdrplan.optimize.catheters.rest import Rest, chosen_rest, with_each
    from hdrplan.optimize.certificate import Certificate, Loss, LossCause, Optimum, Price, Scope, Shortfall, Status
    from hdrplan.optimize.notes import EveryPoint, Note, ProofRunning, Rounded, StopsLengthened, TransitCounted
    from hdrplan.optimize.objectives import DoseLost, GoalId, MeanDose, NamedGoal, Objective, TotalTime
    from hdrplan.optimize.problem import PlanProblem
    from hdrplan.optimize.proof import Proof
    from hdrplan.optimize.studies.front import Axis, Front, FrontPlan
    from hdrplan.optimize.studies.pareto import pareto_front
    from hdrplan.optimize.studies.robust import RobustOptimum, robust_times
    from hdrplan.optimize.studies.sessions import Session, split_sessions
    from hdrplan.optimize.studies.steps import StepResult, compare_steps
    from hdrplan.optimize.times.every_point import EveryPointOptimum, optimize_every_point
    from hdrplan.optimize.times.fewest_dwells import fewest_dwells
    from hdrplan.optimize.times.goal_sequence import optimize_times
    from hdrplan.optimize.work import LongProof, WorkLimit

__all__ = [
    "MAXIMUM_CANDIDATES",
    "Axis",
    "Bounded",
    "Candidates",
    "CatheterLoss",
    "Certificate",
    "ChosenSet",
    "Delivery",
    "DoseLost",
    "EveryPoint",
    "EveryPointOptimum",
    "Front",
    "FrontPlan",
    "GoalId",
    "LongProof",
    "Loss",
    "LossCause",
    "MeanDose",
    "NamedGoal",
    "Note",
    "Objective",
    "Optimum",
    "Placement",
    "PlanProblem",
    "Price",
    "Proof",
    "ProofRunning",
    "Recourse",
    "Rest",
    "RestSearch",
    "RestsBesideGuest",
    "RobustOptimum",
    "Rounded",
    "Scope",
    "Session",
    "Shortfall",
    "Status",
    "StepResult",
    "StopsLengthened",
    "TotalTime",
    "TransitCounted",
    "WorkLimit",
    "choose_catheters",
    "chosen_rest",
    "compare_steps",
    "fewest_dwells",
    "neighbours",
    "optimize_every_point",
    "optimize_times",
    "pareto_front",
    "robust_times",
    "split_sessions",
    "with_each",
]

__getattr__, __dir__ = loaded_when_used(__name__)
