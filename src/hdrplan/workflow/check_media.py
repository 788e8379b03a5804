"""Second check in the patient's media: a planning system's dose is judged by TG-43 or by the dose to the medium."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hdrplan.cautions import Caution
from hdrplan.dose import DoseFactor, SamplePoints, dose_at_points, dose_field, sample_points
from hdrplan.errors import InputError
from hdrplan.geometry import Structure, Volume
from hdrplan.metrics import DVH, Limit, Tolerances, dvh
from hdrplan.plan import BrachyPlan, Plan, ReferencePoint, as_plan
from hdrplan.transport import jackknife_error
from hdrplan.workflow.check import SecondCheck
from hdrplan.workflow.check_grid import GridCheck, compared_grids
from hdrplan.workflow.check_rows import CheckRow, compared_row, grid_rows, point_rows
from hdrplan.workflow.check_stated import ON_CENTRE, StatedDose, as_written, between_centres
from hdrplan.workflow.check_tip import dose_of_fraction
from hdrplan.workflow.model_factor import dose_factor
from hdrplan.workflow.model_run import ModelOptions
from hdrplan.workflow.model_setting import scatter_in_ct

__all__ = ["MediaCheck", "MediaCheckRow", "check_in_media", "judged_by_shape"]

# Voxels with less of the median dose of the structures are of no consequence, and noisy.
_COUNTED_FRAC = 0.05
_WHOLE_FRAC = 0.999
_HINTS_OF_TG43 = ("difference-is-constant", "difference-is-a-factor")
# What the quantity of a row in media begins with.
_PREFIX = "D_m,m, "
_METRICS = {"D98": 0.98, "D90": 0.9, "D50": 0.5}


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaCheckRow:
    """One metric of one structure by three doses, Gy.

    Parameters
    ----------
    structure, metric : str
    tps_gy : float
        As stated.
    tg43_gy : float
        Recomputed in water.
    media_gy, media_error_gy : float
        D_m,m with its standard error.
    """

    structure: str
    metric: str
    tps_gy: float
    tg43_gy: float
    media_gy: float
    media_error_gy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaCheck:
    """A stated dose beside both recomputed ones.

    Parameters
    ----------
    rows : tuple of MediaCheckRow
    judged : tuple of CheckRow
        The grid, DVH metrics and reference points with D_m,m.
    grid : GridCheck
        The stated dose against D_m,m.
    voxels : int
        Of the stated grid that were compared.
    from_tg43_frac, from_media_frac : float
        Median of stated over recomputed dose, less 1.
    spread_tg43_frac, spread_media_frac : float
        Median absolute difference about it.
    histories : int
    warnings : tuple of Caution
        Of the media.
    """

    rows: tuple[MediaCheckRow, ...]
    judged: tuple[CheckRow, ...]
    grid: GridCheck
    voxels: int
    from_tg43_frac: float
    from_media_frac: float
    spread_tg43_frac: float
    spread_media_frac: float
    histories: int
    warnings: tuple[Caution, ...]

    @property
    def nearer(self) -> str:
        """Which dose the stated one has the shape of: "TG-43" or "D_m,m".

        The medians are left out: strength or times that are off by 2 % make TG-43's dose as low as D_m,m is, and do not
        change its shape.
        """
        return "TG-43" if self.spread_tg43_frac <= self.spread_media_frac else "D_m,m"


def judged_by_shape(check: SecondCheck, media: MediaCheck) -> SecondCheck:
    """Return the check judged by the dose that the stated one has the shape of; rows of the other are shown only.

    Parameters
    ----------
    check : SecondCheck
        By TG-43.
    media : MediaCheck
    """
    points = {row.quantity.removeprefix(_PREFIX) for row in media.judged}
    of_water = ("grid", "dwell", "dvh", "stored")

    def shown(row: CheckRow) -> CheckRow:
        return replace(row, tolerance=f"judged by {media.nearer}", verdict="not judged")

    if media.nearer == "TG-43":
        return replace(check, rows=(*check.rows, *map(shown, media.judged)))
    rows = [
        shown(row) if row.kind in of_water or (row.kind == "point" and row.quantity in points) else row
        for row in check.rows
    ]
    # What explains a difference from TG-43 as a factor is no doubt about a dose that is not TG-43's.
    warnings = tuple(w for w in check.warnings if w.id not in _HINTS_OF_TG43)
    return replace(check, rows=(*rows, *media.judged), warnings=warnings)


def check_in_media(
    brachy: BrachyPlan,
    check: SecondCheck,
    stated: StatedDose,
    structures: Sequence[Structure],
    ct: Volume,
    options: ModelOptions,
) -> MediaCheck:
    """Compare a stated dose with TG-43 and with the dose to the medium.

    Parameters
    ----------
    brachy : BrachyPlan
    check : SecondCheck
        Its source, tip and tolerances are taken.
    stated : StatedDose
    structures : sequence of Structure
        All of them become media; those within the stated grid are compared.
    ct : Volume
    options : ModelOptions

    Raises
    ------
    InputError
        No structure within the stated grid.
    """
    plan = as_plan(brachy, check.source, reverse_tip=check.tip.is_reversed)
    stated = dose_of_fraction(brachy, check.source, stated, check.tolerances)[0]
    grid = stated.volume.grid
    held = [s for s in structures if float(grid.contains(s.voxels_mm, rim_voxels=ON_CENTRE).mean()) >= _WHOLE_FRAC]
    if not held:
        raise InputError("a check in media needs a structure within the stated dose grid", got="none")
    points = sample_points(held)
    tg43_gy = dose_at_points(plan.dwells, plan.exposure_s, points.points_mm, plan.source, strength_u=plan.strength_u).gy
    counted = tg43_gy >= _COUNTED_FRAC * float(np.median(tg43_gy))
    setting, run = scatter_in_ct(plan, ct, structures, points, counted, options)
    tps_gy = between_centres(stated.volume, points.points_mm)
    rows: list[MediaCheckRow] = []
    for name in points.names:
        at = points.rows(name)
        factor, volume_cc, tg43 = setting.correction(points.points_mm[at], run), points.volume_cc[at], tg43_gy[at]
        inside = np.isfinite(tps_gy[at])
        media = _metrics(dvh(tg43 * factor.medium, volume_cc))
        each = [_metrics(dvh(tg43 * one, volume_cc)) for one in factor.medium_replicates]
        stated_gy, water = _metrics(dvh(tps_gy[at][inside], volume_cc[inside])), _metrics(dvh(tg43, volume_cc))
        rows += [
            MediaCheckRow(
                structure=name,
                metric=metric,
                tps_gy=stated_gy[metric],
                tg43_gy=water[metric],
                media_gy=gy,
                media_error_gy=float(jackknife_error([one[metric] for one in each])),
            )
            for metric, gy in media.items()
        ]
    recomputed = dose_field(plan.dwells, plan.exposure_s, grid, plan.source, strength_u=plan.strength_u)
    of_plan, _ = dose_factor(setting, run, points)
    in_media = of_plan.on_grid(recomputed)
    least_gy = _COUNTED_FRAC * float(np.median(tg43_gy))
    judged = (recomputed.values_zyx >= least_gy) & (stated.volume.values_zyx > 0.0)
    if stated.full_scale_gy is not None:
        judged &= stated.volume.values_zyx < 0.99 * stated.full_scale_gy
    written, unwritten = as_written(in_media, stated, plan.dwells.positions_mm[plan.times_s > 0])
    normal_gy = check.grid.normal_gy if check.grid is not None else stated.normal_gy(brachy.prescription_gy, 1)
    compared = compared_grids(written, stated, normal_gy, check.tolerances, unwritten_zyx=unwritten)
    places = [p for p in brachy.points if run.patient.grid.contains(np.array([p.position_mm]), rim_voxels=0.0).all()]
    medians = [_median(stated.volume.values_zyx[judged], dose.values_zyx[judged]) for dose in (recomputed, in_media)]
    return MediaCheck(
        rows=tuple(rows),
        judged=(
            *(_of_media(row) for row in grid_rows(compared, check.tolerances)),
            *_judged_metrics(rows, points, (stated, written), check.tolerances),
            *(_of_media(row) for row in _judged_points(plan, places, of_plan, check.tolerances)),
        ),
        grid=compared,
        voxels=int(judged.sum()),
        from_tg43_frac=medians[0][0],
        from_media_frac=medians[1][0],
        spread_tg43_frac=medians[0][1],
        spread_media_frac=medians[1][1],
        histories=run.patient.histories * len(run.patient.sums),
        warnings=setting.media.cautions,
    )


def _of_media(row: CheckRow) -> CheckRow:
    return replace(row, kind="media", quantity=f"{_PREFIX}{row.quantity}")


def _judged_metrics(
    rows: Sequence[MediaCheckRow], points: SamplePoints, doses: tuple[StatedDose, Volume], tolerances: Tolerances
) -> list[CheckRow]:
    """Judge DVH metrics, both doses on the TPS's grid; a limit is wider by two standard errors of the Monte Carlo."""
    stated, written = doses
    found = []
    on_grid = between_centres(written, points.points_mm)
    for name in points.names:
        at = points.rows(name)
        inside = np.isfinite(on_grid[at])
        same_grid = _metrics(dvh(on_grid[at][inside], points.volume_cc[at][inside]))
        for row in rows:
            if row.structure != name:
                continue
            top_gy = stated.full_scale_gy
            if top_gy is not None and min(row.tps_gy, same_grid[row.metric]) >= 0.99 * top_gy:
                continue
            limit, more = tolerances.dvh_limit(name), 2.0 * row.media_error_gy / max(row.media_gy, 1e-9)
            wider = Limit(limit.fail_frac + more, limit.warn_frac + more)
            values = row.tps_gy, same_grid[row.metric]
            judged = compared_row("media", f"{_PREFIX}{name} {row.metric}", "Gy", values, wider)
            judged = replace(judged, tolerance=f"{limit.text} and 2 standard errors, {100 * more:.2g} %")
            found.append(replace(judged, exact=row.media_gy))
    return found


def _judged_points(
    plan: Plan, places: Sequence[ReferencePoint], factor: DoseFactor, tolerances: Tolerances
) -> list[CheckRow]:
    """Judge reference points, with the factor at each; next to a dwell a shift may explain a difference."""
    if not places:
        return []
    factors = factor.elsewhere(np.array([place.position_mm for place in places]))
    in_water = [replace(p, dose_gy=p.dose_gy / f) for p, f in zip(places, factors, strict=True)]
    rows = point_rows(plan, in_water, tolerances)
    return [replace(r, tps=r.tps * f, recomputed=r.recomputed * f) for r, f in zip(rows, factors.tolist(), strict=True)]


def _median(tps: np.ndarray, ours: np.ndarray) -> tuple[float, float]:
    relative = tps.astype(np.float64) / ours - 1.0
    middle = float(np.median(relative))
    return middle, float(np.median(np.abs(relative - middle)))


def _metrics(curve: DVH) -> dict[str, float]:
    return {name: curve.dose_at_frac(frac) for name, frac in _METRICS.items()}
