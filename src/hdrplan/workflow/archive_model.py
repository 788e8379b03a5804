"""Dose in the patient's media of one treatment of an archive: D_m,m of each structure, beside the doses by TG-43."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np

from hdrplan.cautions import Caution
from hdrplan.dose import SamplePoints, dose_at_points
from hdrplan.errors import HdrPlanError, InputError
from hdrplan.io import StructureSet, Treatment, read_ct_slices
from hdrplan.metrics import dvh, organ_metrics, target_metrics
from hdrplan.plan import Plan
from hdrplan.transport import jackknife_error
from hdrplan.workflow.model_run import ModelOptions
from hdrplan.workflow.model_setting import scatter_in_ct

__all__ = ["MODEL_COLUMNS", "model_cells", "model_errors"]

Row: TypeAlias = dict[str, str | float | None]

# Columns beside those of each table: of a lesion and of an organ.
MODEL_COLUMNS = {
    "dose_metrics": ("d100_mm_gy", "d100_mm_error_gy", "d98_mm_gy", "d90_mm_gy"),
    "oar_metrics": ("d1cc_mm_gy", "d0_1cc_mm_gy", "mean_mm_gy"),
}
# Points with less of the lesions' lowest D100 do not count for the uncertainty.
_COUNTED_FRAC = 0.05


def model_cells(
    treatment: Treatment, drawn: StructureSet, plan: Plan, points: SamplePoints, options: ModelOptions
) -> tuple[dict[str, Row], tuple[Caution, ...]]:
    """Return structure -> its cells, and what was doubted of its media; runs in worker processes.

    Under "" stands the error of a plan whose media or dose could not be made: its other figures are kept.

    Parameters
    ----------
    treatment : Treatment
        With its CT.
    drawn : StructureSet
        All of its ROIs become media, whatever their role.
    plan : Plan
    points : SamplePoints
        At which the other doses are known.
    options : ModelOptions
    """
    try:
        return _cells(treatment, drawn, plan, points, options)
    except HdrPlanError as error:
        return {"": {"model_error": str(error)}}, ()


def model_errors(metrics: Iterable[Row]) -> list[Row]:
    """Return rows of errors for plans whose dose in media could not be made.

    Parameters
    ----------
    metrics : iterable of dict
        Rows of the tidy table, with ``model_error`` where there is one.
    """
    return [
        {"patient": row["patient"], "plan_id": row["plan_id"], "error": f"no model-based dose: {row['model_error']}"}
        for row in metrics
        if row.get("model_error")
    ]


def _cells(
    treatment: Treatment, drawn: StructureSet, plan: Plan, points: SamplePoints, options: ModelOptions
) -> tuple[dict[str, Row], tuple[Caution, ...]]:
    if not treatment.ct:
        raise InputError("a model-based dose needs the CT of the plan", got="none in the archive")
    ct = read_ct_slices(treatment.ct).volume
    labels = drawn.structures_that_read(ct.grid)[0]
    tg43_gy = dose_at_points(plan.dwells, plan.exposure_s, points.points_mm, plan.source, strength_u=plan.strength_u).gy
    ctvs = [name for name, role in zip(points.names, points.roles, strict=True) if role == "CTV"]
    least_gy = min((float(tg43_gy[points.rows(name)].min()) for name in ctvs), default=float(np.median(tg43_gy)))
    counted = tg43_gy >= _COUNTED_FRAC * least_gy
    setting, run = scatter_in_ct(plan, ct, labels, points, counted, options)
    cells: dict[str, Row] = {}
    for name, role in zip(points.names, points.roles, strict=True):
        rows = points.rows(name)
        factor, volume_cc = setting.correction(points.points_mm[rows], run), points.volume_cc[rows]
        curve = dvh(tg43_gy[rows] * factor.medium, volume_cc)
        if role != "CTV":
            organ = organ_metrics(curve)
            cells[name] = {f"{key}_mm_gy": organ[f"{key}_gy"] for key in ("d1cc", "d0_1cc", "mean")}
            continue
        target = target_metrics(curve, 1.0)
        errors = jackknife_error([float((tg43_gy[rows] * one).min()) for one in factor.medium_replicates])
        cells[name] = {
            **{f"{key}_mm_gy": target[f"{key}_gy"] for key in ("d100", "d98", "d90")},
            "d100_mm_error_gy": float(errors),
        }
    return cells, setting.media.cautions
