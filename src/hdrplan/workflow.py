"""THE WALK: one case becomes one plan. Start reading here.

Every line of :func:`plan_case` is one call into one room; its result is a frozen value that the next line takes.
Read on one floor down: ``geometry`` (where the source may stop), ``dose`` (what a second there gives), ``optimize``
(how long to stay), ``metrics`` (what it amounts to). No files and no figures here: ``io`` reads the case, ``report``
draws.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import BoolArray, FloatArray, freeze
from hdrplan.dose import (
    MAX_POINTS,
    SPACING_MM,
    DoseRate,
    LeastDose,
    SamplePoints,
    dose_at_points,
    dose_field,
    dose_rate,
    least_dose,
    sample_points,
)
from hdrplan.errors import InputError
from hdrplan.geometry import MARGIN_MM, STEP_MM, TIP_OFFSET_MM, Dwells, Grid, Structure, Volume, dwell_positions
from hdrplan.memory import require_memory
from hdrplan.metrics import (
    DVH,
    conformal_index,
    d100_sampling,
    dvh,
    healthy_tissue_conformity_index,
    metric_value,
    organ_metrics,
    target_metrics,
)
from hdrplan.optimize import (
    Delivery,
    Optimum,
    fewest_dwells,
    neighbours,
    optimize_everywhere,
    optimize_times,
    transit_times,
)
from hdrplan.plan import Case, Goal, Goals, Metric, Plan
from hdrplan.sources import TG43Source

__all__ = [
    "GoalResult",
    "PlanOptions",
    "PlanResult",
    "Score",
    "delivery_of",
    "dose_grid",
    "dosed_structures",
    "evaluate",
    "plan_case",
    "plan_memory_bytes",
    "plan_result",
    "planned_dwells",
    "planning_matrix",
]

# Spacing of the points that check D100, over the spacing planned on: no multiple, so that few points coincide.
_OTHER_SPACING = 0.8
# What the proof at every point may cost, in dose: boxes are halved until their bounds close within it, and the work
# grows as its inverse. With 2 % the proof of 33 cc took half a second, with 1 % that of lesion B did not end in 100 s.
EVERY_POINT_FRAC = 0.02
# (step of the walk, done, total), for a progress bar.
Progress = Callable[[str, int, int], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """Choices of :func:`plan_case`; the defaults are those of the demo.

    Parameters
    ----------
    step_mm : float
        Distance of neighbouring dwell positions in a catheter.
    tip_offset_mm : float
        Distance of the first dwell position from the catheter's tip (dead space of a closed tip).
    margin_mm : float
        Dwell positions lie at most this far outside a CTV.
    max_dwell_s : float
        Longest time at one position.
    sample_mm : float
        Edge of the cubes in which structures are sampled.
    dose_margin_mm : float
        The dose grid is the CT's, cut to the CTVs and dwells plus this margin.
    time_step_s : float
        The afterloader's resolution: times are rounded up to multiples, so that every D100 stays. 0 keeps real numbers.
    min_dwell_s : float
        A stop lasts at least this long, or is left out.
    time_ratio : float
        Neighbouring times in a catheter differ at most by this factor; 0: no limit.
    source_speed_mm_per_s : float
        Speed between dwells: the transit dose counts in the optimisation. 0 leaves it out.
    every_point : bool
        Prove D100 at every point of the CTVs, not only at the sample points; costs about 2 % more dose.
    fewest_dwells : bool
        Leave out dwells that are not needed: at most a ten-thousandth of the objective is given back.
    """

    step_mm: float = STEP_MM
    tip_offset_mm: float = TIP_OFFSET_MM
    margin_mm: float = MARGIN_MM
    max_dwell_s: float = 600.0
    sample_mm: float = SPACING_MM
    dose_margin_mm: float = 60.0
    # Current HDR afterloaders program times in steps of 0.1 s.
    time_step_s: float = 0.1
    min_dwell_s: float = 0.0
    time_ratio: float = 0.0
    source_speed_mm_per_s: float = 0.0
    every_point: bool = False
    fewest_dwells: bool = False

    def __post_init__(self) -> None:
        if self.every_point and (self.fewest_dwells or self.source_speed_mm_per_s > 0):
            raise InputError(
                "the proof at every point takes neither the fewest dwells nor transit dose",
                remedy="Ask for one of them.",
            )
        for name in ("time_step_s", "min_dwell_s", "time_ratio", "source_speed_mm_per_s"):
            value = getattr(self, name)
            if not 0.0 <= value < 1e4:
                raise InputError(f"{name} must not be negative", got=value)


@dataclass(frozen=True, slots=True)
class GoalResult:
    """One prescription or goal, and what the plan reaches."""

    structure: str
    text: str
    sense: str
    value: float
    reached: float
    unit: str
    met: bool
    level: int
    source: str


@dataclass(frozen=True, slots=True)
class Score:
    """Metrics of every structure, and every goal with what was reached.

    Parameters
    ----------
    structures : dict
        ``{name: {"role": ..., "volume_cc": ..., "d100_gy": ..., ...}}``; units stand in the keys.
    goals : tuple of GoalResult
        Prescriptions first.
    """

    structures: dict[str, dict[str, float | str]]
    goals: tuple[GoalResult, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PlanResult:
    """A plan, what it amounts to, and how long each step of the walk took.

    Parameters
    ----------
    case, goals, source, plan, points
        As given, or made on the way.
    dose_gy : (n_points,) array
        Dose at ``points``, by TG-43 there and not read from the grid.
    dose : Volume
        Gy on :func:`dose_grid`.
    in_grid_frac, extrapolated_frac : dict
        Part of each structure's volume that lies inside the dose grid, and that some dwell in use sees outside the
        published table of its source.
    score : Score
    optimum : Optimum or None
        None where the dwell times were given and not optimised.
    seconds : dict
        Step -> wall time.
    """

    case: Case
    goals: Goals
    source: TG43Source
    plan: Plan
    points: SamplePoints
    dose_gy: FloatArray
    dose: Volume
    in_grid_frac: dict[str, float]
    extrapolated_frac: dict[str, float]
    score: Score
    optimum: Optimum | None
    seconds: dict[str, float]

    def __post_init__(self) -> None:
        freeze(self, "dose_gy", (None,))


def plan_case(
    case: Case,
    goals: Goals,
    source: TG43Source,
    *,
    strength_u: float,
    options: PlanOptions | None = None,
    locked: Plan | None = None,
    on_progress: Progress | None = None,
) -> PlanResult:
    """Plan one case: dwell positions, dwell times of a proven optimum, dose, metrics.

    Parameters
    ----------
    case : Case
    goals : Goals
        A prescription for every CTV; goals of level 0 are hard limits.
    source : TG43Source
    strength_u : float
        Air-kerma strength at treatment, U.
    options : PlanOptions, optional
    locked : Plan, optional
        Its dwells are taken, and its times above 0 stay as they are: edit a plan by hand, keep the rest optimal.
    on_progress : callable, optional
        Called with (step, done, total).

    Raises
    ------
    InputError
        Input that cannot be right; see the rooms called.
    InfeasibleError
        Organ limits that no plan can hold.

    Examples
    --------
    The tutorial in docs/tutorial.md walks through these lines with the liver phantom.
    """
    options = options or PlanOptions()
    clock = _Clock(on_progress)
    dwells = locked.dwells if locked is not None else planned_dwells(case, options)
    points = clock(
        "sample",
        lambda _: sample_points(dosed_structures(case, goals), spacing_mm=options.sample_mm, healthy=case.healthy),
    )
    require_memory(
        plan_memory_bytes(points, dwells, dose_grid(case, dwells, margin_mm=options.dose_margin_mm)),
        f"a plan of {len(points)} sample points x {len(dwells)} dwells",
        remedy="Take fewer points (larger --sample), fewer dwells (larger --step) or a smaller --dose-margin.",
    )
    rate = clock(
        "matrix", lambda tell: dose_rate(dwells, points.points_mm, source, strength_u=strength_u, on_progress=tell)
    )
    optimum = clock(
        "optimise",
        lambda tell: _optimum(case, goals, source, dwells, points, rate, strength_u, options, locked, tell),
    )
    plan = Plan(dwells, optimum.times_s, source.name, strength_u)
    return plan_result(case, goals, source, plan, options=options, points=points, optimum=optimum, clock=clock)


def planned_dwells(case: Case, options: PlanOptions) -> Dwells:
    """Return the dwell candidates of a case."""
    return dwell_positions(
        case.catheters,
        step_mm=options.step_mm,
        tip_offset_mm=options.tip_offset_mm,
        margin_mm=options.margin_mm,
        targets=case.ctvs,
    )


def planning_matrix(
    case: Case, goals: Goals, source: TG43Source, *, strength_u: float, options: PlanOptions
) -> tuple[Dwells, SamplePoints, DoseRate]:
    """Return dwell candidates, sample points and dose rates of a case: what every optimiser starts from."""
    dwells = planned_dwells(case, options)
    points = sample_points(dosed_structures(case, goals), spacing_mm=options.sample_mm, healthy=case.healthy)
    require_memory(
        4.4 * 8.0 * len(points) * len(dwells) + 4e8,
        f"planning on {len(points)} sample points x {len(dwells)} dwells",
        remedy="Take fewer points (larger --sample) or fewer dwells (larger steps).",
    )
    return dwells, points, dose_rate(dwells, points.points_mm, source, strength_u=strength_u)


def delivery_of(dwells: Dwells, options: PlanOptions) -> Delivery | None:
    """Return the afterloader's rules that the options ask for; None where times are real numbers."""
    if not (options.time_step_s or options.min_dwell_s or options.time_ratio):
        return None
    ratio = options.time_ratio or None
    pairs = neighbours(dwells.catheter, dwells.offset_mm) if ratio else np.zeros((0, 2), dtype=np.int64)
    return Delivery(options.time_step_s or 1e-6, options.min_dwell_s, ratio, pairs)


