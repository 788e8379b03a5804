"""The independent second check of a clinical plan: what its times give by TG-43, against what the TPS says.

Beside the walk: it knows no files and draws nothing. ``io`` reads the plan, ``report`` shows the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hdrplan.cautions import Caution, caution
from hdrplan.dose import dose_field
from hdrplan.geometry import Structure
from hdrplan.metrics import Tolerances
from hdrplan.plan import BrachyPlan, FileLink, as_plan, doubts_of_source
from hdrplan.plausibility import doubts_of_clinical_strength
from hdrplan.sources import TG43Source, bounded_warnings
from hdrplan.workflow.check_axes import with_axes
from hdrplan.workflow.check_dwells import DwellTimes, dwell_row, dwell_times
from hdrplan.workflow.check_grid import GridCheck, compared_grids
from hdrplan.workflow.check_hints import GridShift, constant_hints, factor_hints, grid_shift, shift_hints
from hdrplan.workflow.check_rows import CheckRow, Verdict, dvh_rows, grid_rows, point_rows, trak_row
from hdrplan.workflow.check_stated import BESIDE_DWELL_MM, StatedDose, as_written
from hdrplan.workflow.check_tip import TipChoice, choose_tip, dose_of_fraction, doubts_of_factor

__all__ = ["SecondCheck", "check_plan"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SecondCheck:
    """Result of :func:`check_plan`.

    Parameters
    ----------
    rows : tuple of CheckRow
        TRAK, reference points, grid, DVH metrics.
    links : tuple of FileLink
        Whether the files belong together.
    grid : GridCheck or None
    shift : GridShift or None
        Best fit of the TPS's grid.
    dwells : DwellTimes or None
        The times that the TPS's grid has.
    tip : TipChoice
        Which way the sources were taken to point, and why.
    source : TG43Source
        What the dose was recomputed with.
    tolerances : Tolerances
        What the rows were judged by.
    warnings : tuple of Caution
    """

    rows: tuple[CheckRow, ...]
    links: tuple[FileLink, ...]
    grid: GridCheck | None
    shift: GridShift | None
    dwells: DwellTimes | None
    tip: TipChoice
    source: TG43Source
    tolerances: Tolerances
    warnings: tuple[Caution, ...]

    @property
    def verdict(self) -> Verdict:
        """Fail, where one comparison fails or files do not belong together; not judged, where none compares a dose."""
        verdicts = {row.verdict for row in self.rows}
        if "fail" in verdicts or any(link.holds is False for link in self.links):
            return "fail"
        if all(row.passed is None for row in self.rows if row.kind not in ("kerma", "time")):
            return "not judged"
        return "warn" if "warn" in verdicts else "pass"

    @property
    def passed(self) -> bool:
        """Whether all judged rows pass, at least one of them compares a dose, and the files belong together."""
        return self.verdict in ("pass", "warn")


def check_plan(
    brachy: BrachyPlan,
    source: TG43Source,
    *,
    stated: StatedDose | None = None,
    structures: Sequence[Structure] = (),
    tolerances: Tolerances | None = None,
    reverse_tip: bool | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> SecondCheck:
    """Recompute a TPS's dose and compare.

    Parameters
    ----------
    brachy : BrachyPlan
        With the file's own strength and times.
    source : TG43Source
        The plan's source model.
    stated : StatedDose, optional
        The TPS's dose grid.
    structures : sequence of Structure
        For DVH metrics, from both doses on the TPS's grid.
    tolerances : Tolerances, optional
        None takes the defaults.
    reverse_tip : bool, optional
        None takes the file's direction; where the file leaves it open, the one that fits better.
    on_progress : callable, optional

    Returns
    -------
    SecondCheck
        Without links between files: who read them knows.

    Raises
    ------
    InputError
        A plan without dwells.
    """
    tolerances = tolerances or Tolerances()
    warnings = [
        *brachy.warnings,
        *doubts_of_clinical_strength(brachy),
        *doubts_of_source(brachy, source),
        *bounded_warnings(source),
    ]
    if tolerances.without_source:
        warnings.append(caution("tolerance-without-source", keys=", ".join(tolerances.without_source)))
    if stated is not None:
        stated, factor = dose_of_fraction(brachy, source, stated, tolerances)
        warnings += doubts_of_factor(brachy, factor)
    tip = choose_tip(brachy, source, stated, tolerances, reverse_tip=reverse_tip)
    plan = as_plan(brachy, source, reverse_tip=tip.is_reversed)
    rows = [trak_row(brachy, tolerances), *with_axes(brachy, plan, point_rows(plan, brachy.points, tolerances))]
    grid, shift, dwells = None, None, None
    if stated is not None:
        recomputed = dose_field(
            plan.dwells,
            plan.exposure_s,
            stated.volume.grid,
            source,
            strength_u=plan.strength_u,
            on_progress=on_progress,
        )
        loaded = plan.times_s > 0
        recomputed, unwritten = as_written(recomputed, stated, plan.dwells.positions_mm[loaded])
        normal_gy = stated.normal_gy(brachy.prescription_gy, int(loaded.sum()))
        grid = compared_grids(recomputed, stated, normal_gy, tolerances, unwritten_zyx=unwritten)
        rows += grid_rows(grid, tolerances)
        if grid.left_out:
            left_out = caution("grid-voxels-left-out", count=grid.left_out, top_gy=stated.full_scale_gy)
            warnings.append(left_out)
        if unwritten.any():
            warnings.append(caution("grid-voxels-not-written", count=int(unwritten.sum()), mm=BESIDE_DWELL_MM))
        if brachy.prescription_gy > 0 and normal_gy != brachy.prescription_gy:
            doses = {"stated_gy": brachy.prescription_gy, "taken_gy": normal_gy}
            if stated.reached_everywhere(brachy.prescription_gy):
                warnings.append(caution("prescription-everywhere", **doses))
            else:
                warnings.append(caution("prescription-not-reached", **doses))
        compared, outside = dvh_rows(plan, recomputed, stated, structures, tolerances)
        rows += compared
        dwells = dwell_times(brachy, plan, grid)
        if dwells is not None:
            rows.append(dwell_row(dwells, tolerances))
        shift = grid_shift(plan, stated, grid.threshold_gy)
        warnings += [*outside, *shift_hints(shift), *constant_hints(grid, tolerances.limit("median_frac"))]
    warnings += factor_hints(brachy, rows)
    if all(row.passed is None for row in rows[1:]):
        warnings.append(caution("nothing-compared"))
    return SecondCheck(
        rows=tuple(rows),
        links=(),
        grid=grid,
        shift=shift,
        dwells=dwells,
        tip=tip,
        source=source,
        tolerances=tolerances,
        warnings=tuple(warnings),
    )
