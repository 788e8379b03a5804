"""What can be wrong with a cohort: every rule by name, how heavy it weighs, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hdrplan.errors import InputError

__all__ = ["RULES", "Problem", "problem", "raise_errors"]

# rule -> (is it an error, remedy)
RULES: dict[str, tuple[bool, str]] = {
    # the form of a table
    "missing_table": (True, "Add the table; `hdrplan cohort template` writes empty ones."),
    "unknown_table": (False, "The table is not read; check its name."),
    "missing_column": (True, "Add the column; `hdrplan cohort template` shows the names."),
    "unknown_column": (False, "The column is not read, unless an analysis adjusts for it by name; check the spelling."),
    "duplicate_column": (True, "Keep one of the two columns."),
    "ragged_row": (True, "Give every row as many cells as the header; put text with commas in quotes."),
    "missing_value": (True, "Fill in the cell."),
    "stray_space": (True, "Remove the spaces around the id: ' P1' and 'P1' are two ids."),
    "not_a_number": (True, 'Write a number with a decimal point and no unit; for decimal commas say `decimal=","`.'),
    "out_of_range": (True, "Check the value and its unit."),
    "not_in_vocabulary": (True, "Use one of the words that the column allows."),
    "not_a_flag": (True, "Write 0 or 1."),
    "date_not_iso": (True, "Write dates as YYYY-MM-DD."),
    "future_date": (True, "Correct the date: it lies after today."),
    "date_too_old": (True, "Correct the year."),
    "after_data_lock": (True, "Correct the date or the data_lock_date in study."),
    "known_after_data_lock": (False, "Nobody can know it on the day of the lock: correct one of the dates."),
    "patients_alike": (False, "One patient under two ids counts twice: remove one."),
    "sheet_range": (False, "Every cell that is there was read; save the workbook anew to make it agree with itself."),
    "hidden_rows": (False, "They were read: delete rows that shall not count, or show all rows and save the workbook."),
    "percent_cells": (True, "Format the column as numbers and write 33 for 33 %."),
    "empty_table": (True, "Add rows, or remove the file if the table is optional."),
    # ids
    "duplicate_key": (True, "Keep one of the rows; they have the same key."),
    "foreign_id": (True, "Correct the id or add the row it names."),
    "other_patients_lesion": (True, "The lesion belongs to another patient: correct one of the ids."),
    "session_twice": (True, "A session_id belongs to one patient and one day: give the second session its own id."),
    "patient_without_session": (False, "The patient is counted as identified and excluded as not treated."),
    "target_never_treated": (
        False,
        "Treatment counts as completed without this lesion; check is_target and the sessions.",
    ),
    # the order of events
    "no_age": (True, "Give age_years or birth_year."),
    "age_of_a_child": (False, "Correct age_years if it is a slip, such as 6.6 for 66."),
    "death_before_imaging": (True, "Nobody is scanned after death: correct one of the dates."),
    "death_before_treatment": (True, "Nobody is treated after death: correct one of the dates."),
    "contact_before_imaging": (True, "A scan is a contact: set last_contact_date to the last scan or later."),
    "contact_before_treatment": (True, "A treatment is a contact: set last_contact_date to it or later."),
    "contact_after_death": (True, "The last contact cannot be later than the day of death: correct one of the dates."),
    "event_before_treatment": (True, "A finding before the first session is baseline disease and not progression."),
    "treated_before_seen": (True, "A lesion must be seen before it is treated: correct first_seen_date."),
    "measured_before_seen": (True, "first_seen_date is the date of the first measurement or earlier: correct it."),
    "progression_before_completion": (False, "The rule progression_before_completion says how it is counted."),
    "zero_follow_up": (False, "There is no follow-up after treatment: it is counted, but carries no information."),
    "no_baseline_scan": (
        False,
        "The paper asks for an MRI at most 30 days before treatment; growth has no true baseline.",
    ),
    "baseline_on_treatment_day": (
        False,
        "A scan of the day of treatment is taken as baseline: if it was made after the implantation, date it so.",
    ),
    "no_baseline_measurement": (False, "Growth is judged against the first measurement after treatment."),
    "first_seen_without_scan": (False, "first_seen_date is taken as the date of the finding."),
    "inadequate_scan_with_finding": (False, "The finding is not counted; if it is certain, set adequate to 1."),
    "retreated_target": (
        False,
        "Unless it recurred before, its follow-up ends on that day; the session is not a sequential one.",
    ),
    "sequential_or_retreated": (
        False,
        "It counts as a sequential session and moves day 0; with the rule retreatment_scans = 0 it is a retreatment.",
    ),
    "visit_gap": (
        False,
        "The progression may be much older: the rule visit_gap = censor ends follow-up at the scan before the gap.",
    ),
    "growth_before_first_visit": (
        False,
        "Oedema or bleeding after the puncture may look like it: if so, set adequate to 0 for that scan.",
    ),
    "growth_went_back": (
        False,
        "A later scan shows no growth: oedema or bleeding? If so, set adequate to 0 for the scan that shows it.",
    ),
    "grown_before_its_session": (
        False,
        "The lesion was not yet treated: the growth is no progression, and its last diameter is the baseline.",
    ),
    "zero_baseline": (False, "Whatever is measured later counts as recurrence after a complete response: true?"),
    "never_measured_again": (
        False,
        "The lesion counts as without follow-up and its patient as without recurrence of it: add its diameters.",
    ),
    "treatment_without_lesion": (
        False,
        "If it treated a target, name the lesion: follow-up then ends there; else follow-up goes on.",
    ),
    "combined_treatment_kept": (
        False,
        "The patient is kept; the rule exclude = combined_treatment leaves such patients out, as the paper does.",
    ),
    "combined_without_lesion": (
        False,
        "If it treated a target, name the lesion: then it counts as a combined treatment.",
    ),
    "treatment_before_growth": (
        False,
        "If it treated the lesion, name it: follow-up then ends there; else the growth counts in spite of it.",
    ),
    "sequential_gap": (
        False,
        "In the paper sequential sessions are 28 to 42 days apart; the cycle rule still applies.",
    ),
    "too_many_sessions": (False, "In the paper a treatment has at most 4 sessions."),
    "early_new_lesion": (False, "Treated less than 56 days after the first session, it counts to the same treatment."),
    "transplant_without_lesion": (False, "Name the target lesions if the transplant should censor their follow-up."),
    # units and doses
    "cm_for_mm": (True, 'Diameters are mm: multiply by 10; if true, run with `accept=["cm_for_mm"]`.'),
    "lesion_in_cm": (True, 'Diameters are mm: multiply by 10; if true, run with `accept=["lesion_in_cm"]`.'),
    "tenfold_shrinkage": (False, "True, or in cm from this scan on?"),
    "cgy_for_gy": (True, "Doses are Gy, neither percent nor cGy: divide cGy by 100."),
    "fraction_for_gy": (
        True,
        'Doses are Gy, not fractions of the prescription; if true, run with `accept=["fraction_for_gy"]`.',
    ),
    "percent_for_gy": (
        True,
        'Doses are Gy, not percent of the prescription; if true, run with `accept=["percent_for_gy"]`.',
    ),
    "fraction_for_percent": (True, 'Write percent, 0 to 100; if true, run with `accept=["fraction_for_percent"]`.'),
    "dvh_not_monotone": (True, "D100 <= D98 <= ... <= D2 and V100 >= V150 >= V200 hold for every DVH."),
    "v100_contradicts_dose": (True, "D98 reaches the prescription if and only if V100 is at least 98 %; check both."),
    "v100_against_20_gy": (False, "No prescription is given, so 20 Gy was assumed: add prescription_gy."),
    "dose_of_zero": (False, "Leave the cell blank where the dose is not known: 0 Gy counts as a dose."),
    "prescriptions_differ": (False, "The one in dose_metrics is used: correct the other, or both."),
    "treated_without_plan": (
        True,
        'Add its dose row; `accept=["treated_without_plan"]` keeps the lesion in survival only.',
    ),
    "plan_without_treatment": (False, "The dose row belongs to no treated lesion; it is not used."),
    "one_dose_for_several_sessions": (
        False,
        "It is taken as the dose of all sessions together; one row per session is better.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong.

    Parameters
    ----------
    table : str
    row : int or None
        As a spreadsheet counts, the header is row 1; None for the whole table.
    rule : str
        Which rule is broken.
    got : str
        What was found.
    is_error : bool
        Whether it stops every analysis.
    remedy : str
        What to do.
    """

    table: str
    row: int | None
    rule: str
    got: str
    is_error: bool
    remedy: str

    def __str__(self) -> str:
        row = "" if self.row is None else f" row {self.row}"
        return f"{self.table}{row}: {self.rule}: {self.got}. {self.remedy}"


def problem(table: str, row: int | None, rule: str, got: str) -> Problem:
    """Return the problem of a named rule.

    Parameters
    ----------
    table : str
    row : int or None
        As a spreadsheet counts, the header is row 1; None for the whole table.
    rule : str
        One of ``RULES``.
    got : str
        What was found.

    Returns
    -------
    Problem
    """
    is_error, remedy = RULES[rule]
    return Problem(table=table, row=row, rule=rule, got=got, is_error=is_error, remedy=remedy)


def raise_errors(problems: Iterable[Problem], accept: Iterable[str] = ()) -> None:
    """Raise one InputError if any problem is an error that was not accepted by name."""
    accepted = set(accept)
    if unknown := accepted - RULES.keys():
        raise InputError(
            "only rules can be accepted", got=", ".join(sorted(unknown)), remedy="See docs/reference/outcomes.md."
        )
    errors = [p for p in problems if p.is_error and p.rule not in accepted]
    if errors:
        more = f" and {len(errors) - 1} more" if len(errors) > 1 else ""
        raise InputError(
            f"the cohort has {len(errors)} error{'s' if len(errors) > 1 else ''}",
            got=f"{errors[0]}{more}".rstrip("."),
            remedy="`hdrplan cohort validate` lists them all.",
        )