def _optimum(
    case: Case,
    goals: Goals,
    source: TG43Source,
    dwells: Dwells,
    points: SamplePoints,
    rate: DoseRate,
    strength_u: float,
    options: PlanOptions,
    locked: Plan | None,
    tell: Callable[[int, int], None],
) -> Optimum:
    """Choose the optimiser that the options ask for."""
    rules: dict[str, Any] = {
        "healthy": case.healthy,
        "max_time_s": options.max_dwell_s,
        "delivery": delivery_of(dwells, options),
    }
    if options.source_speed_mm_per_s > 0:
        passing_s = transit_times(dwells.catheter, dwells.offset_mm, speed_mm_per_s=options.source_speed_mm_per_s)
        rules["given_gy"] = rate.gy_per_s @ passing_s
    if locked is not None:
        rules["locked_s"] = np.where(locked.times_s > 0, locked.times_s, np.nan)
    if options.fewest_dwells:
        return fewest_dwells(rate, points, goals, **rules)
    if not options.every_point:
        return optimize_times(rate, points, goals, on_progress=tell, **rules)

    def least(name: str, times_s: FloatArray, asked_gy: float, tolerance_frac: float) -> LeastDose:
        ctv = case.structure(name)
        return least_dose(
            ctv, dwells, times_s, source, strength_u=strength_u, asked_gy=asked_gy, tolerance_frac=tolerance_frac
        )

    def rate_at(points_mm: FloatArray) -> DoseRate:
        return dose_rate(dwells, points_mm, source, strength_u=strength_u)

    return optimize_everywhere(
        rate, points, goals, least_dose=least, rate_at=rate_at, tolerance_frac=EVERY_POINT_FRAC, **rules
    ).optimum


