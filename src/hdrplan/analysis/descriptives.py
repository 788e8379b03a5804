"""The paper's four tables for any cohort: baseline, response at visits, medians, Cox models of the patient endpoints.

Percentages are computed, never typed; every denominator, reference level and number at risk stands beside its number.
"""

from __future__ import annotations

import numpy as np

from hdrplan.analysis.baseline import baseline_table
from hdrplan.analysis.medians import median_table
from hdrplan.analysis.patient_models import cox_table
from hdrplan.analysis.response import response_table
from hdrplan.analysis.text_table import TextTable
from hdrplan.cohort import Cohort, Derived

__all__ = ["describe"]


def describe(cohort: Cohort, derived: Derived, *, seed: int = 1, n_bootstrap: int = 200) -> tuple[TextTable, ...]:
    """Return Tables 1 to 4 of the analysed patients, by tumour type.

    Parameters
    ----------
    cohort : Cohort
    derived : Derived
        Its endpoints.
    seed : int
        Of the bootstrap behind selection frequencies.
    n_bootstrap : int
        Samples of patients; 0 leaves the frequencies out.

    Returns
    -------
    tuple of TextTable
    """
    rng = np.random.default_rng(seed)
    return (
        baseline_table(cohort, derived),
        response_table(cohort, derived),
        median_table(cohort, derived),
        cox_table(cohort, derived, rng, n_bootstrap),
    )
