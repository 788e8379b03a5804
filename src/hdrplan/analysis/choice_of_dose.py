"""D100 by TG-43 or in the patient's media: either is analysed, and the same lesions show what the choice changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from hdrplan.analysis.effects import D100, REFERENCE_GY, Effect, adjusted_cox, effects
from hdrplan.analysis.lesions import LesionTable
from hdrplan.cohort import Cohort
from hdrplan.errors import HdrPlanError, InputError

__all__ = ["DoseChoice", "DoseModel", "dose_choice", "has_doses_in_media", "with_d100_of"]

DoseModel = Literal["tg43", "mc"]
_IN_MEDIA = "d100_mm_gy"


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseChoice:
    """The same lesions with both doses.

    Parameters
    ----------
    n : int
        Lesions with both.
    mean_change_frac, lowest_change_frac, highest_change_frac : float
        D100 in media over that by TG-43, less 1.
    threshold_gy : float
    reached_tg43, reached_media : int
        Lesions that reach the threshold by either dose.
    crossed : int
        Lesions that reach it by one dose only.
    tg43, media : Effect or None
        Adjusted hazard ratio per Gy; None where it could not be fitted.
    """

    n: int
    mean_change_frac: float
    lowest_change_frac: float
    highest_change_frac: float
    threshold_gy: float
    reached_tg43: int
    reached_media: int
    crossed: int
    tg43: Effect | None
    media: Effect | None


def has_doses_in_media(cohort: Cohort) -> bool:
    """Whether any lesion has a D100 in the patient's media."""
    return any(_IN_MEDIA in dose.metrics for dose in cohort.doses)


def with_d100_of(cohort: Cohort, model: DoseModel, *, both: bool = False) -> Cohort:
    """Return the cohort with the D100 of a dose model.

    Parameters
    ----------
    cohort : Cohort
    model : {"tg43", "mc"}
        "mc" takes ``d100_mm_gy`` of the dose metrics; other metrics stay those by TG-43.
    both : bool
        Leave out doses that are not known by both models: for a comparison of the same lesions.

    Raises
    ------
    InputError
        No dose in media at all.
    """
    if model == "tg43" and not both:
        return cohort
    if not has_doses_in_media(cohort):
        raise InputError(
            "the dose metrics have no D100 in the patient's media",
            got=f"no column {_IN_MEDIA}, or an empty one",
            remedy="Make the tables with a model-based dose (`model=mc`).",
        )
    kept = [dose for dose in cohort.doses if _IN_MEDIA in dose.metrics]
    if model == "mc":
        kept = [replace(dose, metrics={**dose.metrics, "d100_gy": dose.metrics[_IN_MEDIA]}) for dose in kept]
    return replace(cohort, doses=tuple(kept))


def dose_choice(table_of: Callable[[Cohort], LesionTable], cohort: Cohort, *, threshold_gy: float) -> DoseChoice:
    """Return what the choice of the dose changes, of lesions with both.

    Parameters
    ----------
    table_of : callable
        Makes the table of analysed lesions of a cohort.
    cohort : Cohort
    threshold_gy : float

    Raises
    ------
    InputError
        No lesion with both.
    """
    tg43, media = (table_of(with_d100_of(cohort, model, both=True)) for model in ("tg43", "mc"))
    change = media.d100_gy / tg43.d100_gy - 1.0
    return DoseChoice(
        n=tg43.n,
        mean_change_frac=float(change.mean()),
        lowest_change_frac=float(change.min()),
        highest_change_frac=float(change.max()),
        threshold_gy=threshold_gy,
        reached_tg43=int(np.count_nonzero(tg43.d100_gy >= threshold_gy)),
        reached_media=int(np.count_nonzero(media.d100_gy >= threshold_gy)),
        crossed=int(np.count_nonzero((tg43.d100_gy >= threshold_gy) != (media.d100_gy >= threshold_gy))),
        tg43=_effect("D100 by TG-43", tg43),
        media=_effect("D100 in the patient's media", media),
    )


def _effect(name: str, table: LesionTable) -> Effect | None:
    try:
        fit = adjusted_cox(table, {D100: table.d100_gy - REFERENCE_GY})
    except HdrPlanError:
        return None
    return effects(name, fit, table.follow_up, (D100,))[0]
