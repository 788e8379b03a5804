"""Goals and a rate matrix become dwell times with a proof. Knows no geometry, no files, no metrics."""

from hdrplan.optimize.catheters.choice import MOST_CANDIDATES, Chosen, Placement, choose_catheters
from hdrplan.optimize.certificate import Certificate, Level, Optimum, Price, Shortfall
from hdrplan.optimize.studies.pareto import Axis, Front, pareto_front
from hdrplan.optimize.studies.robust import RobustOptimum, robust_times
from hdrplan.optimize.studies.sessions import Session, split_sessions
from hdrplan.optimize.times.delivery import Delivery, neighbours, transit_times
from hdrplan.optimize.times.every_point import Everywhere, optimize_everywhere
from hdrplan.optimize.times.fewest_dwells import StepResult, compare_steps, fewest_dwells
from hdrplan.optimize.times.goal_sequence import optimize_times

__all__ = [
    "MOST_CANDIDATES",
    "Axis",
    "Certificate",
    "Chosen",
    "Delivery",
    "Everywhere",
    "Front",
    "Level",
    "Optimum",
    "Placement",
    "Price",
    "RobustOptimum",
    "Session",
    "Shortfall",
    "StepResult",
    "choose_catheters",
    "compare_steps",
    "fewest_dwells",
    "neighbours",
    "optimize_everywhere",
    "optimize_times",
    "pareto_front",
    "robust_times",
    "split_sessions",
    "transit_times",
]