def plan_result(
    case: Case,
    goals: Goals,
    source: TG43Source,
    plan: Plan,
    *,
    options: PlanOptions | None = None,
    points: SamplePoints | None = None,
    optimum: Optimum | None = None,
    clock: _Clock | None = None,
) -> PlanResult:
    """Dose and metrics of a plan, optimised or given: points are sampled where none are given.

    Parameters
    ----------
    case, goals, source, options
        As in :func:`plan_case`.
    plan : Plan
    points : SamplePoints, optional
    optimum : Optimum, optional
    clock : optional
        Of :func:`plan_case`, which calls this.
    """
    options = options or PlanOptions()
    clock = clock or _Clock(None)
    if points is None:
        chosen = dosed_structures(case, goals)
        points = clock("sample", lambda _: sample_points(chosen, spacing_mm=options.sample_mm, healthy=case.healthy))
    at_points = dose_at_points(plan.dwells, plan.times_s, points.points_mm, source, strength_u=plan.strength_u)
    grid = dose_grid(case, plan.dwells, margin_mm=options.dose_margin_mm)
    dose = clock(
        "dose",
        lambda tell: dose_field(plan.dwells, plan.times_s, grid, source, strength_u=plan.strength_u, on_progress=tell),
    )
    score = evaluate(at_points.gy, points, goals, dose=dose, total_time_s=plan.total_time_s)
    clock("sampling check", lambda _: _check_sampling(score, points, case, goals, plan, source, options.sample_mm))
    return PlanResult(
        case=case,
        goals=goals,
        source=source,
        plan=plan,
        points=points,
        dose_gy=at_points.gy,
        dose=dose,
        in_grid_frac=_volume_fracs(points, grid.contains(points.points_mm)),
        extrapolated_frac=_volume_fracs(points, at_points.extrapolated),
        score=score,
        optimum=optimum,
        seconds=clock.seconds,
    )


