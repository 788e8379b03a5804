"""Second check in the patient's media: whether a planning system's dose is that of TG-43 or that to the medium."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hdrplan.cautions import Caution
from hdrplan.dose import dose_at_points, dose_field, sample_points
from hdrplan.errors import InputError
from hdrplan.geometry import Structure, Volume
from hdrplan.metrics import DVH, dvh
from hdrplan.plan import BrachyPlan, as_plan
from hdrplan.transport import jackknife_error
from hdrplan.workflow.check import SecondCheck
from hdrplan.workflow.check_stated import ON_CENTRE, StatedDose, between_centres
from hdrplan.workflow.check_tip import dose_of_fraction
from hdrplan.workflow.model_factor import dose_factor
from hdrplan.workflow.model_run import ModelOptions
from hdrplan.workflow.model_setting import scatter_in_ct

__all__ = ["MediaCheck", "MediaCheckRow", "check_in_media"]

# Voxels with less of the median dose of the structures are of no consequence, and noisy.
_COUNTED_FRAC = 0.05
_WHOLE_FRAC = 0.999
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
    """A stated dose beside both recomputed ones; nothing is judged.

    Parameters
    ----------
    rows : tuple of MediaCheckRow
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
    voxels: int
    from_tg43_frac: float
    from_media_frac: float
    spread_tg43_frac: float
    spread_media_frac: float
    histories: int
    warnings: tuple[Caution, ...]

    @property
    def nearer(self) -> str:
        """Which dose the stated one lies nearer to: "TG-43" or "D_m,m"."""
        tg43, media = (
            abs(median) + spread
            for median, spread in (
                (self.from_tg43_frac, self.spread_tg43_frac),
                (self.from_media_frac, self.spread_media_frac),
            )
        )
        return "TG-43" if tg43 <= media else "D_m,m"


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
    in_media = dose_factor(setting, run, points).on_grid(recomputed)
    least_gy = _COUNTED_FRAC * float(np.median(tg43_gy))
    judged = (recomputed.values_zyx >= least_gy) & (stated.volume.values_zyx > 0.0)
    if stated.full_scale_gy is not None:
        judged &= stated.volume.values_zyx < 0.99 * stated.full_scale_gy
    medians = [_median(stated.volume.values_zyx[judged], dose.values_zyx[judged]) for dose in (recomputed, in_media)]
    return MediaCheck(
        rows=tuple(rows),
        voxels=int(judged.sum()),
        from_tg43_frac=medians[0][0],
        from_media_frac=medians[1][0],
        spread_tg43_frac=medians[0][1],
        spread_media_frac=medians[1][1],
        histories=run.patient.histories * len(run.patient.sums),
        warnings=setting.media.cautions,
    )


def _median(tps: np.ndarray, ours: np.ndarray) -> tuple[float, float]:
    relative = tps.astype(np.float64) / ours - 1.0
    middle = float(np.median(relative))
    return middle, float(np.median(np.abs(relative - middle)))


def _metrics(curve: DVH) -> dict[str, float]:
    return {name: curve.dose_at_frac(frac) for name, frac in _METRICS.items()}
