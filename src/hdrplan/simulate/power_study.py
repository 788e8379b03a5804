"""Power and type-I error of a planned study: the whole chain, many times.

Patients are simulated, their scans become endpoints by the rules of the outcome analysis, and D100 is tested as
`hdrplan correlate` tests it: cause-specific Cox for local recurrence of each lesion, adjusted for diameter, tumour type
and age, errors by patient. Beside it stand the two tests that mislead: D100 alone with naive errors, and the best
cut-off without correction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.cohort import RULE_SETS, Cohort, derive
from hdrplan.errors import HdrPlanError, InputError
from hdrplan.outcomes import best_cutoff, cox, cutoff_problem, follow_up
from hdrplan.simulate.entities import MEAN_DIAMETER_MM, DoseModel
from hdrplan.simulate.followup import simulate_cohort
from hdrplan.simulate.patients import TrueLesion

__all__ = ["TESTS", "PowerPoint", "power"]

TESTS = {
    "adjusted": "D100 adjusted for diameter, type, age; errors by patient",
    "alone": "D100 alone, naive errors",
    "cut_off": "best cut-off of D100, uncorrected",
    "cut_off_corrected": "best cut-off of D100, Lausen-Schumacher",
}
ALPHA = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerPoint:
    """Rejections at one cohort size and one effect.

    Parameters
    ----------
    n_hcc, n_crlm : int
    hazard_ratio_per_gy : float
        1 is the null hypothesis: rejections are then errors of the first kind.
    replicates : int
        Cohorts in which every test could be made.
    lesions, events : float
        Mean numbers.
    rejected_frac : mapping
        Test -> fraction rejected at 5 %.
    """

    n_hcc: int
    n_crlm: int
    hazard_ratio_per_gy: float
    replicates: int
    lesions: float
    events: float
    rejected_frac: Mapping[str, float]

    def standard_error(self, test: str) -> float:
        """Monte Carlo standard error of a fraction."""
        p = self.rejected_frac[test]
        return float(np.sqrt(p * (1 - p) / max(self.replicates, 1)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _LesionRows:
    """One value a treated lesion; ``recurred`` and not dead or censored, covariates by name."""

    days: FloatArray
    recurred: BoolArray
    covariates: Mapping[str, FloatArray]
    patients: npt.NDArray[np.str_]


def power(
    sizes: Sequence[tuple[int, int]],
    hazard_ratios: Sequence[float],
    *,
    replicates: int = 200,
    seed: int = 1,
    dose: DoseModel | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[PowerPoint, ...]:
    """Simulate a study at every size and effect.

    Parameters
    ----------
    sizes : sequence of (n_hcc, n_crlm)
    hazard_ratios : sequence of float
        Of local recurrence per Gy of D100.
    replicates : int
        Cohorts a point; 200 give a standard error of 3.5 % at a power of one half.
    seed : int
        The same patients, scans and doses at every effect (common random numbers).
    dose : DoseModel, optional
        Distribution of D100.
    on_progress : callable, optional

    Raises
    ------
    InputError
        No replicates, hazard ratios that are not positive.
    """
    if replicates < 1:
        raise InputError("at least one replicate is needed", got=replicates)
    if not all(0.1 <= h <= 10.0 for h in hazard_ratios):
        raise InputError("hazard ratios per Gy must lie between 0.1 and 10", got=list(hazard_ratios))
    points: list[PowerPoint] = []
    total = len(sizes) * len(hazard_ratios) * replicates

    def progress(replicate: int) -> None:
        if on_progress is not None:
            on_progress(len(points) * replicates + replicate + 1, total)

    for size in sizes:
        for ratio in hazard_ratios:
            model = replace(dose or DoseModel(), hazard_ratio_per_gy=ratio)
            points.append(_point(size, model, replicates, seed, progress))
    return tuple(points)


def _point(
    size: tuple[int, int], model: DoseModel, replicates: int, seed: int, progress: Callable[[int], None]
) -> PowerPoint:
    """Simulate one size and effect."""
    n_hcc, n_crlm = size
    rejections: list[dict[str, bool]] = []
    lesions, events = [], []
    for replicate in range(replicates):
        cohort, truth = simulate_cohort(n_hcc, n_crlm, seed=seed * 1_000_003 + replicate, dose=model)
        rows = _lesion_rows(cohort, truth)
        lesions.append(len(rows.days))
        events.append(int(rows.recurred.sum()))
        # A cohort too small for the model (a type without events) says so: it is left out of the count.
        with suppress(HdrPlanError):
            rejections.append(_rejected(rows))
        progress(replicate)
    return PowerPoint(
        n_hcc=n_hcc,
        n_crlm=n_crlm,
        hazard_ratio_per_gy=model.hazard_ratio_per_gy,
        replicates=len(rejections),
        lesions=float(np.mean(lesions)),
        events=float(np.mean(events)),
        rejected_frac={
            test: float(np.mean([r[test] for r in rejections])) if rejections else float("nan") for test in TESTS
        },
    )


def _lesion_rows(cohort: Cohort, truth: Sequence[TrueLesion]) -> _LesionRows:
    derived = derive(cohort, RULE_SETS["recommended"])
    true = {lesion.lesion_id: lesion for lesion in truth}
    patients = {p.patient_id: p for p in cohort.patients}
    records = [r for r in derived.lesions if r.days > 0]
    return _LesionRows(
        days=np.array([r.days for r in records], dtype=np.float64),
        recurred=np.array([r.status for r in records]) == 1,
        covariates={
            "d100_gy": np.array([true[r.lesion_id].d100_gy for r in records]),
            "diameter_mm": np.array([true[r.lesion_id].diameter_mm for r in records]) - MEAN_DIAMETER_MM,
            "crlm": np.array([float(patients[r.patient_id].tumour_type == "CRLM") for r in records]),
            "age_years": np.array([patients[r.patient_id].age_years for r in records]),
        },
        patients=np.array([r.patient_id for r in records]),
    )


def _rejected(rows: _LesionRows) -> dict[str, bool]:
    """Whether each test rejects at 5 %."""
    d100_gy = rows.covariates["d100_gy"]
    varying = {name: values for name, values in rows.covariates.items() if np.ptp(values) > 0}
    lesions = follow_up(rows.days, rows.recurred, cluster=rows.patients)
    adjusted = cox(lesions, varying)
    alone = cox(lesions.independent, {"d100_gy": d100_gy})
    # The p of Lausen and Schumacher needs no resampling; the smallest number keeps the rest of the answer cheap.
    cut = best_cutoff(cutoff_problem(lesions.independent, d100_gy), rng=np.random.default_rng(0), n_resamples=19)
    return {
        "adjusted": bool(adjusted.p[0] < ALPHA),
        "alone": bool(alone.p[0] < ALPHA),
        "cut_off": bool(cut.p.naive < ALPHA),
        "cut_off_corrected": bool((cut.p.lausen92 or 1.0) < ALPHA),
    }