def dosed_structures(case: Case, goals: Goals) -> list[Structure]:
    """Return the structures that are sampled: all but "other" ones that have no goal and are not the healthy organ."""
    asked = {goal.structure for goal in goals.goals} | {case.healthy}
    return [s for s in case.structures if s.role != "other" or s.name in asked]


def plan_memory_bytes(points: SamplePoints, dwells: Dwells, grid: Grid) -> float:
    """Return the most memory that :func:`plan_case` takes beside the case: an estimate, on the safe side.

    The rate matrix, and as much again for rows of the linear program and their transposes; the dose grid in float32,
    its masks and its copy in the report; what interpreter, tables and compiled kernels take.
    """
    return 2.2 * 8.0 * len(points) * len(dwells) + 24.0 * grid.size + 4e8


def _check_sampling(
    score: Score, points: SamplePoints, case: Case, goals: Goals, plan: Plan, source: TG43Source, sample_mm: float
) -> None:
    """Ask for D100 and the organs' doses again at points that the optimiser never saw, and note the differences.

    An optimum touches the prescription at many of its own points: leaving half of them out changes nothing, other
    points lie colder. The healthy organ, large and far from any small volume's dose, is left out.
    """
    asked = [s for s in dosed_structures(case, goals) if s.name != case.healthy]
    others = sample_points(asked, spacing_mm=_OTHER_SPACING * sample_mm, max_points=2 * MAX_POINTS)
    at_others = dose_at_points(plan.dwells, plan.times_s, others.points_mm, source, strength_u=plan.strength_u)
    for name, role in zip(others.names, others.roles, strict=True):
        entry, rows = score.structures.get(name), others.rows(name)
        if entry is None or others.spacing_mm[others.names.index(name)] == points.spacing_mm[points.names.index(name)]:
            continue  # too small for other cubes: no figure is better than a difference of nothing
        if role == "CTV":
            other_gy, d100_gy = float(at_others.gy[rows].min()), float(entry["d100_gy"])
            entry |= {"d100_other_points_gy": other_gy, "d100_sampling_gy": abs(d100_gy - other_gy)}
        else:
            curve = dvh(at_others.gy[rows], others.volume_cc[rows])
            for key, cc in (("d0_1cc", 0.1), ("d1cc", 1.0), ("d2cc", 2.0)):
                other_gy = curve.dose_at_cc(cc)
                if np.isfinite(other_gy) and np.isfinite(float(entry[f"{key}_gy"])):
                    entry |= {f"{key}_sampling_gy": abs(float(entry[f"{key}_gy"]) - other_gy)}


def evaluate(
    dose_gy: npt.ArrayLike,
    points: SamplePoints,
    goals: Goals,
    *,
    dose: Volume | None = None,
    total_time_s: float = float("nan"),
) -> Score:
    """Metrics of every structure and the goals reached, from the doses at the sample points.

    Parameters
    ----------
    dose_gy : (n_points,) array
    points : SamplePoints
    goals : Goals
    dose : Volume, optional
        Gy on a grid: the conformity indices need the volume inside the prescription isodose in all tissue.
    total_time_s : float
        For goals on the plan's time.

    Raises
    ------
    InputError
        A CTV without prescription, a goal on a structure without points.
    """
    doses = np.asarray(dose_gy, dtype=np.float64)
    curves = {name: dvh(doses[points.rows(name)], points.volume_cc[points.rows(name)]) for name in points.names}
    structures: dict[str, dict[str, float | str]] = {}
    for name, role in zip(points.names, points.roles, strict=True):
        entry: dict[str, float | str] = {"role": role, "volume_cc": curves[name].volume_cc}
        if role == "CTV":
            prescribed_gy = goals.prescription_gy(name)
            entry |= {"prescription_gy": prescribed_gy} | target_metrics(curves[name], prescribed_gy)
            sampling = d100_sampling(doses[points.rows(name)], points.volume_cc[points.rows(name)])
            entry |= {"d100_inside_gy": sampling.inside_gy, "d100_sampling_gy": sampling.sensitivity_gy}
            if dose is not None:
                entry |= _conformity(curves[name], prescribed_gy, dose)
        entry |= {key: value for key, value in organ_metrics(curves[name]).items() if key not in entry}
        structures[name] = entry
    wanted = [
        Goal(p.structure, Metric("dose_at_frac", 1.0, "Gy", "D100"), ">=", p.dose_gy, 0, "prescription")
        for p in goals.prescriptions
    ]
    results = tuple(_reached(goal, curves, goals, total_time_s) for goal in (*wanted, *goals.goals))
    return Score(structures, results)


