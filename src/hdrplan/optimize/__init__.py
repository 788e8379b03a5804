"""Goals and a rate matrix become dwell times with a proof. Knows no geometry, no files, no metrics."""

from hdrplan.optimize.certificate import Certificate, Level, Optimum, Price, Shortfall
from hdrplan.optimize.delivery import Delivery, neighbours, transit_times
from hdrplan.optimize.pareto import Axis, Front, pareto_front
from hdrplan.optimize.robust import RobustOptimum, robust_times
from hdrplan.optimize.times import optimize_times

__all__ = [
    "Axis",
    "Certificate",
    "Delivery",
    "Front",
    "Level",
    "Optimum",
    "Price",
    "RobustOptimum",
    "Shortfall",
    "neighbours",
    "optimize_times",
    "pareto_front",
    "robust_times",
    "transit_times",
]
