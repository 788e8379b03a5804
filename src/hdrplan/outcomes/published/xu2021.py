"""Xu et al. 2021, checked: where its printed numbers cannot be true together.

L. Xu et al., Ther Adv Med Oncol 2021;13:1-14, DOI 10.1177/17588359211042304: 114 patients with hepatocellular carcinoma
(HCC) and 50 with colorectal liver metastases (CRLM) after CT-guided HDR brachytherapy. What it prints stands in
``xu2021.toml`` as facts with their place; what follows from it is computed when the check runs.
"""

from __future__ import annotations

from dataclasses import dataclass

from hdrplan.outcomes.published.printed_numbers import Finding
from hdrplan.outcomes.published.ratios import check_ratio
from hdrplan.outcomes.published.xu2021_checks import CHECKS
from hdrplan.outcomes.published.xu2021_paper import Claim, paper

__all__ = ["XU2021_DOI", "Inconsistency", "hazard_ratio_findings", "inconsistencies"]

XU2021_DOI = "10.1177/17588359211042304"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inconsistency:
    """One inconsistency of the paper.

    Parameters
    ----------
    number : int
        Running number.
    title : str
        What it is about.
    printed : str
        What the paper prints.
    computed : str
        What follows from its other numbers; for matters of text, why it cannot stand.
    confirmed : bool or None
        Whether the computation finds the contradiction; None where arithmetic does not decide: matters of text, and
        numbers that are unlikely but can be true.
    instead : str
        What hdrplan does instead.
    """

    number: int
    title: str
    printed: str
    computed: str
    confirmed: bool | None
    instead: str


def hazard_ratio_findings() -> tuple[Finding, ...]:
    """Return every finding of the reusable checker on all hazard ratios of Table 4."""
    findings: list[Finding] = []
    for model, rows in (("U", paper().univariate), ("M", paper().multivariate)):
        for covariate, endpoints in rows.items():
            for endpoint, numbers in endpoints.items():
                findings += check_ratio(f"Table 4, {model} {covariate}, {endpoint}", *numbers)
    return tuple(findings)


def inconsistencies() -> tuple[Inconsistency, ...]:
    """Return the inconsistencies, computed now from the printed numbers."""
    return tuple(_checked(number, claim) for number, claim in enumerate(paper().claims, start=1))


def _checked(number: int, claim: Claim) -> Inconsistency:
    verdict = CHECKS[claim.check]() if claim.check else None
    shown = claim.printed if verdict is None or verdict.printed is None else verdict.printed
    computed = claim.computed if verdict is None else verdict.computed
    assert shown is not None
    assert computed is not None
    return Inconsistency(
        number=number,
        title=claim.title,
        printed=shown,
        computed=computed,
        # What arithmetic does not decide is not called a contradiction, but its figures must still be as claimed.
        confirmed=None if verdict is None or (verdict.confirmed and not claim.decided) else verdict.confirmed,
        instead=claim.instead,
    )
