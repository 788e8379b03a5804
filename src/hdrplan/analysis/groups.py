"""The analysed patients by tumour type, and their endpoints as follow-up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray, freeze
from hdrplan.cohort import Cohort, Derived, Patient
from hdrplan.outcomes import FollowUp, follow_up

__all__ = ["TUMOUR_TYPES", "EndpointRows", "endpoint_rows", "patient_groups", "share_text"]

# In the order of every table; the first that occurs is the reference level.
TUMOUR_TYPES = ("HCC", "CRLM", "other")


def patient_groups(cohort: Cohort, derived: Derived) -> dict[str, list[Patient]]:
    """Return the analysed patients by tumour type, and all of them where there are several types."""
    analysed = [p for p in cohort.patients if p.patient_id in derived.analysed]
    kinds = [t for t in TUMOUR_TYPES if any(p.tumour_type == t for p in analysed)]
    groups = {t: [p for p in analysed if p.tumour_type == t] for t in kinds}
    return groups | ({"all": analysed} if len(kinds) > 1 else {})


def share_text(n: int, of: int) -> str:
    """Return n of a total as text, with its percentage."""
    return f"{n}/{of} ({100 * n / of:.1f} %)" if of else "0/0"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class EndpointRows:
    """One endpoint of the patients or of their treatment cycles.

    Parameters
    ----------
    months, event : (n,) arrays
        Time, and 1 where the event was seen.
    tumour_type, patient_id : tuples of str
    """

    months: FloatArray
    event: FloatArray
    tumour_type: tuple[str, ...]
    patient_id: tuple[str, ...]

    def __post_init__(self) -> None:
        freeze(self, "months", (len(self.patient_id),))
        freeze(self, "event", (len(self.patient_id),))

    def follow_up(self) -> FollowUp:
        """Return the follow-up of all rows; clusters are patients."""
        return follow_up(self.months, self.event, cluster=self.patient_id)

    def by_type(self) -> dict[str, FollowUp]:
        """Return the follow-up of each tumour type that occurs."""
        kinds = np.array(self.tumour_type)
        present = [t for t in TUMOUR_TYPES if t in self.tumour_type]
        return {t: self.follow_up().chosen(kinds == t) for t in present}


def endpoint_rows(cohort: Cohort, derived: Derived, unit: str, name: str) -> EndpointRows:
    """Return the rows of one endpoint.

    Parameters
    ----------
    cohort : Cohort
    derived : Derived
        Its endpoints.
    unit : {"patient", "cycle"}
    name : str
        Endpoint.

    Returns
    -------
    EndpointRows
    """
    kind = {p.patient_id: p.tumour_type for p in cohort.patients}
    rows = [e for e in derived.endpoints if (e.unit, e.endpoint) == (unit, name)]
    return EndpointRows(
        months=np.array([e.days / derived.rules.days_per_month for e in rows]),
        event=np.array([float(e.event) for e in rows]),
        tumour_type=tuple(kind[e.id] for e in rows),
        patient_id=tuple(e.id for e in rows),
    )
