"""Model-based dose of a plan (TG-186): TG-43 times the heterogeneity correction of a Monte Carlo run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hdrplan.brief import brief_repr
from hdrplan.dose import SamplePoints, dose_at_points, dose_field, sample_points
from hdrplan.errors import InputError
from hdrplan.geometry import Grid, Structure, Volume
from hdrplan.materials import assign_media, photon_data
from hdrplan.plan import Case, Goals, Plan
from hdrplan.transport import (
    RIM_VOXELS,
    Emission,
    emission_names,
    isotropic_ir192,
    load_emission,
    mean_correction,
    primary_kerma,
)
from hdrplan.workflow.model_figures import ModelStructure, structure_figures
from hdrplan.workflow.model_run import (
    KeptRuns,
    ModelOptions,
    ScatterRun,
    Setting,
    dwells_with_time,
    scatter_until_sure,
    scored_grid,
)
from hdrplan.workflow.steps import Progress, StepProgress, Steps

__all__ = ["ModelDose", "model_dose"]

# Points with less of the prescription do not count for the uncertainty: they are of no consequence to a plan.
_COUNTED_FRAC = 0.05
_SLICES = 8


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
        Standard error of the factor, on the grid that scatter is scored on.
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
    seconds: dict[str, float]

    __repr__ = brief_repr

    @property
    def reached_frac(self) -> float:
        """The largest uncertainty of any structure that counts; NaN where none does."""
        known = [s.uncertainty_frac for s in self.structures if not np.isnan(s.uncertainty_frac)]
        return max(known, default=float("nan"))


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
    if case.ct is None:
        raise InputError("a model-based dose needs the case's CT", got="no CT", where=case.name)
    dwells, times_s = dwells_with_time(plan)
    step = Steps(on_progress)
    with step("media"):
        media = assign_media(case.ct, labels, options.rules, dwells_mm=dwells.positions_mm, voxel_mm=options.voxel_mm)
    emission = _emission(plan)
    setting = Setting(media=media, dwells=dwells, times_s=times_s, emission=emission)
    with step("sample"):
        own = [s for s in case.dosed_structures(goals) if s in case.structures]
        points = sample_points(own, spacing_mm=options.sample_mm, healthy=case.healthy)
        tg43 = dose_at_points(plan.dwells, plan.exposure_s, points.points_mm, plan.source, strength_u=plan.strength_u)
    scored = scored_grid(media.grid, case.ct.grid)
    _refuse_outside(points, scored)
    task = setting.task(scored, options.seed)
    prescribed = {p.structure: p.dose_gy for p in goals.prescriptions}
    counted_gy = _COUNTED_FRAC * max(prescribed.values(), default=float(tg43.gy.max()))
    with step("scatter") as progress:
        counted = tg43.gy >= counted_gy
        run = scatter_until_sure(setting, task, points, counted, options, runs=runs or KeptRuns(), on_progress=progress)
    structures = []
    with step("figures") as progress:
        for done, name in enumerate(points.names):
            progress(done, len(points.names))
            rows = points.rows(name)
            factor = setting.correction(points.points_mm[rows], run)
            prescription = prescribed.get(name)
            structures.append(
                structure_figures(points, name, tg43.gy[rows], factor, prescription, counted_gy=counted_gy)
            )
    with step("grid") as progress:
        dose, factors = _on_grid(plan, setting, _within(media.grid, scored), run, progress)
        cells = setting.correction(scored.points_mm(), run).medium_error.reshape(scored.shape_zyx)
    return ModelDose(
        plan=plan,
        setting=setting,
        options=options,
        structures=tuple(structures),
        histories=run.patient.histories * task.batches,
        counted_gy=counted_gy,
        dose=dose,
        factor=factors,
        factor_error=Volume(scored, cells.astype(np.float32)),
        seconds=step.seconds,
    )


def _emission(plan: Plan) -> Emission:
    """Return what leaves the plan's source; where its capsule is not known, the lines of Ir-192 in all directions."""
    if plan.source.name in emission_names():
        return load_emission(plan.source.name, photon_data())
    return isotropic_ir192(photon_data(), length_mm=plan.source.active_length_mm)


def _refuse_outside(points: SamplePoints, scored: Grid) -> None:
    held = scored.contains(points.points_mm, rim_voxels=RIM_VOXELS)
    if not held.all():
        names = [name for name in points.names if not held[points.rows(name)].all()]
        raise InputError("structures must lie within the CT and the body", got=f"{', '.join(names)} outside")


def _within(media: Grid, scored: Grid) -> Grid:
    """Return the voxels of media that lie on the scored grid."""
    low = np.rint(media.index(scored.world([0, 0, 0])) - 0.5).astype(int)
    size = np.minimum(2 * np.array(scored.shape_zyx[::-1]), np.array(media.shape_zyx[::-1]) - low)
    nx, ny, nz = size.tolist()
    return media.box(low, (nz, ny, nx))


def _on_grid(plan: Plan, setting: Setting, grid: Grid, run: ScatterRun, on_progress: Progress) -> tuple[Volume, Volume]:
    """D_m,m and its factor on a grid, some slices at a time."""
    tg43 = dose_field(plan.dwells, plan.exposure_s, grid, plan.source, strength_u=plan.strength_u)
    factors = np.empty(grid.shape_zyx, dtype=np.float32)
    means = mean_correction(setting.media, run.patient, run.water)
    for first in range(0, len(factors), _SLICES):
        last = min(first + _SLICES, len(factors))
        points_mm = grid.points_mm(first, last)
        primary = primary_kerma(points_mm, setting.media, setting.dwells, setting.times_s, setting.emission)
        factors[first:last] = means(points_mm, primary).reshape(factors[first:last].shape)
        on_progress(last, len(factors))
    return Volume(grid, (tg43.values_zyx * factors).astype(np.float32)), Volume(grid, factors)
