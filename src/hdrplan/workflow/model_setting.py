"""What a model-based dose begins with: media of the patient, photons of the source, points that count, scatter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray
from hdrplan.dose import SamplePoints
from hdrplan.errors import InputError
from hdrplan.geometry import Dwells, Grid, Structure, Volume
from hdrplan.materials import MediaMap, assign_media, photon_data
from hdrplan.plan import Case, Goals, Plan
from hdrplan.sources import TG43Source
from hdrplan.transport import RIM_VOXELS, Emission, emission_names, isotropic_ir192, load_emission
from hdrplan.workflow.model_run import (
    KeptRuns,
    ModelOptions,
    ScatterRun,
    Setting,
    dwells_with_time,
    scatter_until_sure,
    scored_grid,
)
from hdrplan.workflow.steps import Progress

__all__ = ["counted_dose_gy", "ct_of", "emission_of", "media_of", "scatter_in_ct", "scatter_of"]

# Points with less of the prescription do not count for the uncertainty: they are of no consequence to a plan.
_COUNTED_FRAC = 0.05


def ct_of(case: Case) -> Volume:
    """Return the CT of a case; InputError where it has none."""
    if case.ct is None:
        raise InputError("a model-based dose needs the case's CT", got="no CT", where=case.name)
    return case.ct


def media_of(case: Case, labels: Sequence[Structure], dwells: Dwells, options: ModelOptions) -> MediaMap:
    """Return the media of a patient.

    Parameters
    ----------
    case : Case
    labels : sequence of Structure
        All labels of the patient.
    dwells : Dwells
        Near them a CT that was cut is continued.
    options : ModelOptions

    Raises
    ------
    InputError
        No CT, dwells outside it.
    """
    return assign_media(ct_of(case), labels, options.rules, dwells_mm=dwells.positions_mm, voxel_mm=options.voxel_mm)


def emission_of(source: TG43Source) -> Emission:
    """Return what leaves a source; where its capsule is not known, the lines of Ir-192 in all directions."""
    if source.name in emission_names():
        return load_emission(source.name, photon_data())
    return isotropic_ir192(photon_data(), length_mm=source.active_length_mm)


def counted_dose_gy(goals: Goals, tg43_gy: FloatArray) -> float:
    """Return the dose from which on points count for the uncertainty.

    Parameters
    ----------
    goals : Goals
    tg43_gy : (n,) array
    """
    return _COUNTED_FRAC * max((p.dose_gy for p in goals.doses), default=float(tg43_gy.max()))


def scatter_of(
    setting: Setting,
    ct: Grid,
    points: SamplePoints,
    counted: npt.NDArray[np.bool_],
    options: ModelOptions,
    *,
    runs: KeptRuns | None,
    on_progress: Progress,
) -> ScatterRun:
    """Return the scatter of a plan as exact as was asked, over the whole CT.

    Parameters
    ----------
    setting : Setting
    ct : Grid
        What is scored; what was padded is not.
    points : SamplePoints
    counted : (n_points,) bool array
        Points that count for the uncertainty.
    options : ModelOptions
    runs : KeptRuns or None
    on_progress : callable

    Raises
    ------
    InputError
        Structures outside the CT or the body.
    """
    scored = scored_grid(setting.media.grid, ct)
    _refuse_outside(points, scored)
    task = setting.task(scored, options.seed)
    return scatter_until_sure(setting, task, points, counted, options, runs=runs or KeptRuns(), on_progress=on_progress)


def scatter_in_ct(
    plan: Plan,
    ct: Volume,
    labels: Sequence[Structure],
    points: SamplePoints,
    counted: npt.NDArray[np.bool_],
    options: ModelOptions,
) -> tuple[Setting, ScatterRun]:
    """Return the scatter of a plan that has no case, as of a planning system.

    Parameters
    ----------
    plan : Plan
    ct : Volume
    labels : sequence of Structure
        All of them become media.
    points, counted, options
        As in :func:`scatter_of`.
    """
    dwells, times_s = dwells_with_time(plan)
    media = assign_media(ct, labels, options.rules, dwells_mm=dwells.positions_mm, voxel_mm=options.voxel_mm)
    setting = Setting(media=media, dwells=dwells, times_s=times_s, emission=emission_of(plan.source))
    run = scatter_of(setting, ct.grid, points, counted, options, runs=None, on_progress=lambda done, total: None)
    return setting, run


def _refuse_outside(points: SamplePoints, scored: Grid) -> None:
    held = scored.contains(points.points_mm, rim_voxels=RIM_VOXELS)
    if not held.all():
        names = [name for name in points.names if not held[points.rows(name)].all()]
        raise InputError("structures must lie within the CT and the body", got=f"{', '.join(names)} outside")
