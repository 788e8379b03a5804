"""Every rule of the checks, each broken once in an otherwise clean cohort."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from cohort_by_hand import TABLES, full_form, raw_cohort, raw_table
from hdrplan.cohort import RULES, Problem, RawTable, Rules, checked_cohort, validate
from hdrplan.errors import InputError

TODAY = dt.date(2026, 1, 1)
Raw = dict[str, RawTable]


def problems(raw: Raw) -> tuple[Problem, ...]:
    return validate(raw, Rules(), today=TODAY)[1]


def swap(name: str, old: str, new: str) -> Callable[[], Raw]:
    """Give the compact cohort with one piece of text of one table replaced."""

    def made() -> Raw:
        assert TABLES[name].count(old) == 1
        return raw_cohort() | {name: raw_table(name, TABLES[name].replace(old, new))}

    return made


def add(name: str, *lines: str) -> Callable[[], Raw]:
    return lambda: raw_cohort() | {name: raw_table(name, TABLES[name] + "\n".join(lines))}


def without(name: str) -> Callable[[], Raw]:
    return lambda: {k: v for k, v in raw_cohort().items() if k != name}


def plus(name: str, text: str) -> Callable[[], Raw]:
    return lambda: raw_cohort() | {name: raw_table(name, text)}


def full(name: str, text: str) -> Callable[[], Raw]:
    return lambda: full_form() | {name: raw_table(name, text)}


def inadequate() -> Raw:
    raw = full_form()
    rows = [(*r[:4], "0") if r[2] == "2019-03-02" else r for r in raw["scans"].rows]
    return raw | {"scans": RawTable("scans", raw["scans"].columns, tuple(rows))}


def mm_in_cm() -> Raw:
    raw = raw_cohort()
    rows = [(*r[:3], str(float(r[3]) / 10)) for r in raw["measurements"].rows]
    return raw | {"measurements": RawTable("measurements", raw["measurements"].columns, tuple(rows))}


def lesion_in_cm(lesion: str, dose_row: str = "") -> Callable[[], Raw]:
    def made() -> Raw:
        raw = raw_cohort()
        rows = [(*r[:3], str(float(r[3]) / 10)) if r[2] == lesion else r for r in raw["measurements"].rows]
        raw["measurements"] = RawTable("measurements", raw["measurements"].columns, tuple(rows))
        if dose_row:
            doses = [line for line in TABLES["dose_metrics"].strip().splitlines() if not line.startswith(lesion)]
            raw["dose_metrics"] = raw_table("dose_metrics", "\n".join([*doses, dose_row]))
        return raw

    return made


def shrunk() -> Raw:
    text = TABLES["measurements"].replace("P1,2018-02-26,L1,28", "P1,2018-02-26,L1,3.1")
    text = text.replace("P1,2018-04-01,L1,27", "P1,2018-04-01,L1,3").replace(
        "P1,2018-07-01,L1,33", "P1,2018-07-01,L1,4"
    )
    return raw_cohort() | {"measurements": raw_table("measurements", text)}


def sessions_of_p1(*dates: str) -> Callable[[], Raw]:
    return add("sessions", *(f"S{20 + i},P1,{d},L1" for i, d in enumerate(dates)))


def twin_of_p1() -> Raw:
    """P1 once more, as P9 with lesion L10."""
    raw = raw_cohort()
    for name in ("patients", "sessions", "lesions", "measurements"):
        own = [line for line in TABLES[name].strip().splitlines() if "P1," in line]
        twins = [line.replace("P1,", "P9,").replace("L1,", "L10,").replace("S1,", "S30,") for line in own]
        twins = [line[:-2] + "L10" if line.endswith("L1") else line for line in twins]
        raw[name] = raw_table(name, "\n".join([TABLES[name].strip(), *twins]))
    return raw


def prescribed(gy: float) -> Callable[[], Raw]:
    """The full form, with a prescription of the first lesion's session."""

    def made() -> Raw:
        raw = full_form()
        table = raw["session_lesions"]
        columns = (*(c for c in table.columns if c != "prescription_gy"), "prescription_gy")
        kept = [
            tuple(v for c, v in zip(table.columns, row, strict=True) if c != "prescription_gy") for row in table.rows
        ]
        rows = tuple((*row, str(gy) if k == 0 else "20") for k, row in enumerate(kept))
        raw["session_lesions"] = RawTable("session_lesions", columns, rows)
        return raw

    return made