def dose_grid(case: Case, dwells: Dwells, *, margin_mm: float) -> Grid:
    """Return the CT's grid, cut to the CTVs and dwells plus a margin; without a CT the first CTV's grid serves."""
    grid = case.ct.grid if case.ct is not None else case.ctvs[0].grid
    corners = [dwells.positions_mm]
    for ctv in case.ctvs:
        z, y, x = np.nonzero(ctv.mask_zyx)
        corners.append(ctv.grid.world(np.stack((x, y, z), axis=1)))
    index = grid.index(np.concatenate(corners))
    reach = margin_mm / grid.spacing_mm
    last = np.array(grid.shape_zyx[::-1]) - 1
    low = np.clip(np.floor(index.min(axis=0) - reach), 0, last).astype(int)
    high = np.clip(np.ceil(index.max(axis=0) + reach), 0, last).astype(int)
    nx, ny, nz = (int(n) for n in high - low + 1)
    return grid.box(low, (nz, ny, nx))


def _isodose_error_cc(dose: Volume, prescribed_gy: float) -> float:
    """Uncertainty of an isodose's volume on the grid: each voxel at its surface is in or out by chance.

    A voxel cut at a place that is even over its edge errs by its volume / sqrt(12). The grid's own doses, within 0.1 %,
    add the volume between 0.999 and 1.001 of the prescription.
    """
    inside = dose.values_zyx >= prescribed_gy
    surface = sum(
        int(np.count_nonzero(inside.take(range(1, n), axis) != inside.take(range(n - 1), axis)))
        for axis, n in enumerate(inside.shape)
        if n > 1
    )
    low, high = (int((dose.values_zyx >= part * prescribed_gy).sum()) for part in (1.001, 0.999))
    return dose.grid.voxel_cc * (float(np.sqrt(surface / 12.0)) + (high - low) / 2.0)


def _conformity(curve: DVH, prescribed_gy: float, dose: Volume) -> dict[str, float]:
    """COIN, CI and HTCI of one CTV; the isodose's volume in all tissue comes from the grid."""
    isodose_cc = float((dose.values_zyx >= prescribed_gy).sum()) * dose.grid.voxel_cc
    covered_cc = float(curve.volume_at_gy(prescribed_gy))
    # The grid and the points round the isodose differently; the part of the target inside it is inside it.
    isodose_cc = max(isodose_cc, covered_cc)
    return {
        "coin": conformal_index(covered_cc, curve.volume_cc, isodose_cc),
        "ci": covered_cc / curve.volume_cc,
        "htci": healthy_tissue_conformity_index(covered_cc, isodose_cc),
        "isodose_cc": isodose_cc,
        "isodose_error_cc": _isodose_error_cc(dose, prescribed_gy),
    }


def _reached(goal: Goal, curves: dict[str, DVH], goals: Goals, total_time_s: float) -> GoalResult:
    metric = goal.metric
    if metric.kind == "total_time":
        reached = total_time_s
    else:
        prescribed_gy = {p.structure: p.dose_gy for p in goals.prescriptions}.get(goal.structure)
        reached = metric_value(
            curves[goal.structure], metric.kind, metric.at, unit=metric.unit, prescription_gy=prescribed_gy
        )
    # A millionth of the limit: the tolerance that the certificate states for every row.
    slack = 1e-6 * abs(goal.value)
    met = reached >= goal.value - slack if goal.sense == ">=" else reached <= goal.value + slack
    return GoalResult(
        goal.structure, goal.text, goal.sense, goal.value, reached, metric.unit, met, goal.level, goal.source
    )


def _volume_fracs(points: SamplePoints, chosen: BoolArray) -> dict[str, float]:
    """Part of each structure's volume whose points are chosen."""
    volumes = {name: points.volume_cc[points.rows(name)] for name in points.names}
    return {name: float(cc[chosen[points.rows(name)]].sum() / cc.sum()) for name, cc in volumes.items()}


class _Clock:
    """Times the steps of the walk and passes their progress on."""

    def __init__(self, on_progress: Progress | None) -> None:
        self.seconds: dict[str, float] = {}
        self._tell = on_progress or (lambda step, done, total: None)

    def __call__(self, step: str, work: Callable[[Callable[[int, int], None]], T]) -> T:
        started = time.perf_counter()
        self._tell(step, 0, 1)
        result = work(lambda done, total: self._tell(step, done, total))
        self.seconds[step] = round(time.perf_counter() - started, 4)
        return result
