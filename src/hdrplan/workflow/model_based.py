"""Model-based dose of a plan (TG-186): TG-43 times the heterogeneity correction of a Monte Carlo run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.brief import brief_repr
from hdrplan.dose import DoseFactor, SamplePoints, dose_at_points, dose_field, sample_points
from hdrplan.geometry import Grid, Structure, Volume
from hdrplan.optimize import EveryPoint
from hdrplan.plan import Case, Goals, Plan
from hdrplan.threads import over_each
from hdrplan.workflow.model_factor import dose_factor
from hdrplan.workflow.model_figures import ModelStructure, structure_figures
from hdrplan.workflow.model_run import KeptRuns, ModelOptions, ScatterRun, Setting, dwells_with_time
from hdrplan.workflow.model_setting import counted_dose_gy, ct_of, emission_of, media_of, scatter_of
from hdrplan.workflow.reevaluate import proven_minimum
from hdrplan.workflow.steps import Progress, StepProgress, Steps

__all__ = ["ModelDose", "PlanFactor", "dose_of_factor", "factor_of_plan", "model_dose", "proven_minima"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelDose:
    """A plan's dose in the patient's media beside that of TG-43.

    Parameters
    ----------
    plan : Plan
    setting : Setting
    options : ModelOptions
    structures : tuple of ModelStructure
        Figures of each by TG-43 (D_w,w), D_m,m and D_w,m with standard errors.
    histories : int
        Photons followed in the patient, and as many in water.
    counted_gy : float
        Points with less do not count for the uncertainty.
    dose : Volume
        D_m,m in Gy.
    factor : Volume
        D_m,m over TG-43's dose.
    factor_error : Volume
        Standard error of the factor, between nodes over the CT.
    dose_factor : DoseFactor
        The factor at any point, as plans and proofs take it.
    minima : tuple of EveryPoint
        What is proven of the least D_m,m at any point of each CTV; the error of its D100 is not in it.
    seconds : dict
    """

    plan: Plan
    setting: Setting
    options: ModelOptions
    structures: tuple[ModelStructure, ...]
    histories: int
    counted_gy: float
    dose: Volume
    factor: Volume
    factor_error: Volume
    dose_factor: DoseFactor
    minima: tuple[EveryPoint, ...]
    seconds: dict[str, float]

    __repr__ = brief_repr

    @property
    def reached_frac(self) -> float:
        """The largest uncertainty of any structure that counts; NaN where none does."""
        known = [s.uncertainty_frac for s in self.structures if not np.isnan(s.uncertainty_frac)]
        return max(known, default=float("nan"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlanFactor:
    """The factor of a plan and what it was made of.

    Parameters
    ----------
    setting : Setting
    points : SamplePoints
    tg43_gy : (n_points,) array
    counted_gy : float
        Points with less do not count for the uncertainty.
    run : ScatterRun
    factor : DoseFactor
    error_on_grid : callable
        Returns the standard error of the factor on a grid over the CT.
    """

    setting: Setting
    points: SamplePoints
    tg43_gy: FloatArray
    counted_gy: float
    run: ScatterRun
    factor: DoseFactor
    error_on_grid: Callable[[], Volume]

    __repr__ = brief_repr


def factor_of_plan(
    case: Case,
    labels: Sequence[Structure],
    goals: Goals,
    plan: Plan,
    options: ModelOptions,
    *,
    runs: KeptRuns | None = None,
    step: Steps | None = None,
) -> PlanFactor:
    """Return D_m,m over the dose of TG-43 for a plan; errors as of :func:`model_dose`.

    Parameters
    ----------
    case, labels, goals, plan, options, runs
        As in :func:`model_dose`.
    step : Steps, optional
        Its steps go on here.
    """
    dwells, times_s = dwells_with_time(plan)
    step, runs = step or Steps(), runs or KeptRuns()
    with step("media"):
        media = runs.media or media_of(case, labels, plan.dwells, options)
    setting = Setting(media=media, dwells=dwells, times_s=times_s, emission=emission_of(plan.source))
    with step("sample"):
        own = [s for s in case.dosed_structures(goals) if s in case.structures]
        points = sample_points(own, spacing_mm=options.sample_mm, healthy=case.healthy)
        tg43 = dose_at_points(plan.dwells, plan.exposure_s, points.points_mm, plan.source, strength_u=plan.strength_u)
    counted_gy = counted_dose_gy(goals, tg43.gy)
    with step("scatter") as progress:
        counted = tg43.gy >= counted_gy
        run = scatter_of(setting, ct_of(case).grid, points, counted, options, runs=runs, on_progress=progress)
    with step("factor"):
        factor, error = dose_factor(setting, run, points)
    return PlanFactor(
        setting=setting,
        points=points,
        tg43_gy=tg43.gy,
        counted_gy=counted_gy,
        run=run,
        factor=factor,
        error_on_grid=error,
    )


def model_dose(
    case: Case,
    labels: Sequence[Structure],
    goals: Goals,
    plan: Plan,
    options: ModelOptions,
    *,
    runs: KeptRuns | None = None,
    on_progress: StepProgress | None = None,
) -> ModelDose:
    """Return the model-based dose of a plan.

    Parameters
    ----------
    case : Case
        With its CT.
    labels : sequence of Structure
        All labels of the patient: media are taken from them.
    goals : Goals
    plan : Plan
    options : ModelOptions
    runs : KeptRuns, optional
    on_progress : callable, optional

    Raises
    ------
    InputError
        No CT, dwells or structures outside it, a plan without time.
    """
    step = Steps(on_progress)
    found = factor_of_plan(case, labels, goals, plan, options, runs=runs, step=step)
    with step("prove"):
        minima = proven_minima(plan, found, goals)
    return dose_of_factor(found, goals, plan, options, minima=minima, step=step)


def dose_of_factor(
    found: PlanFactor, goals: Goals, plan: Plan, options: ModelOptions, *, minima: tuple[EveryPoint, ...], step: Steps
) -> ModelDose:
    """Return the model-based dose of a plan whose factor is known.

    Parameters
    ----------
    found : PlanFactor
        Of this plan.
    goals : Goals
    plan : Plan
    options : ModelOptions
    minima : tuple of EveryPoint
        Of :func:`proven_minima`.
    step : Steps
        Its steps go on here.
    """
    setting, points, run, scored = found.setting, found.points, found.run, found.run.patient.grid
    prescribed = goals.doses_gy
    with step("figures"):

        def figures(name: str) -> ModelStructure:
            rows = points.rows(name)
            factor = setting.correction(points.points_mm[rows], run)
            tg43_gy, prescription = found.tg43_gy[rows], prescribed.get(name)
            return structure_figures(points, name, tg43_gy, factor, prescription, counted_gy=found.counted_gy)

        structures = over_each(figures, points.names, size=lambda name: len(points.volume_cc[points.rows(name)]))
    with step("grid") as progress:
        dose, factors = _on_grid(plan, found.factor, _within(setting.media.grid, scored), progress)
    return ModelDose(
        plan=plan,
        setting=setting,
        options=options,
        structures=tuple(structures),
        histories=run.patient.histories * len(run.patient.sums),
        counted_gy=found.counted_gy,
        dose=dose,
        factor=factors,
        factor_error=found.error_on_grid(),
        dose_factor=found.factor,
        minima=minima,
        seconds=step.seconds,
    )


def proven_minima(plan: Plan, found: PlanFactor, goals: Goals) -> tuple[EveryPoint, ...]:
    """Prove the least D_m,m of each CTV that has a prescription.

    Parameters
    ----------
    plan : Plan
    found : PlanFactor
        Of this plan.
    goals : Goals
    """
    minima, points = [], found.points
    prescribed = goals.doses_gy
    for name, field in found.factor.fields.items():
        if name in prescribed:
            rows, shape = points.rows(name), points.shape(name)
            lowest_gy = float((found.tg43_gy[rows] * field.at(points.points_mm[rows])).min())
            known = {"d100_gy": lowest_gy, "prescription_gy": prescribed[name]}
            minima.append(proven_minimum(shape, plan, name, factor=field, **known))
    return tuple(minima)


def _within(media: Grid, scored: Grid) -> Grid:
    """Return the voxels of media that lie on the scored grid."""
    low = np.rint(media.index(scored.world([-0.5, -0.5, -0.5])) + 0.5).astype(int)
    high = np.rint(media.index(scored.world(np.array(scored.shape_zyx[::-1]) - 0.5)) + 0.5).astype(int)
    size = np.minimum(high, media.shape_zyx[::-1]) - low
    nx, ny, nz = size.tolist()
    return media.box(low, (nz, ny, nx))


def _on_grid(plan: Plan, found: DoseFactor, grid: Grid, on_progress: Progress) -> tuple[Volume, Volume]:
    """D_m,m and its factor on a grid."""
    tg43 = dose_field(plan.dwells, plan.exposure_s, grid, plan.source, strength_u=plan.strength_u)
    on_progress(1, 2)
    factors = found.on_grid(Volume(grid, np.ones(grid.shape_zyx, dtype=np.float32)))
    return Volume(grid, tg43.values_zyx.astype(np.float32) * factors.values_zyx), factors