TARGETS = (
    TABLES["lesions"].replace("_date\n", "_date,is_target\n").replace("-20\n", "-20,1\n").replace("-04\n", "-04,1\n")
)

# rule, table, row as a spreadsheet shows it, cohort
BROKEN: list[tuple[str, str, int | None, Callable[[], Raw]]] = [
    ("missing_table", "lesions", None, without("lesions")),
    ("unknown_table", "lesons", None, plus("lesons", "a\n1")),
    ("missing_column", "patients", 1, swap("patients", "last_contact_date", "last_seen")),
    ("unknown_column", "dose_metrics", 1, swap("dose_metrics", "d50_gy", "d50")),
    ("duplicate_column", "patients", 1, swap("patients", "death_date", "sex")),
    ("ragged_row", "sessions", 2, swap("sessions", "S1,P1,2018-01-01,L1", "S1,P1,2018-01-01,L1,x")),
    ("ragged_row", "patients", 3, swap("patients", "P2,CRLM,61,F,2019-06-30,", "P2,CRLM,61,F,2019-06-30")),
    ("missing_value", "patients", 2, swap("patients", "P1,HCC,70,M", "P1,HCC,70,")),
    ("missing_value", "measurements", 5, swap("measurements", "P1,2018-07-01,L1,33", "P1,2018-07-01,L1,")),
    ("stray_space", "sessions", 2, swap("sessions", "S1,P1,", "S1, P1,")),
    ("not_a_number", "measurements", 2, swap("measurements", "P1,2017-12-20,L1,30", "P1,2017-12-20,L1,30 mm")),
    ("out_of_range", "measurements", 2, swap("measurements", "P1,2017-12-20,L1,30", "P1,2017-12-20,L1,-30")),
    ("out_of_range", "dose_metrics", 2, swap("dose_metrics", ",97,80,55,", ",104,80,55,")),
    ("not_in_vocabulary", "patients", 2, swap("patients", "P1,HCC", "P1,hepatoma")),
    ("not_in_vocabulary", "findings", 2, swap("findings", "new_intrahepatic", "new_liver_lesion")),
    ("not_a_flag", "lesions", 2, plus("lesions", TARGETS.replace("L1,P1,2017-12-20,1", "L1,P1,2017-12-20,yes"))),
    ("date_not_iso", "sessions", 2, swap("sessions", "S1,P1,2018-01-01", "S1,P1,01.01.2018")),
    ("date_not_iso", "sessions", 2, swap("sessions", "S1,P1,2018-01-01", "S1,P1,2018-02-30")),
    ("future_date", "patients", 3, swap("patients", "2019-06-30", "2099-06-30")),
    ("date_too_old", "lesions", 2, swap("lesions", "L1,P1,2017-12-20", "L1,P1,1017-12-20")),
    ("after_data_lock", "measurements", 16, plus("study", "data_lock_date\n2019-01-31")),
    ("known_after_data_lock", "patients", 2, plus("study", "data_lock_date\n2018-12-31")),
    ("patients_alike", "patients", 9, twin_of_p1),
    ("dose_of_zero", "dose_metrics", 2, swap("dose_metrics", "L1,15,19", "L1,0,19")),
    ("prescriptions_differ", "dose_metrics", 2, prescribed(15)),
    ("empty_table", "sessions", None, plus("sessions", "session_id,patient_id,session_date,lesion_id")),
    ("duplicate_key", "patients", 9, add("patients", "P1,HCC,70,M,2019-01-01,2019-01-01")),
    ("duplicate_key", "lesions", 11, add("lesions", "L1,P2,2017-12-20")),
    ("duplicate_key", "measurements", 33, add("measurements", "P1,2018-07-01,L1,34")),
    ("duplicate_key", "study", 3, plus("study", "data_lock_date\n2020-01-31\n2020-01-31")),
    ("foreign_id", "measurements", 2, swap("measurements", "P1,2017-12-20,L1,30", "P1,2017-12-20,L99,30")),
    ("foreign_id", "sessions", 2, swap("sessions", "S1,P1,", "S1,P99,")),
    ("other_patients_lesion", "measurements", 2, swap("measurements", "P1,2017-12-20,L1", "P1,2017-12-20,L5")),
    ("other_patients_lesion", "other_treatments", 2, swap("other_treatments", "ablation,L5", "ablation,L1")),
    ("session_twice", "sessions", 11, add("sessions", "S1,P1,2018-01-03,L2")),
    ("patient_without_session", "patients", 9, add("patients", "P9,HCC,70,M,2019-01-01,")),
    ("target_never_treated", "lesions", 11, plus("lesions", TARGETS + "L10,P1,2017-12-20,1")),
    ("age_of_a_child", "patients", 2, swap("patients", "P1,HCC,70", "P1,HCC,7.0")),
    ("no_age", "patients", 2, swap("patients", "P1,HCC,70", "P1,HCC,")),
    ("death_before_imaging", "measurements", 5, swap("patients", "2019-01-01,2019-01-01", "2018-06-01,2018-06-01")),
    ("death_before_treatment", "sessions", 2, swap("patients", "2019-01-01,2019-01-01", "2017-12-21,2017-12-21")),
    ("contact_before_imaging", "measurements", 16, swap("patients", "2019-06-30", "2019-01-30")),
    ("contact_before_treatment", "sessions", 5, swap("patients", "2019-06-30", "2018-08-30")),
    ("contact_after_death", "patients", 2, swap("patients", "2019-01-01,2019-01-01", "2019-02-01,2019-01-01")),
    ("event_before_treatment", "findings", 2, swap("findings", "P2,2018-08-04", "P2,2017-12-20")),
    ("treated_before_seen", "sessions", 2, swap("lesions", "L1,P1,2017-12-20", "L1,P1,2018-01-20")),
    ("measured_before_seen", "measurements", 2, swap("lesions", "L1,P1,2017-12-20", "L1,P1,2017-12-30")),
    ("progression_before_completion", "findings", 4, add("findings", "P2,2018-01-20,new_extrahepatic")),
    ("zero_follow_up", "patients", 7, swap("patients", "2018-01-31", "2018-01-01")),
    ("no_baseline_scan", "patients", 2, swap("measurements", "P1,2017-12-20,L1,30", "P1,2018-02-20,L1,30")),
    ("no_baseline_measurement", "lesions", 2, swap("measurements", "P1,2017-12-20,L1,30", "P1,2018-02-20,L1,30")),
    ("first_seen_without_scan", "lesions", 5, swap("lesions", "L4,P2,2018-08-04", "L4,P2,2018-07-31")),
    ("inadequate_scan_with_finding", "findings", 3, inadequate),
    ("retreated_target", "sessions", 11, sessions_of_p1("2018-08-01")),
    ("sequential_gap", "sessions", 11, sessions_of_p1("2018-01-11")),
    ("sequential_gap", "sessions", 11, sessions_of_p1("2018-01-01")),
    ("too_many_sessions", "sessions", 14, sessions_of_p1("2018-01-29", "2018-02-26", "2018-03-26", "2018-04-23")),
    ("early_new_lesion", "sessions", 4, swap("lesions", "L3,P2,2017-12-20", "L3,P2,2018-01-20")),
    ("transplant_without_lesion", "other_treatments", 4, add("other_treatments", "P3,2018-11-01,transplant,")),
    ("cm_for_mm", "measurements", None, mm_in_cm),
    ("cm_for_mm", "measurements", 5, swap("measurements", "P1,2018-07-01,L1,33", "P1,2018-07-01,L1,3.3")),
    ("cm_for_mm", "measurements", 2, swap("measurements", "P1,2017-12-20,L1,30", "P1,2017-12-20,L1,3.0")),
    ("lesion_in_cm", "measurements", 22, lesion_in_cm("L6")),
    ("lesion_in_cm", "measurements", 19, lesion_in_cm("L5", "L5,14,18.5,21,24,44,200,96.4,79,54,165,20")),
    ("tenfold_shrinkage", "measurements", 3, shrunk),
    ("baseline_on_treatment_day", "measurements", 2, swap("measurements", "P1,2017-12-20,L1", "P1,2018-01-01,L1")),
    ("progression_before_completion", "lesions", 5, swap("lesions", "L4,P2,2018-08-04", "L4,P2,2018-01-20")),
    ("progression_before_completion", "measurements", 33, add("measurements", "P2,2018-01-30,L2,50")),
    ("sequential_or_retreated", "sessions", 11, sessions_of_p1("2018-03-10")),
    ("visit_gap", "measurements", 31, swap("measurements", "P7,2018-06-30,L9,0\n", "")),
    ("visit_gap", "findings", 4, lambda: add("findings", "P7,2018-12-27,new_extrahepatic")() | {
        "measurements": raw_table("measurements", TABLES["measurements"].replace("P7,2018-06-30,L9,0\n", ""))}),
    ("growth_before_first_visit", "measurements", 33, add("measurements", "P3,2018-01-15,L5,62")),
    ("growth_went_back", "measurements", 5, add("measurements", "P1,2018-10-01,L1,27")),
    ("grown_before_its_session", "measurements", 33, add("measurements", "P2,2018-01-30,L3,35")),
    ("zero_baseline", "measurements", 2, swap("measurements", "P1,2017-12-20,L1,30", "P1,2017-12-20,L1,0")),
    ("never_measured_again", "lesions", 11, lambda: add("sessions", "S1,P1,2018-01-01,L10")() | {
        "lesions": raw_table("lesions", TABLES["lesions"] + "L10,P1,2017-12-20\n")}),
    ("treatment_without_lesion", "other_treatments", 4, add("other_treatments", "P5,2018-03-20,SIRT,")),
    ("combined_treatment_kept", "other_treatments", 4, add("other_treatments", "P1,2017-12-01,TACE,L1")),
    ("combined_without_lesion", "other_treatments", 4, add("other_treatments", "P1,2017-12-01,SIRT,")),
    ("treatment_before_growth", "other_treatments", 4, add("other_treatments", "P1,2018-05-01,SIRT,")),
    ("cgy_for_gy", "dose_metrics", 2, swap("dose_metrics", "L1,15,19", "L1,1500,19")),
    ("fraction_for_gy", "dose_metrics", 2, plus("dose_metrics", "lesion_id,d100_gy\nL1,0.9")),
    ("fraction_for_gy", "dose_metrics", 2, swap("dose_metrics", ",55,14,20", ",55,14,1.0")),
    ("percent_for_gy", "dose_metrics", 2, plus("dose_metrics", "lesion_id,d100_gy\nL1,96")),
    ("fraction_for_percent", "dose_metrics", 2, swap("dose_metrics", ",97,80,55,", ",0.97,0.80,0.55,")),
    ("dvh_not_monotone", "dose_metrics", 2, swap("dose_metrics", "L1,15,19,22", "L1,15,23,22")),
    ("dvh_not_monotone", "dose_metrics", 2, swap("dose_metrics", ",97,80,55,", ",97,55,80,")),
    ("dvh_not_monotone", "oar_metrics", 2, plus("oar_metrics", "plan_id,organ,d1cc_gy,d0_1cc_gy\np,stomach,14,12")),
    ("v100_contradicts_dose", "dose_metrics", 3, swap("dose_metrics", "210,100,85", "210,90,85")),
    ("v100_contradicts_dose", "dose_metrics", 2, swap("dose_metrics", "200,97,80", "200,99.5,80")),
    ("v100_against_20_gy", "dose_metrics", 2, plus("dose_metrics", "lesion_id,d100_gy,d98_gy,v100_pct\nL1,15,22,90")),
    ("treated_without_plan", "sessions", 2, swap(
        "dose_metrics", "L1,15,19,22,25,45,200,97,80,55,14,20\n", "")),
    ("plan_without_treatment", "dose_metrics", 11, add("dose_metrics", "L10,15,19,22,25,45,200,97,80,55,14,20")),
    ("one_dose_for_several_sessions", "sessions", 2, sessions_of_p1("2018-02-05")),
]  # fmt: skip


