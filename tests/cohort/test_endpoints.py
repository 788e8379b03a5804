"""Endpoints of the cohort worked out by hand, and what each rule changes."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import pytest

from cohort_by_hand import BY_HAND, INTERVALS, TABLES, full_form, raw_cohort, raw_table
from hdrplan.cohort import Derived, RawTable, Rules, checked_cohort, derive, flow, rules_from
from hdrplan.errors import InputError

TODAY = dt.date(2026, 1, 1)


def derived(raw: dict[str, RawTable] | None = None, **changes: Any) -> Derived:
    rules = Rules(**changes)
    cohort, _ = checked_cohort(raw or raw_cohort(), rules, today=TODAY)
    return derive(cohort, rules)


def table(d: Derived) -> dict[tuple[str, str, int, str], tuple[int, int]]:
    return {(e.unit, e.id, e.cycle, e.endpoint): (e.days, e.event) for e in d.endpoints}


@pytest.mark.parametrize("form", [raw_cohort, full_form], ids=["compact", "full"])
def test_every_endpoint_is_what_the_calendar_says(form: Any) -> None:
    assert table(derived(form())) == BY_HAND


def test_lesion_intervals_lie_between_last_clean_and_first_bad_scan() -> None:
    got = {
        x.lesion_id: (x.left_days, None if math.isinf(x.right_days) else int(x.right_days)) for x in derived().lesions
    }
    assert got == INTERVALS


def test_each_time_names_the_scan_and_the_reason() -> None:
    rows = {(e.id, e.endpoint, e.cycle): e for e in derived().endpoints}
    local = rows["P1", "PFS", 1]
    assert local.scan_date == "2018-07-01"
    assert "L1: 33 mm against 27 mm (nadir of 2018-04-01), growth >= 20 % and >= 5 mm" in local.reason
    assert rows["P3", "PFS", 1].reason == "ablation of target L5"
    assert rows["P3", "PFS", 1].scan_date == ""
    assert rows["P4", "OS", 1].reason == "death"
    assert rows["P7", "PFS", 1].reason.endswith("4 mm after complete response")
    assert rows["P2", "TTP", 2].reason.startswith("extrahepatic progression")


@pytest.mark.parametrize(
    ("changes", "row", "expected"),
    [
        # 33 mm against 30 mm of 2017-12-20 is 10 %: the patient is progression-free until death.
        ({"reference": "baseline"}, ("patient", "P1", 1, "PFS"), (365, 1)),
        ({"recurrence": "seed_literal", "min_growth_mm": 0.0}, ("patient", "P5", 1, "PFS"), (270, 1)),
        ({"min_growth_mm": 0.0}, ("lesion", "L7", 1, "local_recurrence"), (270, 1)),
        ({"min_growth_mm": 6.5}, ("lesion", "L1", 1, "local_recurrence"), (365, 2)),
        ({"death_in_local_distant": "event"}, ("patient", "P4", 1, "PFS_local"), (200, 1)),
        ({"after_first_progression": "stop"}, ("patient", "P2", 1, "PFS_local"), (180, 0)),
        ({"censor_date": "last_contact"}, ("patient", "P6", 1, "PFS"), (30, 0)),
        ({"censor_date": "last_contact"}, ("cycle", "P4", 1, "TTP"), (200, 0)),
        ({"target_treatment": "ignore"}, ("patient", "P3", 1, "PFS"), (200, 1)),
        # Not 56 but 300 days: the session of 2018-09-03 then belongs to the first treatment.
        ({"cycle_min_days": 300}, ("patient", "P2", 1, "OS"), (300, 0)),
    ],
)
def test_a_rule_changes_what_it_says(
    changes: dict[str, Any], row: tuple[str, str, int, str], expected: tuple[int, int]
) -> None:
    assert table(derived(**changes))[row] == expected


def changed(**texts: str) -> dict[str, RawTable]:
    return raw_cohort() | {name: raw_table(name, text) for name, text in texts.items()}


def test_growth_of_exactly_20_percent_is_recist_but_not_the_papers_words() -> None:
    text = TABLES["measurements"].replace("P1,2018-07-01,L1,33", "P1,2018-07-01,L1,32.4")
    raw = changed(measurements=text)
    assert table(derived(raw))["lesion", "L1", 1, "local_recurrence"] == (181, 1)
    literal = derived(raw, recurrence="seed_literal")
    assert table(literal)["lesion", "L1", 1, "local_recurrence"] == (365, 2)


def test_the_sum_hides_one_growing_lesion_but_the_lesion_record_does_not() -> None:
    # L3 from 23 to 30 mm is local recurrence; with L2 (35 mm) the sum 58 grows to 65 mm, 12 %.
    raw = changed(measurements=TABLES["measurements"].replace("P2,2019-03-02,L3,23", "P2,2019-03-02,L3,30"))
    assert table(derived(raw))["patient", "P2", 1, "PFS_local"] == (390, 1)
    by_sum = table(derived(raw, unit="sum"))
    assert by_sum["patient", "P2", 1, "PFS_local"] == (390, 0)
    assert by_sum["lesion", "L3", 1, "local_recurrence"] == (390, 1)


def test_a_late_session_of_a_baseline_lesion_stays_in_the_treatment() -> None:
    # L4 first seen before the first session: same date of treatment, no new cycle; completion moves to 2018-09-03.
    raw = changed(
        lesions=TABLES["lesions"].replace("L4,P2,2018-08-04", "L4,P2,2017-12-20"),
        findings=TABLES["findings"].replace("P2,2018-08-04,new_intrahepatic\n", ""),
    )
    d = derived(raw)
    assert len(d.cycles["P2"]) == 1
    assert table(d)["patient", "P2", 1, "OS"] == (300, 0)


def test_a_recurrent_lesion_treated_again_is_no_sequential_session() -> None:
    # L1 grew on 2018-07-01 and is treated again on 2018-08-01: completion stays 2018-01-01.
    raw = changed(sessions=TABLES["sessions"] + "S10,P1,2018-08-01,L1\n", dose_metrics=TABLES["dose_metrics"])
    d = derived(raw)
    assert [(r.lesion_id, r.session_id) for r in d.retreatments["P1"]] == [("L1", "S10")]
    assert table(d)["patient", "P1", 1, "OS"] == (365, 1)
    assert table(d)["lesion", "L1", 1, "local_recurrence"] == (181, 1)


def test_a_lesion_treated_again_without_recurrence_is_censored_there() -> None:
    raw = changed(sessions=TABLES["sessions"] + "S10,P4,2018-06-30,L6\n", measurements=TABLES["measurements"])
    d = derived(raw)
    assert table(d)["lesion", "L6", 1, "local_recurrence"] == (180, 0)
    assert table(d)["patient", "P4", 1, "PFS"] == (180, 0)


def test_progression_before_completion_is_excluded_and_named() -> None:
    raw = changed(findings=TABLES["findings"] + "P2,2018-01-20,new_extrahepatic\n")
    d = derived(raw)
    assert ("patient", "P2", 1, "PFS") not in table(d)
    assert table(d)["patient", "P2", 1, "PFS_local"] == (390, 0)
    assert [(x.id, x.cycle, x.endpoints) for x in d.exclusions] == [("P2", 1, "PFS PFS_distant TTP TTP_distant")]
    ignored = derived(raw, progression_before_completion="ignore")
    assert table(ignored)["patient", "P2", 1, "PFS"] == (180, 1)


def test_a_lesion_first_seen_between_two_sessions_is_progression_before_completion() -> None:
    # L4 appears on 2018-01-20, between the sessions of 2018-01-01 and 2018-02-05, and is treated as cycle 2.
    raw = changed(
        lesions=TABLES["lesions"].replace("L4,P2,2018-08-04", "L4,P2,2018-01-20"),
        findings=TABLES["findings"].replace("P2,2018-08-04,new_intrahepatic\n", ""),
    )
    d = derived(raw)
    rows = table(d)
    assert len(d.cycles["P2"]) == 2
    assert not {("patient", "P2", 1, "PFS"), ("cycle", "P2", 1, "TTP"), ("cycle", "P2", 1, "TTP_distant")} & rows.keys()
    assert rows["patient", "P2", 1, "PFS_local"] == (390, 0)
    assert rows["cycle", "P2", 2, "TTP"] == (180, 1)
    [excluded] = d.exclusions
    assert (excluded.unit, excluded.id, excluded.cycle) == ("cycle", "P2", 1)
    assert "L4 first seen 2018-01-20, before completion on 2018-02-05" in excluded.reason
    # Only later findings count: extrahepatic on 2019-03-02.
    ignored = table(derived(raw, progression_before_completion="ignore"))
    assert ignored["patient", "P2", 1, "PFS"] == (390, 1)


def test_a_lesion_that_grows_between_two_sessions_is_progression_before_completion() -> None:
    # L2 of 2018-01-01 grows from 40 to 50 mm by 2018-01-30; its sister L3 is treated on 2018-02-05. On 2018-04-02
    # it still has 52 mm.
    text = TABLES["measurements"].replace("P2,2018-04-02,L2,36", "P2,2018-01-30,L2,50\nP2,2018-04-02,L2,52")
    d = derived(changed(measurements=text))
    rows = table(d)
    local = {
        ("patient", "P2", 1, "PFS_local"),
        ("cycle", "P2", 1, "TTP_local"),
        ("lesion", "L2", 1, "local_recurrence"),
    }
    assert not local & rows.keys()
    assert rows["lesion", "L3", 1, "local_recurrence"] == (390, 0)
    assert rows["patient", "P2", 1, "PFS_distant"] == (180, 1)
    assert [(x.unit, x.id, x.endpoints) for x in d.exclusions] == [
        ("cycle", "P2", "PFS PFS_local TTP TTP_local"),
        ("lesion", "L2", "local_recurrence"),
    ]
    ignored = table(derived(changed(measurements=text), progression_before_completion="ignore"))
    assert ignored["lesion", "L2", 1, "local_recurrence"] == (56, 1)
    # By the sum only scans of both count: none before completion, and 76 mm against 65 mm afterwards is 17 %.
    assert table(derived(changed(measurements=text), unit="sum"))["patient", "P2", 1, "PFS_local"] == (390, 0)


def test_a_lesion_treated_again_after_two_clean_scans_is_retreated_and_keeps_its_day_0() -> None:
    # L1 again on day 106 with clean scans on days 56 and 90 (2018-02-26, 2018-04-01); 33 mm on 2018-07-01.
    raw = changed(sessions=TABLES["sessions"] + "S10,P1,2018-04-17,L1\n")
    d = derived(raw)
    assert [(r.lesion_id, r.session_id) for r in d.retreatments["P1"]] == [("L1", "S10")]
    assert len(d.cycles["P1"][0].sessions) == 1
    assert table(d)["lesion", "L1", 1, "local_recurrence"] == (106, 0)
    assert table(d)["patient", "P1", 1, "PFS"] == (106, 0)
    assert [(x.left_days, x.right_days) for x in d.lesions if x.lesion_id == "L1"] == [(90, math.inf)]
    # With one scan between it is ambiguous: sequential by default, retreated by rule.
    once = changed(
        sessions=TABLES["sessions"] + "S10,P1,2018-04-17,L1\n",
        measurements=TABLES["measurements"].replace("P1,2018-04-01,L1,27\n", ""),
    )
    assert len(derived(once).cycles["P1"][0].sessions) == 2
    assert table(derived(once, retreatment_scans=1))["lesion", "L1", 1, "local_recurrence"] == (106, 0)


def test_a_progression_after_a_long_gap_without_scans_may_end_follow_up_before_it() -> None:
    # L9: clean on day 56, 4 mm after complete response on day 360, nothing between: 304 days.
    raw = changed(measurements=TABLES["measurements"].replace("P7,2018-06-30,L9,0\n", ""))
    assert table(derived(raw))["lesion", "L9", 1, "local_recurrence"] == (360, 1)
    d = derived(raw, visit_gap="censor")
    rows = {(e.unit, e.endpoint): e for e in d.endpoints if e.id in ("P7", "L9")}
    for unit, name in (("patient", "PFS"), ("cycle", "TTP_local"), ("lesion", "local_recurrence")):
        assert (rows[unit, name].days, rows[unit, name].event, rows[unit, name].scan_date) == (56, 0, "2018-02-26")
        assert "304 days without a scan" in rows[unit, name].reason
    assert (rows["patient", "OS"].days, rows["patient", "OS"].event) == (360, 0)
    assert table(derived(raw, visit_gap="censor", visit_gap_days=304))["patient", "P7", 1, "PFS"] == (360, 1)
    # P4 dies 80 days after its last scan: an event of PFS unless 80 days are a gap.
    assert table(derived(raw, visit_gap="censor", visit_gap_days=79))["patient", "P4", 1, "PFS"] == (120, 0)


def test_a_lesion_of_a_later_cycle_is_distant_progression_even_without_a_finding() -> None:
    raw = changed(findings="patient_id,scan_date,finding\nP2,2019-03-02,new_extrahepatic\n")
    rows = {(e.id, e.endpoint, e.cycle): e for e in derived(raw).endpoints}
    assert rows["P2", "PFS", 1].days == 180
    assert "L4 first seen 2018-08-04" in rows["P2", "PFS", 1].reason


def test_paper_exclusions_make_the_flow_chart() -> None:
    raw = raw_cohort()
    rules = Rules(exclude=("no_8_week_scan", "combined_treatment"), combined_days=110)
    cohort, _ = checked_cohort(raw, rules, today=TODAY)
    steps = {(s.step, s.group): (s.patients, s.lesions, s.cycles) for s in flow(cohort, derive(cohort, rules))}
    assert steps["identified", "all"] == (7, 9, 8)
    # P6 was never scanned, P3's target was ablated on day 100; P2's scan of day 56 after 2018-02-05 is 2018-04-02.
    assert steps["excluded: no cross-sectional imaging at 8 weeks", "all"] == (1, 1, 1)
    assert steps["excluded: combined loco-regional treatment of target", "HCC"] == (1, 1, 1)
    assert steps["analysed", "all"] == (5, 7, 6)
    assert steps["analysed", "HCC"] == (3, 3, 3)


def test_inadequate_and_not_evaluable_scans_decide_nothing() -> None:
    raw = full_form()
    scans = [(*r[:4], "0") if r[2] == "2018-07-01" and r[1] == "P1" else r for r in raw["scans"].rows]
    raw["scans"] = RawTable("scans", raw["scans"].columns, tuple(scans))
    d = derived(raw)
    assert table(d)["lesion", "L1", 1, "local_recurrence"] == (365, 2)
    assert {x.lesion_id: x.left_days for x in d.lesions}["L1"] == 90


def test_no_progression_follow_up_may_outlast_survival() -> None:
    raw = raw_cohort()
    raw["patients"] = raw_table(
        "patients", TABLES["patients"].replace("P2,CRLM,61,F,2019-06-30", "P2,CRLM,61,F,2018-03-01")
    )
    rules = Rules()
    cohort, _ = checked_cohort(raw, rules, today=TODAY, accept=("contact_before_imaging", "contact_before_treatment"))
    with pytest.raises(InputError, match="cannot end after survival"):
        derive(cohort, rules)


B = ("P3,2017-12-20,B,20", "P3,2018-02-25,B,26", "P3,2018-07-20,B,40")


def with_lesion_b(*sizes: str) -> dict[str, RawTable]:
    """P3 with a second lesion that was known before treatment and never treated."""
    lesions, sized = TABLES["lesions"] + "B,P3,2017-12-20\n", TABLES["measurements"] + "\n".join(sizes)
    return changed(lesions=lesions, measurements=sized)


def test_growth_of_a_known_lesion_that_was_not_treated_is_intrahepatic_progression() -> None:
    # 26 mm against 20 mm is 30 % and 6 mm on 2018-02-25, day 55; before, the patient ran event-free to the ablation.
    assert table(derived(with_lesion_b("P3,2017-12-20,B,20")))["patient", "P3", 1, "PFS"] == (100, 0)
    d = derived(with_lesion_b(*B))
    got = table(d)
    assert got["patient", "P3", 1, "PFS"] == got["cycle", "P3", 1, "TTP"] == (55, 1)
    assert got["patient", "P3", 1, "PFS_local"] == got["patient", "P3", 1, "PFS_distant"] == (100, 0)
    reason = next(e.reason for e in d.endpoints if (e.id, e.endpoint) == ("P3", "PFS"))
    assert reason.startswith("intrahepatic progression of a lesion that is no target: B: 26 mm against 20 mm")
    assert table(derived(with_lesion_b(*B), growth_elsewhere="ignore"))["patient", "P3", 1, "PFS"] == (100, 0)
    stopped = table(derived(with_lesion_b(*B), after_first_progression="stop"))
    assert stopped["patient", "P3", 1, "PFS_local"] == (55, 0)


def test_growth_of_a_lesion_of_the_first_treatment_ends_the_time_of_the_second() -> None:
    # L2 and L3 belong to cycle 1, L4 to cycle 2 (2018-09-03): L2 grows from 35 to 45 mm on 2019-03-02, day 180 of it.
    text = TABLES["measurements"].replace("P2,2019-03-02,L2,35", "P2,2019-03-02,L2,45")
    raw = changed(measurements=text, findings=TABLES["findings"].replace("P2,2019-03-02,new_extrahepatic\n", ""))
    assert table(derived(raw))["cycle", "P2", 2, "TTP"] == (180, 1)
    assert table(derived(raw))["cycle", "P2", 2, "TTP_local"] == (180, 0)
    # One that had recurred before the second treatment and stays as it was progresses no further.
    text = TABLES["measurements"]
    for day in ("2018-08-04", "2018-11-02", "2019-03-02"):
        text = text.replace(f"P2,{day},L2,35", f"P2,{day},L2,50")
    raw = changed(measurements=text, findings=TABLES["findings"].replace("P2,2019-03-02,new_extrahepatic\n", ""))
    assert table(derived(raw))["cycle", "P2", 2, "TTP"] == (180, 0)


def test_growth_elsewhere_between_two_sessions_is_progression_before_completion() -> None:
    sized = ("P2,2017-12-20,B,20", "P2,2018-01-30,B,30")
    raw = changed(
        lesions=TABLES["lesions"] + "B,P2,2017-12-20\n", measurements=TABLES["measurements"] + "\n".join(sized)
    )
    d = derived(raw)
    (row,) = [x for x in d.exclusions if x.id == "P2"]
    assert row.endpoints == "PFS TTP"
    assert "lesion that is no target: B: 30 mm against 20 mm" in row.reason
    assert ("patient", "P2", 1, "PFS_local") in table(d)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"progression_before_completion": "count_later"}, "progression_before_completion takes exclude, ignore"),
        ({"visit_gap_days": -1}, "visit_gap_days must not be negative"),
        ({"exclude": ("no_scan",)}, "exclude takes no_8_week_scan"),
    ],
)
def test_a_rule_with_a_value_that_it_does_not_know_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Rules(**changes)
    with pytest.raises(InputError, match=words):
        rules_from("recommended", {k: v if isinstance(v, str) else str(v) if isinstance(v, int) else "+".join(v)
                                   for k, v in changes.items()})  # fmt: skip
