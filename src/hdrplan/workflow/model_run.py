"""The Monte Carlo run of a model-based dose: rounds of photons until every structure is known as well as was asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray
from hdrplan.dose import SamplePoints
from hdrplan.errors import InputError
from hdrplan.geometry import Dwells, Grid
from hdrplan.materials import MediaMap, MediaRules, photon_data, voxel_codes
from hdrplan.plan import Plan
from hdrplan.transport import (
    Correction,
    Emission,
    Kerma,
    ScatterTask,
    Voxels,
    correction_at,
    in_water,
    primary_kerma,
    scatter,
)
from hdrplan.workflow.steps import Progress

__all__ = ["KeptRuns", "ModelOptions", "ScatterRun", "Setting", "dwells_with_time", "scatter_until_sure", "scored_grid"]

# Points of each structure that are asked between rounds.
_MONITORED = 300
_FIRST_HISTORIES = 100_000
# Scatter is scored on cells of 2 x 2 x 2 voxels of media, 6 mm for the usual 3. Cells of 9 mm need a third of the
# photons for the same error, but beside the lung, where scatter is another share of the dose than in water, the mean
# correction is 0.33 % off, with 6 mm 0.15 %, against cells of 3 mm (demo, 20 million photons; CTV 0.03, 0.01 %).
_CELL_VOXELS = 2
# A round takes what the error says and no more than three times what was done: early errors are rough.
_GROWTH = 3.0
_NEAR, _PART = 1.5, 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """Choices of a model-based dose.

    Parameters
    ----------
    uncertainty_frac : float
        Relative standard error (k = 1) of D_m,m that each structure reaches: root mean square over its points with at
        least 5 % of the prescription.
    seed : int
    voxel_mm : float
        Edge of the voxels of media, about; scatter is scored on cells of twice that.
    sample_mm : float
        Of the points of structures, as in the planner's options.
    max_histories : int
        Photons after which a run ends, whatever it has reached.
    rules : MediaRules or None
        None: the packaged rules.

    Raises
    ------
    InputError
        A value out of its range.
    """

    uncertainty_frac: float = 0.01
    seed: int = 1
    voxel_mm: float = 3.0
    sample_mm: float = 2.0
    max_histories: int = 100_000_000
    rules: MediaRules | None = None

    @property
    def record(self) -> dict[str, object]:
        """The options as a record of a run holds them."""
        rules = None if self.rules is None else self.rules.name
        return {"uncertainty_frac": self.uncertainty_frac, "seed": self.seed, "rules": rules, "voxel_mm": self.voxel_mm}

    def __post_init__(self) -> None:
        if not 0.0005 <= self.uncertainty_frac <= 0.2:
            raise InputError(
                "`uncertainty` must lie in 0.05 % to 20 %",
                got=f"{100 * self.uncertainty_frac:g} %",
                remedy="Half the uncertainty takes four times the photons; 1 % takes seconds to minutes.",
            )
        if not 0.5 <= self.voxel_mm <= 10.0:
            raise InputError("the edge of a voxel must lie in 0.5 to 10 mm", got=f"{self.voxel_mm:g}")
        if self.max_histories < _FIRST_HISTORIES:
            raise InputError(
                f"the largest number of histories must be at least {_FIRST_HISTORIES:,}", got=self.max_histories
            )


@dataclass(frozen=True, slots=True)
class ScatterRun:
    """Scatter in the patient and in water, as far as a run has come: what can be kept and continued."""

    patient: Kerma
    water: Kerma


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRuns:
    """Where a run is kept between rounds, so that one that was stopped can be continued.

    Parameters
    ----------
    earlier : callable
        Returns the earlier run of a task, or None.
    keep : callable
        Called after every round of photons with all that was done: a run that is stopped loses one round.
    media : MediaMap or None
        The patient's media, where they were made before.
    """

    earlier: Callable[[ScatterTask], ScatterRun | None] = lambda task: None
    keep: Callable[[ScatterRun], None] = lambda run: None
    media: MediaMap | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setting:
    """What the photons of a plan meet.

    Parameters
    ----------
    media : MediaMap
    dwells : Dwells
        Those with time.
    times_s : (n_dwells,) array
    emission : Emission
    """

    media: MediaMap
    dwells: Dwells
    times_s: FloatArray
    emission: Emission

    def task(self, scored: Grid, seed: int) -> ScatterTask:
        """Return the task of the scatter run."""
        photons = photon_data()
        codes = voxel_codes(self.media.medium_zyx, self.media.density_g_per_cc_zyx, photons)
        return ScatterTask(
            voxels=Voxels(grid=self.media.grid, codes_zyx=codes, photons=photons),
            emission=self.emission,
            positions_mm=self.dwells.positions_mm,
            axes=self.dwells.axes,
            times_s=self.times_s,
            scored=scored,
            seed=seed,
        )

    def correction(self, points_mm: FloatArray, run: ScatterRun, *, replicates: bool = True) -> Correction:
        """Return the HCF at points; ``replicates`` as in :func:`hdrplan.transport.correction_at`."""
        primary = primary_kerma(points_mm, self.media, self.dwells, self.times_s, self.emission)
        return correction_at(points_mm, self.media, primary, run.patient, run.water, replicates=replicates)


def dwells_with_time(plan: Plan) -> tuple[Dwells, FloatArray]:
    """Return the dwells at which, or while passing which, the source spends time; InputError where there are none."""
    held = np.flatnonzero(plan.exposure_s > 0.0)
    if len(held) == 0:
        raise InputError("a plan with dwell times is needed", got="no dwell with time")
    dwells = plan.dwells
    return (
        Dwells(
            positions_mm=dwells.positions_mm[held],
            axes=dwells.axes[held],
            catheter=dwells.catheter[held],
            offset_mm=dwells.offset_mm[held],
            catheter_names=dwells.catheter_names,
        ),
        plan.exposure_s[held],
    )


def scored_grid(patient: Grid, ct: Grid, *, cell_voxels: int = _CELL_VOXELS) -> Grid:
    """Return the grid of cells that scatter is scored on, over the CT: what was padded is not scored.

    Parameters
    ----------
    patient : Grid
        Of the media.
    ct : Grid
    cell_voxels : int
        Edge of a cell in voxels of media.
    """
    corners = ct.world(np.array(np.meshgrid(*((-0.5, n - 0.5) for n in ct.shape_zyx[::-1]))).reshape(3, -1).T)
    index = patient.index(corners)
    size = np.array(patient.shape_zyx[::-1])
    low = np.clip(np.floor(index.min(axis=0) + 0.5 + 1e-6), 0, size - 1)
    high = np.clip(np.ceil(index.max(axis=0) + 0.5 - 1e-6), low + 1, size)
    nx, ny, nz = np.ceil((high - low) / cell_voxels).astype(int).tolist()
    return Grid(
        shape_zyx=(nz, ny, nx),
        origin_mm=patient.world(low + 0.5 * (cell_voxels - 1)),
        spacing_mm=cell_voxels * patient.spacing_mm,
        direction=patient.direction,
    )


def scatter_until_sure(
    setting: Setting,
    task: ScatterTask,
    points: SamplePoints,
    counted: npt.NDArray[np.bool_],
    options: ModelOptions,
    *,
    runs: KeptRuns,
    on_progress: Progress,
) -> ScatterRun:
    """Return the scatter when the uncertainty asked for is reached in each structure, or the photons are used up.

    Parameters
    ----------
    setting : Setting
    task : ScatterTask
    points : SamplePoints
    counted : (n_points,) bool array
        Points that count for the uncertainty.
    options : ModelOptions
    runs : KeptRuns
    on_progress : callable
    """
    water, run = in_water(task), runs.earlier(task)
    rows = [np.flatnonzero(counted[points.rows(name)]) + points.rows(name).start for name in points.names]
    monitored = [row[:: max(1, len(row) // _MONITORED)] for row in rows if len(row)]
    wanted, done = _FIRST_HISTORIES, 0 if run is None else run.patient.histories * task.batches
    while True:
        more = wanted - done
        if more > 0:
            run = ScatterRun(
                scatter(task, more, after=None if run is None else run.patient),
                scatter(water, more, after=None if run is None else run.water),
            )
            done = run.patient.histories * task.batches
            runs.keep(run)
        assert run is not None
        worst = 0.0
        for row in monitored:
            factor = setting.correction(points.points_mm[row], run, replicates=False)
            worst = max(worst, float(np.sqrt(np.mean((factor.medium_error / factor.medium) ** 2))))
        if worst <= options.uncertainty_frac or done >= options.max_histories:
            return run
        # A twentieth more than the square says, lest the last round just misses.
        needed = min(1.05 * done * (worst / options.uncertainty_frac) ** 2, float(options.max_histories))
        on_progress(done, int(needed))
        # A long way is gone in two parts: the error of what is there tells what is needed better at its end.
        part = needed if needed < _NEAR * done else _PART * needed
        wanted = int(min(max(part, done + task.batches), _GROWTH * done))
