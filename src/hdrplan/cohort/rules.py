"""Every choice that an endpoint depends on, by name, printed with each result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args, get_type_hints

from hdrplan.errors import InputError

__all__ = ["RULE_SETS", "Rules", "rules_from"]


_EXCLUSIONS = ("no_8_week_scan", "combined_treatment")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How scans become events.

    The defaults are hdrplan's recommendation; ``RULE_SETS["paper"]`` holds what Xu 2021 prints, and where the paper is
    silent the same default with the reason in docs/reference/outcomes.md.

    Parameters
    ----------
    recurrence : {"recist11", "seed_literal"}
        Growth of 20 % or more (RECIST 1.1), or of more than 20 % (the paper's words).
    min_growth_mm : float
        Absolute growth that is needed as well: 5 mm in RECIST 1.1, 0 in the paper's words.
    reference : {"nadir", "baseline"}
        What growth is measured against: the smallest earlier diameter (baseline included), or the last diameter before
        the lesion's first session.
    unit : {"lesion", "sum"}
        Patients and cycles progress locally when one lesion grows, or when the sum of their target lesions does.
    death_in_local_distant : {"censor", "event"}
        Whether death ends PFS_local and PFS_distant as censoring or as an event.
    after_first_progression : {"continue", "stop"}
        Whether local and distant follow-up continue after another kind of progression.
    censor_date : {"last_adequate_scan", "last_contact"}
        End of event-free follow-up for progression (survival always ends at the last contact).
    target_treatment : {"censor", "ignore"}
        Whether another loco-regional treatment of a target lesion censors its follow-up.
    progression_before_completion : {"exclude", "ignore"}
        What happens when a progression (a new finding, a new lesion outside the treatment, growth of a treated lesion)
        is seen between the first and the last session of a treatment: the treatment is left out of the progression
        endpoints and a grown lesion out of local recurrence (all listed in the exclusions), or only later findings
        count.
    growth_elsewhere : {"count", "ignore"}
        Whether growth of a known lesion that is no target of the treatment (never treated, or of an earlier treatment)
        is an intrahepatic progression in PFS and TTP. It is none of their local and distant forms.
    visit_gap : {"keep", "censor"}
        Whether a progression (or, in PFS, a death) after more than ``visit_gap_days`` without an adequate scan counts
        on its day, or follow-up ends at the scan before, as the FDA's guidance asks after two missed visits.
    visit_gap_days : int
        Two visits of three months.
    cycle_min_days : int
        A later session starts a new cycle if it takes place at least this long after the first one and treats a lesion
        that was first seen after the first one.
    gap_min_days, gap_max_days, max_sessions : int
        Sequential sessions outside these limits are flagged.
    retreatment_after_days : int
        A lesion of the cycle that is treated again later than this after the first session (three gaps of six weeks)
        counts as retreated and not as a sequential session. So does one treated again after its recurrence was seen,
        or, later than ``gap_max_days`` after its last session, after ``retreatment_scans``.
    retreatment_scans : int
        Adequate scans of a lesion between two of its sessions that make the second one a retreatment: its follow-up
        had begun.
    baseline_days : int
        A baseline scan takes place at most this long before the first session.
    week8_from_days, week8_to_days, month3_from_days, month3_to_days : int
        Windows of the visits after completion of the treatment.
    combined_days : int
        A loco-regional treatment of a target at most this long before or after a session counts as "combined".
    completion_d100_gy : float
        Treatment is "completed" in the paper's literal words if D100 of every target is at least this (shown, but not
        used).
    days_per_month : float
        Days per month: 365.25 / 12.
    exclude : tuple of {"no_8_week_scan", "combined_treatment"}
        Exclusions of the paper. The first one makes the first 8 weeks immortal time; the second may depend on the
        future.

    References
    ----------
    Eisenhauer EA et al., New response evaluation criteria in solid tumours: RECIST 1.1, Eur J Cancer 2009;45:228.
    FDA, Clinical trial endpoints for the approval of cancer drugs and biologics: guidance for industry, 2007, App. 3.
    Xu et al., Ther Adv Med Oncol 2021;13, DOI 10.1177/17588359211042304.
    """

    recurrence: Literal["recist11", "seed_literal"] = "recist11"
    min_growth_mm: float = 5.0
    reference: Literal["nadir", "baseline"] = "nadir"
    unit: Literal["lesion", "sum"] = "lesion"
    death_in_local_distant: Literal["censor", "event"] = "censor"
    after_first_progression: Literal["continue", "stop"] = "continue"
    censor_date: Literal["last_adequate_scan", "last_contact"] = "last_adequate_scan"
    target_treatment: Literal["censor", "ignore"] = "censor"
    progression_before_completion: Literal["exclude", "ignore"] = "exclude"
    growth_elsewhere: Literal["count", "ignore"] = "count"
    visit_gap: Literal["keep", "censor"] = "keep"
    visit_gap_days: int = 183
    cycle_min_days: int = 56
    gap_min_days: int = 28
    gap_max_days: int = 42
    max_sessions: int = 4
    retreatment_after_days: int = 126
    retreatment_scans: int = 2
    baseline_days: int = 30
    week8_from_days: int = 35
    week8_to_days: int = 77
    month3_from_days: int = 78
    month3_to_days: int = 120
    combined_days: int = 60
    completion_d100_gy: float = 20.0
    days_per_month: float = 30.4375
    exclude: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for key, hint in get_type_hints(Rules).items():
            value = getattr(self, key)
            if key == "exclude":
                if wrong := [w for w in value if w not in _EXCLUSIONS]:
                    raise InputError(f"exclude takes {' + '.join(_EXCLUSIONS)} or none", got=wrong[0])
            elif hint in (int, float):
                if not value >= 0:
                    raise InputError(f"{key} must not be negative", got=value)
            elif value not in get_args(hint):
                raise InputError(f"{key} takes {', '.join(get_args(hint))}", got=value)

    def table(self) -> dict[str, object]:
        """Return names and values, for printing and files."""
        return asdict(self)


RULE_SETS: dict[str, Rules] = {
    "recommended": Rules(),
    "paper": Rules(recurrence="seed_literal", min_growth_mm=0.0, exclude=("no_8_week_scan", "combined_treatment")),
}


def rules_from(name: str, changes: Mapping[str, str]) -> Rules:
    """Return a rule set with some parameters changed, both given as text.

    Raises
    ------
    InputError
        Unknown rule set, parameter or value.
    """
    if name not in RULE_SETS:
        raise InputError("expected a rule set", got=name, remedy=f"There are: {', '.join(RULE_SETS)}.")
    values: dict[str, Any] = RULE_SETS[name].table()
    hints = get_type_hints(Rules)
    for key, text in changes.items():
        if key not in values:
            raise InputError(
                "expected a rule", got=key, remedy=f"There are: {', '.join(f.name for f in fields(Rules))}."
            )
        values[key] = _value(key, text, hints[key])
    return Rules(**values)


def _value(key: str, text: str, hint: Any) -> Any:
    if key == "exclude":
        return tuple(w for w in text.split("+") if w and w != "none")
    if hint in (int, float):
        try:
            return hint(text)
        except ValueError:
            raise InputError(f"{key} must be a number", got=text) from None
    return text