def test_the_cohort_by_hand_is_clean() -> None:
    for raw in (raw_cohort(), full_form()):
        assert [str(p) for p in problems(raw) if p.is_error] == []


@pytest.mark.parametrize(("rule", "table", "row", "made"), BROKEN, ids=[f"{b[0]}-{i}" for i, b in enumerate(BROKEN)])
def test_a_broken_cohort_names_rule_table_and_row(
    rule: str, table: str, row: int | None, made: Callable[[], Raw]
) -> None:
    found = problems(made())
    assert (rule, table, row) in {(p.rule, p.table, p.row) for p in found}, [str(p) for p in found]
    assert all(p.got and p.remedy for p in found)


@pytest.mark.parametrize("sizes", [(30, 0, 3, 3), (30, 12, 3, 0), (30, 0, 0, 3), (11, 8, 7, 6), (30, 9, 3, 2)])
def test_a_lesion_that_responds_is_not_taken_for_one_in_cm(sizes: tuple[int, ...]) -> None:
    dates = ("2017-12-20", "2018-02-26", "2018-04-01", "2018-07-01")
    text = TABLES["measurements"]
    for date, old, new in zip(dates, (30, 28, 27, 33), sizes, strict=True):
        text = text.replace(f"P1,{date},L1,{old}", f"P1,{date},L1,{new}")
    found = problems(raw_cohort() | {"measurements": raw_table("measurements", text)})
    assert not {p.rule for p in found} & {"cm_for_mm", "lesion_in_cm", "tenfold_shrinkage"}, [str(p) for p in found]


