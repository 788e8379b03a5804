"""The analysed lesions as rows of a table, for programs that compute the analysis again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from hdrplan.analysis.lesions import LesionTable

__all__ = ["LesionRow", "adjuster_columns", "lesion_rows", "safe_name"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionRow:
    """One analysed lesion: a row of lesions.csv.

    Parameters
    ----------
    lesion_id, patient_id, tumour_type, sex : str
    age_years, diameter_mm : float
        At and before treatment.
    n_sessions, n_lesions, treatment_year : int
        Sessions of the lesion; lesions treated in its cycle; year of its first session.
    months : float
        To local recurrence, or to the last scan or death without one.
    status : int
        0 censored, 1 local recurrence, 2 death first.
    recurrence : int
        1 where the status is 1.
    interval_left_months, interval_right_months : float
        Last scan without and first scan with recurrence; infinite without recurrence.
    d100_gy, d98_gy, d95_gy, d90_gy, d50_gy, d2_gy, v100_pct, v150_pct, v200_pct, ctv_cm3 : float
        NaN where unknown; of several sessions the single-session dose of the lower bound.
    d100_eqd2_low_gy, d100_eqd2_high_gy : float
        Bounds of D100 in EQD2 over the sessions.
    """

    lesion_id: str
    patient_id: str
    tumour_type: str
    sex: str
    age_years: float
    diameter_mm: float
    n_sessions: int
    n_lesions: int
    treatment_year: int
    months: float
    status: int
    recurrence: int
    interval_left_months: float
    interval_right_months: float
    d100_gy: float
    d98_gy: float
    d95_gy: float
    d90_gy: float
    d50_gy: float
    d2_gy: float
    v100_pct: float
    v150_pct: float
    v200_pct: float
    ctv_cm3: float
    d100_eqd2_low_gy: float
    d100_eqd2_high_gy: float


def lesion_rows(table: LesionTable) -> tuple[LesionRow, ...]:
    """Return the analysed lesions in the order of the table."""
    metrics = {name: column for name, column in table.metrics.items() if name != "d100_gy"}
    return tuple(
        LesionRow(
            lesion_id=table.lesion_id[k],
            patient_id=table.patient_id[k],
            tumour_type=table.tumour_type[k],
            sex=table.sex[k],
            age_years=float(table.age_years[k]),
            diameter_mm=float(table.diameter_mm[k]),
            n_sessions=int(table.n_sessions[k]),
            n_lesions=int(table.n_lesions[k]),
            treatment_year=int(table.treatment_year[k]),
            months=float(table.follow_up.time[k]),
            status=int(table.status[k]),
            recurrence=int(table.status[k] == 1),
            interval_left_months=float(table.intervals.left[k]),
            interval_right_months=float(table.intervals.right[k]),
            d100_gy=float(table.d100_gy[k]),
            d100_eqd2_low_gy=float(table.d100_eqd2_bounds_gy[k, 0]),
            d100_eqd2_high_gy=float(table.d100_eqd2_bounds_gy[k, 1]),
            **{name: float(column[k]) for name, column in metrics.items()},
        )
        for k in range(table.n)
    )


def adjuster_columns(table: LesionTable) -> dict[str, Sequence[object]]:
    """Return the columns of adjusters that no row of :func:`lesion_rows` holds, and the stratum of each lesion."""
    known = {field.name for field in fields(LesionRow)}
    own: dict[str, Sequence[object]] = {
        safe_name(name): list(column) for name, column in table.columns.items() if name not in known
    }
    return own if table.strata is None else {**own, "stratum": table.strata}


def safe_name(column: str) -> str:
    """Return the name of a column without blanks, as it stands in lesions.csv."""
    return column.replace(" ", "_")
