"""A case and its plan as one set of linked DICOM files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy.typing as npt

from hdrplan.geometry import Volume
from hdrplan.io.dicom.ct import CTSeries
from hdrplan.io.dicom.identity import identity_of_case, identity_of_ct
from hdrplan.io.dicom.write_ct import write_ct_series
from hdrplan.io.dicom.write_dose import write_dose_grid
from hdrplan.io.dicom.write_plan import write_brachy_plan
from hdrplan.io.dicom.write_structures import write_structure_set
from hdrplan.plan import Case, Plan, brachy_of_plan

__all__ = ["DicomSet", "write_dicom_set"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class DicomSet:
    """What one set of DICOM files holds.

    Parameters
    ----------
    case : Case
    plan : Plan
    dose : Volume, optional
        Gy.
    dvh : mapping, optional
        Structure -> (dose_gy, volume_cc), written with the dose.
    ct_series : CTSeries, optional
        The DICOM CT of the case, for the objects to link to; without it the case's CT is written.
    prescription_gy : float
        NaN where there is none.
    """

    case: Case
    plan: Plan
    dose: Volume | None = None
    dvh: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]] = field(default_factory=dict)
    ct_series: CTSeries | None = None
    prescription_gy: float = math.nan


def write_dicom_set(
    folder: Path,
    contents: DicomSet,
    *,
    bits: int = 32,
    identify: bool = False,
    treated: datetime | None = None,
    now: datetime | None = None,
) -> list[str]:
    """Write RS.dcm, RP.dcm, RD.dcm (and CT slices where the CT did not come as DICOM) into an existing folder.

    Parameters
    ----------
    folder : Path
    contents : DicomSet
    bits : {16, 32}
        Of the dose grid.
    identify : bool
        Patient data of the linked CT pass through.
    treated : datetime, optional
        When the source has the plan's strength, where the plan does not say; None takes ``now``.
    now : datetime, optional
        Stamped on the objects.

    Returns
    -------
    list of str
        File names.
    """
    now = now or datetime.now()
    case, series = contents.case, contents.ct_series
    if series is not None:
        identity = identity_of_ct(series, name=case.name, identify=identify, written=now)
    else:
        identity = identity_of_case(case.name, written=now)
        if case.ct is not None:
            identity = write_ct_series(folder, case.ct, identity)
    grid = case.ct.grid if case.ct is not None else None
    structures_uid = write_structure_set(
        folder / "RS.dcm", case.structures, case.catheters, identity, ct=grid, label=case.name
    )
    brachy = brachy_of_plan(
        contents.plan,
        case.catheters,
        label=case.name,
        prescription_gy=contents.prescription_gy,
        first_roi=len(case.structures) + 1,
        treated=treated or now,
    )
    plan_uid = write_brachy_plan(folder / "RP.dcm", brachy, identity, structures_uid=structures_uid)
    if contents.dose is not None:
        numbers = {s.name: k + 1 for k, s in enumerate(case.structures)}
        write_dose_grid(
            folder / "RD.dcm",
            contents.dose,
            identity,
            plan_uid=plan_uid,
            structures_uid=structures_uid,
            dvh=[(numbers[name], *curve) for name, curve in contents.dvh.items() if name in numbers],
            bits=bits,
        )
    return sorted(path.name for path in folder.iterdir())
