"""A case and its plan as one set of linked DICOM files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import numpy.typing as npt

from hdrplan.geometry import Volume
from hdrplan.io.dicom.ct import CTSeries
from hdrplan.io.dicom.identity import identity_of_case, identity_of_ct
from hdrplan.io.dicom.write_ct import write_ct_series
from hdrplan.io.dicom.write_dose import write_dose_grid
from hdrplan.io.dicom.write_plan import brachy_of_plan, write_brachy_plan
from hdrplan.io.dicom.write_structures import write_structure_set
from hdrplan.plan import Case, Plan

__all__ = ["write_dicom_set"]


def write_dicom_set(
    folder: Path,
    case: Case,
    plan: Plan,
    *,
    dose: Volume | None = None,
    dvh: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]] | None = None,
    ct_series: CTSeries | None = None,
    prescription_gy: float = math.nan,
    half_life_days: float = 73.83,
    active_length_mm: float | None = None,
    bits: int = 32,
    identify: bool = False,
    now: datetime | None = None,
) -> list[str]:
    """Write RS.dcm, RP.dcm, RD.dcm (and CT slices where the CT did not come as DICOM) into an existing folder.

    Parameters
    ----------
    dvh : mapping, optional
        Structure -> (dose_gy, volume_cc) for the DVH module.
    ct_series : CTSeries, optional
        The DICOM CT of the case: objects link to it, and with ``identify`` take over its patient data.
    bits : {16, 32}
        Of the dose grid.
    identify : bool
        Pass patient data through.

    Returns
    -------
    list of str
        File names.
    """
    now = now or datetime.now()
    if ct_series is None:
        who = identity_of_case(case.name)
        if case.ct is not None:
            who = write_ct_series(folder, case.ct, who, now=now)
    else:
        who = identity_of_ct(
            ct_series.header,
            ct_series.frame_uid,
            ct_series.series_uid,
            ct_series.instance_uids,
            name=case.name,
            identify=identify,
        )
    grid = case.ct.grid if case.ct is not None else None
    structures_uid = write_structure_set(
        folder / "RS.dcm", case.structures, case.catheters, who, ct=grid, label=case.name, now=now
    )
    brachy = brachy_of_plan(
        plan,
        case.catheters,
        label=case.name,
        prescription_gy=prescription_gy,
        half_life_days=half_life_days,
        active_length_mm=active_length_mm,
        first_roi=len(case.structures) + 1,
        treated=now,
    )
    plan_uid = write_brachy_plan(folder / "RP.dcm", brachy, who, structures_uid=structures_uid, now=now)
    if dose is not None:
        numbers = {s.name: k + 1 for k, s in enumerate(case.structures)}
        rows = [(numbers[name], *curve) for name, curve in (dvh or {}).items() if name in numbers]
        write_dose_grid(
            folder / "RD.dcm", dose, who, plan_uid=plan_uid, structures_uid=structures_uid, dvh=rows, bits=bits, now=now
        )
    return sorted(path.name for path in folder.iterdir())
