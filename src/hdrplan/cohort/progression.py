"""From diameters to local recurrence: which scans after treatment are clean, and which one shows growth.

References
----------
Eisenhauer EA et al., New response evaluation criteria in solid tumours: RECIST 1.1, Eur J Cancer 2009;45:228:
    progression is growth of at least 20 % over the smallest sum on study, and of at least 5 mm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hdrplan.cohort.model import Lesion, Measurement, Scan, iso
from hdrplan.cohort.rules import Rules

__all__ = ["Judged", "baseline_mm", "baseline_of", "judged_scans"]

# 1.2 * 25 mm must equal 30 mm: far below the 0.1 mm that a caliper shows.
_ROUNDING_MM = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One adequate scan after treatment.

    Parameters
    ----------
    scan : Scan
    size_mm : float
        Longest diameter, or the sum of several lesions.
    grown : bool
        Whether the lesion (or the sum) grew.
    reason : str
        Against what.
    """

    scan: Scan
    size_mm: float
    grown: bool
    reason: str


def baseline_of(lesion: Lesion, treated: int) -> Measurement | None:
    """Return the last evaluable measurement on or before the day of the lesion's first session."""
    before = [m for m in lesion.measurements if m.scan.day <= treated and m.scan.adequate and m.diameter_mm is not None]
    return before[-1] if before else None


def baseline_mm(lesion: Lesion, treated: int) -> float | None:
    """Return the last evaluable diameter on or before the day of the lesion's first session."""
    baseline = baseline_of(lesion, treated)
    return baseline.diameter_mm if baseline else None


def judged_scans(lesions: Sequence[Lesion], treated: Sequence[int], after: int, rules: Rules) -> tuple[Judged, ...]:
    """Return every adequate scan later than ``after`` on which all the lesions are evaluable, judged by the rules.

    Parameters
    ----------
    lesions : sequence of Lesion
        One lesion, or all targets of a cycle for the sum of diameters.
    treated : sequence of int
        Day of each lesion's first session.
    after : int
        Completion of the treatment.
    rules : Rules
        What counts as growth, and against which diameter.

    Returns
    -------
    tuple of Judged
    """
    sizes: dict[Scan, float] = {}
    for scan in sorted({m.scan for x in lesions for m in x.measurements}, key=lambda s: s.day):
        values = [_size(x, scan) for x in lesions]
        if scan.adequate and scan.day > min(treated) and all(v is not None for v in values):
            sizes[scan] = float(sum(v for v in values if v is not None))
    start = [baseline_mm(x, day) for x, day in zip(lesions, treated, strict=True)]
    known = [v for v in start if v is not None]
    reference: tuple[float, str] | None = (float(sum(known)), "baseline") if len(known) == len(lesions) else None
    name = lesions[0].lesion_id if len(lesions) == 1 else f"sum of {len(lesions)} lesions"
    judged = []
    for scan, size in sizes.items():
        if scan.day > after:
            grown, words = (
                (False, "first measurement, no baseline") if reference is None else _grown(size, reference, rules)
            )
            judged.append(Judged(scan=scan, size_mm=size, grown=grown, reason=f"{name}: {words}"))
        if reference is None or (rules.reference == "nadir" and size < reference[0]):
            reference = (size, f"nadir of {iso(scan.day)}" if reference else f"first scan {iso(scan.day)}")
    return tuple(judged)


def _size(lesion: Lesion, scan: Scan) -> float | None:
    return next((m.diameter_mm for m in lesion.measurements if m.scan == scan), None)


def _grown(size: float, reference: tuple[float, str], rules: Rules) -> tuple[bool, str]:
    ref, name = reference
    if ref == 0.0:
        return size > 0.0, f"{size:g} mm after complete response" if size else "complete response"
    growth = size - ref
    if rules.recurrence == "recist11":
        grown = growth >= 0.2 * ref - _ROUNDING_MM
        sign = ">="
    else:
        grown = growth > 0.2 * ref + _ROUNDING_MM
        sign = ">"
    grown = grown and growth >= rules.min_growth_mm - _ROUNDING_MM
    words = f"{size:g} mm against {ref:g} mm ({name})"
    if grown:
        floor = f" and >= {rules.min_growth_mm:g} mm" if rules.min_growth_mm else ""
        words += f", growth {sign} 20 %{floor}"
    return grown, words