def test_every_rule_is_broken_once() -> None:
    # What a workbook shows and does not hold breaks in tests/io/test_hostile_tables.py.
    assert {b[0] for b in BROKEN} == set(RULES) - {"sheet_range", "hidden_rows", "percent_cells"}


def test_all_errors_of_all_tables_come_at_once() -> None:
    raw = raw_cohort() | {
        "patients": raw_table("patients", TABLES["patients"].replace("P1,HCC,70,M", "P1,hepatoma,old,M")),
        "sessions": raw_table("sessions", TABLES["sessions"].replace("S1,P1,2018-01-01", "S1,P1,1/1/2018")),
        "dose_metrics": raw_table("dose_metrics", TABLES["dose_metrics"].replace("L2,21,22", "L2,2100,22")),
    }
    errors = {(p.table, p.row, p.rule) for p in problems(raw) if p.is_error}
    assert errors == {
        ("patients", 2, "not_in_vocabulary"),
        ("patients", 2, "not_a_number"),
        ("patients", 2, "no_age"),
        ("sessions", 2, "date_not_iso"),
        ("dose_metrics", 3, "cgy_for_gy"),
    }


def test_an_error_stops_analysis_unless_accepted_by_name() -> None:
    raw = raw_cohort() | {"dose_metrics": raw_table("dose_metrics", "lesion_id,d100_gy\nL1,15\n")}
    with pytest.raises(InputError, match=r"8 errors.*treated_without_plan"):
        checked_cohort(raw, Rules(), today=TODAY)
    cohort, warned = checked_cohort(raw, Rules(), today=TODAY, accept=("treated_without_plan",))
    assert len(cohort.patients) == 7
    assert sum(p.rule == "treated_without_plan" for p in warned) == 8
    with pytest.raises(InputError, match="only rules can be accepted"):
        checked_cohort(raw, Rules(), today=TODAY, accept=("anything",))


