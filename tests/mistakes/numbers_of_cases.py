"""Mistakes with prescriptions, goals, the source and its strength."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from mistake import Shelf

from body_case import Given

NUMBERS = Shelf("Prescriptions, goals and strength")


def goal(given: Given, structure: str, text: str, level: int = 0) -> None:
    given.table["goals"].append({"structure": structure, "goal": text, "source": "protocol", "level": level})


def without_goal(given: Given, structure: str) -> None:
    given.table["goals"] = [row for row in given.table["goals"] if row["structure"] != structure]


def strength(given: Given, **values: Any) -> None:
    given.table["source"] = {"name": "gammamed-12i", **values}


@NUMBERS("prescription in cGy", refuses="between 1 and 100 Gy")
def prescription_in_cgy(given: Given) -> None:
    given.table["prescription_gy"]["lesion"] = 2000.0


@NUMBERS("the dose of one external fraction prescribed", warns="prescription-unusual")
def external_fraction(given: Given) -> None:
    given.table["prescription_gy"]["lesion"] = 2.0


@NUMBERS("the total dose of many fractions prescribed at once", warns="prescription-unusual")
def total_dose(given: Given) -> None:
    given.table["prescription_gy"]["lesion"] = 60.0


@NUMBERS("a prescription for a lesion that is spelt otherwise", refuses="prescriptions are for the CTVs")
def prescription_misspelt(given: Given) -> None:
    given.table["prescription_gy"] = {"lesoin": 20.0}


@NUMBERS("an organ limit in cGy", warns="goal-out-of-range")
def limit_in_cgy(given: Given) -> None:
    goal(given, "duodenum", "D1cc <= 1400 Gy")


@NUMBERS("an organ limit a hundred times too small", warns="goal-out-of-range")
def limit_too_small(given: Given) -> None:
    goal(given, "duodenum", "D1cc <= 0.14 Gy")


@NUMBERS("a mean liver dose in cGy", warns="goal-out-of-range")
def mean_in_cgy(given: Given) -> None:
    goal(given, "liver", "Dmean <= 700 Gy")


@NUMBERS("V1000Gy: a volume at a dose in cGy", warns="goal-out-of-range")
def volume_at_cgy(given: Given) -> None:
    goal(given, "liver", "V1000Gy <= 30 %")


@NUMBERS("an organ limit with >=", warns="goal-sense")
def organ_at_least(given: Given) -> None:
    goal(given, "duodenum", "D1cc >= 14 Gy")


@NUMBERS("a healthy liver volume with >=", warns="goal-sense")
def liver_at_least(given: Given) -> None:
    goal(given, "liver", "V5Gy >= 30 %")


@NUMBERS("coverage of the CTV with <=", warns="goal-sense")
def coverage_at_most(given: Given) -> None:
    goal(given, "lesion", "D90 <= 25 Gy", 1)


@NUMBERS("V100 of the CTV with <=", warns="goal-sense")
def v100_at_most(given: Given) -> None:
    goal(given, "lesion", "V100 <= 95 %", 1)


@NUMBERS("a total time with >=", warns="goal-sense")
def time_at_least(given: Given) -> None:
    goal(given, "plan", "time >= 30 min", 1)


@NUMBERS("V100 >= 0.95 %: a fraction for percent", warns="goal-fraction")
def fraction_for_percent(given: Given) -> None:
    goal(given, "lesion", "V100 >= 0.95 %", 1)


@NUMBERS("V10Gy <= 0.3 %: a fraction for percent", warns="goal-fraction")
def liver_fraction(given: Given) -> None:
    goal(given, "liver", "V10Gy <= 0.3 %", 1)


@NUMBERS("D0.98 for D98", warns="goal-fraction")
def metric_as_fraction(given: Given) -> None:
    goal(given, "lesion", "D0.98 >= 20 Gy", 1)


@NUMBERS("a limit of 100 % of the organ", warns="goal-cannot-bind")
def whole_organ(given: Given) -> None:
    goal(given, "liver", "V10Gy <= 100 %")


@NUMBERS("a limit on more cc than the organ has", warns="goal-cannot-bind")
def more_than_the_organ(given: Given) -> None:
    goal(given, "duodenum", "D500cc <= 10 Gy")


@NUMBERS("a volume limit in mm3 written as cc", warns="goal-cannot-bind")
def cubic_millimetres(given: Given) -> None:
    goal(given, "duodenum", "V10Gy <= 5000 cc")


@NUMBERS("a coverage goal of 0", warns="goal-cannot-bind")
def goal_of_nothing(given: Given) -> None:
    goal(given, "lesion", "V150 >= 0 %", 1)


@NUMBERS("minutes written as seconds", warns="goal-out-of-range")
def minutes_as_seconds(given: Given) -> None:
    goal(given, "plan", "time <= 25 s")


@NUMBERS("two limits on one quantity, one forgotten", warns="goal-twice")
def two_limits(given: Given) -> None:
    goal(given, "stomach", "D1cc <= 11 Gy")


@NUMBERS("a protocol's organ is spelt otherwise in the case", warns="goal-not-applied")
def protocol_name(given: Given) -> None:
    text = '[[goals]]\nstructure = "Stomach"\ngoal = "D1cc <= 14 Gy"\nsource = "doi"\n'
    given.after.append(lambda folder: (folder / "goals.toml").write_text(text) and None)
    given.table["goals"] = "goals.toml"


@NUMBERS("a goal of the case for a structure that is spelt otherwise", refuses="no structure is named")
def goal_misspelt(given: Given) -> None:
    goal(given, "duodenumm", "D1cc <= 14 Gy")


@NUMBERS("a goal without its unit", refuses="needs a unit")
def goal_without_unit(given: Given) -> None:
    goal(given, "duodenum", "D1cc <= 14")


@NUMBERS("a limit without its source", refuses="source must be text")
def limit_without_source(given: Given) -> None:
    given.table["goals"].append({"structure": "duodenum", "goal": "D1cc <= 14 Gy", "source": " "})


@NUMBERS("strength with a digit lost", warns="strength-unusual")
def digit_lost(given: Given) -> None:
    strength(given, strength_u=4070.0)


@NUMBERS("strength with a digit too many", refuses="between 100 and 100,000 U")
def digit_too_many(given: Given) -> None:
    strength(given, strength_u=407000.0)


@NUMBERS("an activity in GBq given as U", warns="strength-unusual")
def gbq_as_u(given: Given) -> None:
    strength(given, strength_u=370.0)


@NUMBERS("an activity in mCi given as U", warns="strength-unusual")
def mci_as_u(given: Given) -> None:
    strength(given, strength_u=10000.0)


@NUMBERS("an activity in Ci given as U", refuses="apparent activity in Ci")
def ci_as_u(given: Given) -> None:
    strength(given, strength_u=10.0)


@NUMBERS("Gy/h at 1 m given as U", refuses="Gy/h at 1 m")
def gray_as_u(given: Given) -> None:
    strength(given, strength_u=0.0407)


@NUMBERS("an activity that does not say that it is the apparent one", refuses="apparent")
def contained_activity(given: Given) -> None:
    strength(given, strength_u="10 Ci")


@NUMBERS("a source of 20 Ci", warns="strength-unusual")
def strong_source(given: Given) -> None:
    strength(given, strength_u="20 Ci apparent")


@NUMBERS("a source that was not exchanged for a year", warns="calibration-far")
def old_source(given: Given) -> None:
    strength(
        given,
        calibration_strength_u=40700.0,
        calibration_time=datetime(2025, 1, 10, 12),
        treatment_time=datetime(2025, 12, 1, 12),
    )


@NUMBERS("day and month of the calibration exchanged", warns="calibration-far")
def day_and_month(given: Given) -> None:
    # 3 November read as 11 March.
    strength(
        given,
        calibration_strength_u=40700.0,
        calibration_time=datetime(2025, 3, 11, 12),
        treatment_time=datetime(2025, 11, 20, 12),
    )


@NUMBERS("calibration and treatment exchanged", warns="calibration-far")
def exchanged_dates(given: Given) -> None:
    strength(
        given,
        calibration_strength_u=40700.0,
        calibration_time=datetime(2025, 6, 20, 12),
        treatment_time=datetime(2025, 4, 20, 12),
    )


@NUMBERS("the year of the calibration wrong", refuses="within 400 days")
def wrong_year(given: Given) -> None:
    strength(
        given,
        calibration_strength_u=40700.0,
        calibration_time=datetime(2021, 6, 20, 12),
        treatment_time=datetime(2025, 6, 25, 12),
    )


@NUMBERS("a source table of a small phantom for planning", warns="bounded-source")
def bounded_table(given: Given) -> None:
    given.table["source"] = {"name": "microselectron-v2-daskalov", "strength_u": 40700.0}


@NUMBERS("the dwell step in cm", refuses="step_mm")
def step_in_cm(given: Given) -> None:
    given.table["dwells"] = {"step_mm": 0.25}


@NUMBERS("an organ's limit written for the CTV", warns="goal-against-prescription")
def limit_for_the_ctv(given: Given) -> None:
    goal(given, "lesion", "D1cc <= 14 Gy")


@NUMBERS("a hot-spot limit for the liver around the CTV", warns="goal-against-prescription")
def limit_for_the_liver(given: Given) -> None:
    goal(given, "liver", "D1cc <= 14 Gy")


@NUMBERS("a German thousands separator: 40.700", refuses="mGy m2/h")
def thousands_separator(given: Given) -> None:
    strength(given, strength_u=40.700)


@NUMBERS("a strict sign in a goal", refuses="uses >= or <=")
def strict_sign(given: Given) -> None:
    goal(given, "duodenum", "D1cc < 14 Gy")


@NUMBERS("strength and activity both given", refuses="one of three forms")
def two_strengths(given: Given) -> None:
    strength(given, strength_u=40700.0, activity_ci=10.0)


@NUMBERS("a source that is not known", refuses="source")
def unknown_source(given: Given) -> None:
    given.table["source"]["name"] = "gammamed-12"


@NUMBERS("a CTV's dose goal of twice the prescription", warns="goal-above-prescription")
def twice_the_prescription(given: Given) -> None:
    goal(given, "lesion", "D98 >= 40 Gy", 1)


@NUMBERS("D0.001cc for D0.1cc", warns="goal-out-of-range")
def volume_of_a_voxel(given: Given) -> None:
    goal(given, "stomach", "D0.001cc <= 14 Gy")


@NUMBERS("a mean dose a hundred times too small", warns="goal-out-of-range")
def mean_too_small(given: Given) -> None:
    goal(given, "stomach", "Dmean <= 0.14 Gy")


@NUMBERS("the healthy organ forgotten", warns="healthy-not-named")
def healthy_forgotten(given: Given) -> None:
    del given.table["healthy"]


@NUMBERS("a dwell step of 50 mm for 5", warns="dwells-unusual")
def step_too_long(given: Given) -> None:
    given.table["dwells"] = {"step_mm": 50.0}


@NUMBERS("a tip offset in the wrong unit: 60 mm", warns="dwells-unusual")
def tip_offset_too_long(given: Given) -> None:
    given.table["dwells"] = {"tip_offset_mm": 60.0}


@NUMBERS("dwells up to 80 mm outside the CTV", warns="dwells-unusual")
def margin_too_wide(given: Given) -> None:
    given.table["dwells"] = {"margin_mm": 80.0}


@NUMBERS("a tip offset of 0: the first dwell at the very tip", warns="tip-offset-small")
def tip_offset_forgotten(given: Given) -> None:
    given.table["dwells"] = {"tip_offset_mm": 0.0}


@NUMBERS("a tip offset in cm: 0.6 for 6 mm", warns="tip-offset-small")
def tip_offset_in_cm(given: Given) -> None:
    given.table["dwells"] = {"tip_offset_mm": 0.6}


@NUMBERS("a CTV's goal below its prescription", warns="goal-below-prescription")
def goal_below_prescription(given: Given) -> None:
    goal(given, "lesion", "D98 >= 15 Gy", 1)


@NUMBERS("the prescription raised, the goals left as they were", warns="goal-below-prescription")
def prescription_raised(given: Given) -> None:
    goal(given, "lesion", "D95 >= 20 Gy", 1)
    given.table["prescription_gy"]["lesion"] = 25.0


@NUMBERS("a case without any goal", warns="case-without-limits")
def no_goals(given: Given) -> None:
    del given.table["goals"]


@NUMBERS("goals for the CTV and the liver alone", warns="case-without-limits")
def no_limits(given: Given) -> None:
    given.table["goals"] = given.table["goals"][-1:]
    goal(given, "lesion", "D90 >= 22 Gy", 1)


@NUMBERS("the duodenum without a limit, the stomach has one", warns="hollow-organ-without-limit")
def duodenum_forgotten(given: Given) -> None:
    without_goal(given, "duodenum")


@NUMBERS("limits for the spinal cord alone", warns="hollow-organ-without-limit")
def cord_alone(given: Given) -> None:
    without_goal(given, "stomach")
    without_goal(given, "duodenum")


@NUMBERS("the stomach with the role other", warns="organ-not-at-risk")
def stomach_as_other(given: Given) -> None:
    without_goal(given, "stomach")
    given.table["roles"]["stomach"] = "other"


@NUMBERS("a colon beside the CTV that was given no role", warns="hollow-organ-without-limit")
def colon_without_role(given: Given) -> None:
    given.labels[16:18, 14:18, 20:24] = 11
    given.names["colon"] = 11


@NUMBERS("a limit of fractionated radiotherapy (EQD2) for the stomach", warns="goal-out-of-range")
def limit_in_eqd2(given: Given) -> None:
    given.table["goals"][0]["goal"] = "D1cc <= 54 Gy"


@NUMBERS("a PDR source chosen for an HDR treatment", warns="source-for-pdr")
def source_for_pulses(given: Given) -> None:
    given.table["source"]["name"] = "gammamed-pdr-plus"


@NUMBERS("V10Gy <= 4 % of the liver for 40 %", warns="goal-out-of-range")
def digit_lost_in_percent(given: Given) -> None:
    given.table["goals"][3]["goal"] = "V10Gy <= 4 %"


@NUMBERS("one limit at priority 9", warns="goal-level-skipped")
def priority_nine(given: Given) -> None:
    given.table["goals"][3]["level"] = 9


@NUMBERS("V100 for an organ", warns="goal-in-percent")
def organ_at_the_prescription(given: Given) -> None:
    goal(given, "stomach", "V100 <= 5 %")


@NUMBERS("D1, of the volume, for D1cc", warns="goal-in-percent")
def percent_for_cc(given: Given) -> None:
    given.table["goals"][0]["goal"] = "D1 <= 14 Gy"


@NUMBERS("limits of D0.1cc and D1cc exchanged", warns="goal-implied")
def hot_spots_exchanged(given: Given) -> None:
    given.table["goals"][0]["goal"] = "D1cc <= 15 Gy"
    goal(given, "stomach", "D0.1cc <= 12 Gy")


@NUMBERS("limits of V5Gy and V10Gy exchanged", warns="goal-implied")
def liver_volumes_exchanged(given: Given) -> None:
    given.table["goals"][3]["goal"] = "V10Gy <= 66 %"
    goal(given, "liver", "V5Gy <= 33 %", 1)


@NUMBERS("goals of D90 and D98 exchanged", warns="goal-implied")
def coverages_exchanged(given: Given) -> None:
    goal(given, "lesion", "D98 >= 25 Gy", 1)
    goal(given, "lesion", "D90 >= 22 Gy", 1)


@NUMBERS("a mean above the maximum", warns="goal-implied")
def mean_above_maximum(given: Given) -> None:
    goal(given, "spleen", "Dmean <= 12 Gy")
    goal(given, "spleen", "Dmax <= 10 Gy")


@NUMBERS("D90 >= 26 Gy beside D50 <= 25 Gy", warns="goals-exclude")
def minimum_above_maximum(given: Given) -> None:
    goal(given, "lesion", "D90 >= 26 Gy", 1)
    goal(given, "lesion", "D50 <= 25 Gy", 1)


@NUMBERS("a hot-spot limit of external radiotherapy, 105 %, for the CTV", warns="goal-against-prescription")
def hot_spot_of_external_beams(given: Given) -> None:
    goal(given, "lesion", "Dmax <= 21 Gy", 1)


@NUMBERS("a mean dose that no organ reaches", warns="goal-cannot-bind")
def mean_never_reached(given: Given) -> None:
    goal(given, "liver", "Dmean <= 40 Gy")


@NUMBERS("a dwell step of 0.5 mm: cm for mm", warns="dwells-unusual")
def step_too_fine(given: Given) -> None:
    given.table["dwells"] = {"step_mm": 0.5}


@NUMBERS("a prescription of 50 Gy: that of normofractionated radiotherapy", warns="prescription-unusual")
def prescription_of_fractions(given: Given) -> None:
    given.table["prescription_gy"]["lesion"] = 50.0


@NUMBERS("D1cc of the stomach of 30 Gy", warns="goal-out-of-range")
def stomach_of_30_gy(given: Given) -> None:
    without_goal(given, "stomach")
    goal(given, "stomach", "D1cc <= 30 Gy")


@NUMBERS("50 Gy for the spinal cord", warns="goal-out-of-range")
def cord_of_50_gy(given: Given) -> None:
    without_goal(given, "spinal_cord")
    goal(given, "spinal_cord", "D0.1cc <= 50 Gy")


@NUMBERS("10 Gy allowed in 90 % of the liver", warns="goal-out-of-range")
def nearly_all_of_the_liver(given: Given) -> None:
    without_goal(given, "liver")
    goal(given, "liver", "V10Gy <= 90 %", 1)


@NUMBERS("5 Gy allowed in 5 cc of the liver", warns="goal-out-of-range")
def hardly_any_liver(given: Given) -> None:
    without_goal(given, "liver")
    goal(given, "liver", "V5Gy <= 5 cc", 1)


@NUMBERS("a maximum of 15 Gy for the liver around the CTV", warns="goal-against-prescription")
def maximum_for_the_liver(given: Given) -> None:
    goal(given, "liver", "Dmax <= 15 Gy")


@NUMBERS("a total time of 5 s", warns="goal-out-of-range")
def time_of_5_s(given: Given) -> None:
    goal(given, "plan", "total time <= 5 s", 1)


@NUMBERS("a total time of ten hours", warns="goal-out-of-range")
def time_of_ten_hours(given: Given) -> None:
    goal(given, "plan", "total time <= 36000 s", 1)


@NUMBERS("V200 of the CTV of 0.1 %", warns="goal-fraction")
def hardly_any_v200(given: Given) -> None:
    goal(given, "lesion", "V200 <= 0.1 %", 1)


@NUMBERS("a dose in percent without saying of what", refuses="D90 is given in Gy")
def dose_in_percent(given: Given) -> None:
    goal(given, "lesion", "D90 >= 100 %", 1)


@NUMBERS("a volume in mm3 in the name of a metric", refuses="expected a metric such as")
def metric_in_mm3(given: Given) -> None:
    goal(given, "stomach", "D1000mm3 <= 14 Gy")


@NUMBERS("a negative margin of dwells", refuses="margin_mm must lie between 0 and 100")
def negative_margin(given: Given) -> None:
    given.table["dwells"] = {"margin_mm": -4.0}


@NUMBERS("the first dwell 25 mm behind the tip", warns="dwells-unusual")
def first_dwell_far_back(given: Given) -> None:
    given.table["dwells"] = {"tip_offset_mm": 25.0}


@NUMBERS("a shortest dwell of 30 s: ms of another program", warns="dwells-unusual")
def shortest_dwell_long(given: Given) -> None:
    given.table["dwells"] = {"min_dwell_s": 30.0}


@NUMBERS("a longest dwell of 2 s: minutes", warns="dwells-unusual")
def longest_dwell_short(given: Given) -> None:
    given.table["dwells"] = {"max_dwell_s": 2.0}


@NUMBERS("a date under a key that hdrplan does not know", refuses="known keys are")
def unknown_key_of_the_source(given: Given) -> None:
    strength(given, strength_u=40700.0, calibrated="2024-01-01T12:00:00")


@NUMBERS("a mean dose as the only limit of the stomach", warns="limit-not-of-hottest")
def mean_of_stomach_alone(given: Given) -> None:
    without_goal(given, "stomach")
    goal(given, "stomach", "Dmean <= 10 Gy")


@NUMBERS("Dmin for Dmax of the stomach", warns="limit-not-of-hottest")
def minimum_for_maximum(given: Given) -> None:
    without_goal(given, "stomach")
    goal(given, "stomach", "Dmin <= 14 Gy")


@NUMBERS("D50 as the only limit of the spinal cord", warns="limit-not-of-hottest")
def median_of_cord(given: Given) -> None:
    without_goal(given, "spinal_cord")
    goal(given, "spinal_cord", "D50 <= 10 Gy")


@NUMBERS("V10Gy <= 50 % as the only limit of the duodenum", warns="limit-not-of-hottest")
def half_of_duodenum(given: Given) -> None:
    without_goal(given, "duodenum")
    goal(given, "duodenum", "V10Gy <= 50 %")


@NUMBERS("a prescription with its unit as text", refuses="must be a finite number")
def prescription_as_text(given: Given) -> None:
    given.table["prescription_gy"]["lesion"] = "20 Gy"


@NUMBERS("kU for U: 40.7", refuses="100 and 100,000 U")
def strength_in_ku(given: Given) -> None:
    strength(given, strength_u=40.7)


@NUMBERS("a tip offset below 0", refuses="tip_offset_mm must lie between")
def tip_offset_negative(given: Given) -> None:
    given.table["dwells"] = {"tip_offset_mm": -3.0}