def test_birth_year_stands_for_age() -> None:
    text = TABLES["patients"].replace("age_years", "birth_year").replace(",70,", ",1948,").replace(",61,", ",1957,")
    for old, new in ((66, 1952), (58, 1960), (72, 1946), (64, 1954), (55, 1963)):
        text = text.replace(f",{old},", f",{new},")
    cohort, found = validate(raw_cohort() | {"patients": raw_table("patients", text)}, Rules(), today=TODAY)
    assert not [p for p in found if p.is_error]
    assert [p.age_years for p in cohort.patients] == [70, 61, 66, 58, 72, 64, 55]


def test_a_dead_patient_needs_no_last_contact() -> None:
    text = TABLES["patients"].replace("2019-01-01,2019-01-01", ",2019-01-01").replace("2019-06-30,", ",")
    cohort, found = validate(raw_cohort() | {"patients": raw_table("patients", text)}, Rules(), today=TODAY)
    assert [(p.row, p.rule) for p in found if p.is_error] == [(3, "missing_value")]
    assert cohort.patients[0].last_contact == dt.date(2019, 1, 1).toordinal()


def test_a_session_row_for_each_lesion_of_a_day_is_no_gap() -> None:
    text = TABLES["sessions"].replace("S3,P2,2018-02-05,L3", "S3,P2,2018-01-01,L3")
    assert "sequential_gap" not in {p.rule for p in problems(raw_cohort() | {"sessions": raw_table("sessions", text)})}
