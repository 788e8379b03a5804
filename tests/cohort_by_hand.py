"""A small cohort in the compact form, every endpoint of which can be worked out with a calendar (tests/cohort)."""

from __future__ import annotations

from hdrplan.cohort import RawTable

TABLES: dict[str, str] = {
    "patients": """
patient_id,tumour_type,age_years,sex,last_contact_date,death_date
P1,HCC,70,M,2019-01-01,2019-01-01
P2,CRLM,61,F,2019-06-30,
P3,HCC,66,M,2018-12-31,
P4,CRLM,58,M,2018-07-20,2018-07-20
P5,HCC,72,F,2018-09-28,
P6,CRLM,64,M,2018-01-31,
P7,HCC,55,F,2018-12-27,
""",
    "sessions": """
session_id,patient_id,session_date,lesion_id
S1,P1,2018-01-01,L1
S2,P2,2018-01-01,L2
S3,P2,2018-02-05,L3
S4,P2,2018-09-03,L4
S5,P3,2018-01-01,L5
S6,P4,2018-01-01,L6
S7,P5,2018-01-01,L7
S8,P6,2018-01-01,L8
S9,P7,2018-01-01,L9
""",
    "lesions": """
lesion_id,patient_id,first_seen_date
L1,P1,2017-12-20
L2,P2,2017-12-20
L3,P2,2017-12-20
L4,P2,2018-08-04
L5,P3,2017-12-20
L6,P4,2017-12-20
L7,P5,2017-12-20
L8,P6,2017-12-20
L9,P7,2017-12-20
""",
    "measurements": """
patient_id,scan_date,lesion_id,longest_diameter_mm
P1,2017-12-20,L1,30
P1,2018-02-26,L1,28
P1,2018-04-01,L1,27
P1,2018-07-01,L1,33
P2,2017-12-20,L2,40
P2,2017-12-20,L3,25
P2,2018-04-02,L2,36
P2,2018-04-02,L3,24
P2,2018-08-04,L2,35
P2,2018-08-04,L3,24
P2,2018-08-04,L4,15
P2,2018-11-02,L2,35
P2,2018-11-02,L3,23
P2,2018-11-02,L4,14
P2,2019-03-02,L2,35
P2,2019-03-02,L3,23
P2,2019-03-02,L4,14
P3,2017-12-20,L5,50
P3,2018-02-26,L5,48
P3,2018-07-20,L5,70
P4,2017-12-20,L6,22
P4,2018-02-26,L6,22
P4,2018-05-01,L6,21
P5,2017-12-20,L7,11
P5,2018-02-26,L7,10
P5,2018-09-28,L7,12.4
P6,2017-12-20,L8,31
P7,2017-12-20,L9,20
P7,2018-02-26,L9,0
P7,2018-06-30,L9,0
P7,2018-12-27,L9,4
""",
    "findings": """
patient_id,scan_date,finding
P2,2018-08-04,new_intrahepatic
P2,2019-03-02,new_extrahepatic
""",
    "other_treatments": """
patient_id,date,kind,lesion_id
P3,2018-04-11,ablation,L5
P3,2018-02-01,systemic,
""",
    "dose_metrics": """
lesion_id,d100_gy,d98_gy,d95_gy,d90_gy,d50_gy,d2_gy,v100_pct,v150_pct,v200_pct,ctv_cm3,prescription_gy
L1,15,19,22,25,45,200,97,80,55,14,20
L2,21,22,24,27,48,210,100,85,60,33,20
L3,20.5,21.6,23,26,47,190,100,84,58,8,20
L4,22,24,26,29,50,220,100,88,62,2,20
L5,14,18.5,21,24,44,200,96.4,79,54,65,20
L6,20.2,21,23,26,46,180,100,82,57,6,20
L7,25,27,29,33,55,240,100,92,70,1,20
L8,19,20.4,22,25,45,200,98.9,81,56,16,20
L9,23,25,27,30,52,230,100,90,65,4,20
""",
}

# unit, id, cycle, endpoint -> days, event; day counts by calendar from the day of the last session of the cycle.
# P1: 27 mm on 2018-04-01 (day 90) is the nadir; 33 mm on 2018-07-01 (day 181) is +22 % and +6 mm. Dies on day 365.
# P2: sessions 35 days apart make one treatment, completed 2018-02-05. New lesion on 2018-08-04 (day 180), treated
#     2018-09-03 as cycle 2; extrahepatic on 2019-03-02, day 390 of cycle 1 and day 180 of cycle 2.
# P3: target ablated on 2018-04-11 (day 100), before the growth on day 200. Systemic therapy does not censor.
# P4: last scan 2018-05-01 (day 120), dies on day 200 without progression.
# P5: 10 to 12.4 mm on 2018-09-28 (day 270) is +24 % but only +2.4 mm: no progression by RECIST 1.1.
# P6: never scanned again; last contact on day 30.
# P7: complete response on days 56 and 180, visible again on 2018-12-27 (day 360).
BY_HAND: dict[tuple[str, str, int, str], tuple[int, int]] = {
    ("patient", "P1", 1, "OS"): (365, 1),
    ("patient", "P1", 1, "PFS"): (181, 1),
    ("patient", "P1", 1, "PFS_local"): (181, 1),
    ("patient", "P1", 1, "PFS_distant"): (181, 0),
    ("cycle", "P1", 1, "TTP"): (181, 1),
    ("cycle", "P1", 1, "TTP_local"): (181, 1),
    ("cycle", "P1", 1, "TTP_distant"): (181, 0),
    ("lesion", "L1", 1, "local_recurrence"): (181, 1),
    ("patient", "P2", 1, "OS"): (510, 0),
    ("patient", "P2", 1, "PFS"): (180, 1),
    ("patient", "P2", 1, "PFS_local"): (390, 0),
    ("patient", "P2", 1, "PFS_distant"): (180, 1),
    ("cycle", "P2", 1, "TTP"): (180, 1),
    ("cycle", "P2", 1, "TTP_local"): (390, 0),
    ("cycle", "P2", 1, "TTP_distant"): (180, 1),
    ("cycle", "P2", 2, "TTP"): (180, 1),
    ("cycle", "P2", 2, "TTP_local"): (180, 0),
    ("cycle", "P2", 2, "TTP_distant"): (180, 0),
    ("lesion", "L2", 1, "local_recurrence"): (390, 0),
    ("lesion", "L3", 1, "local_recurrence"): (390, 0),
    ("lesion", "L4", 2, "local_recurrence"): (180, 0),
    ("patient", "P3", 1, "OS"): (364, 0),
    ("patient", "P3", 1, "PFS"): (100, 0),
    ("patient", "P3", 1, "PFS_local"): (100, 0),
    ("patient", "P3", 1, "PFS_distant"): (100, 0),
    ("cycle", "P3", 1, "TTP"): (100, 0),
    ("cycle", "P3", 1, "TTP_local"): (100, 0),
    ("cycle", "P3", 1, "TTP_distant"): (100, 0),
    ("lesion", "L5", 1, "local_recurrence"): (100, 0),
    ("patient", "P4", 1, "OS"): (200, 1),
    ("patient", "P4", 1, "PFS"): (200, 1),
    ("patient", "P4", 1, "PFS_local"): (120, 0),
    ("patient", "P4", 1, "PFS_distant"): (120, 0),
    ("cycle", "P4", 1, "TTP"): (120, 0),
    ("cycle", "P4", 1, "TTP_local"): (120, 0),
    ("cycle", "P4", 1, "TTP_distant"): (120, 0),
    ("lesion", "L6", 1, "local_recurrence"): (200, 2),
    ("patient", "P5", 1, "OS"): (270, 0),
    ("patient", "P5", 1, "PFS"): (270, 0),
    ("patient", "P5", 1, "PFS_local"): (270, 0),
    ("patient", "P5", 1, "PFS_distant"): (270, 0),
    ("cycle", "P5", 1, "TTP"): (270, 0),
    ("cycle", "P5", 1, "TTP_local"): (270, 0),
    ("cycle", "P5", 1, "TTP_distant"): (270, 0),
    ("lesion", "L7", 1, "local_recurrence"): (270, 0),
    ("patient", "P6", 1, "OS"): (30, 0),
    ("patient", "P6", 1, "PFS"): (0, 0),
    ("patient", "P6", 1, "PFS_local"): (0, 0),
    ("patient", "P6", 1, "PFS_distant"): (0, 0),
    ("cycle", "P6", 1, "TTP"): (0, 0),
    ("cycle", "P6", 1, "TTP_local"): (0, 0),
    ("cycle", "P6", 1, "TTP_distant"): (0, 0),
    ("lesion", "L8", 1, "local_recurrence"): (0, 0),
    ("patient", "P7", 1, "OS"): (360, 0),
    ("patient", "P7", 1, "PFS"): (360, 1),
    ("patient", "P7", 1, "PFS_local"): (360, 1),
    ("patient", "P7", 1, "PFS_distant"): (360, 0),
    ("cycle", "P7", 1, "TTP"): (360, 1),
    ("cycle", "P7", 1, "TTP_local"): (360, 1),
    ("cycle", "P7", 1, "TTP_distant"): (360, 0),
    ("lesion", "L9", 1, "local_recurrence"): (360, 1),
}

# lesion -> left, right (None: never)
INTERVALS: dict[str, tuple[int, int | None]] = {
    "L1": (90, 181),
    "L2": (390, None),
    "L3": (390, None),
    "L4": (180, None),
    "L5": (56, None),
    "L6": (120, None),
    "L7": (270, None),
    "L8": (0, None),
    "L9": (180, 360),
}


def raw_table(name: str, text: str) -> RawTable:
    rows = [tuple(line.split(",")) for line in text.strip().splitlines()]
    return RawTable(name, rows[0], tuple(rows[1:]))


def raw_cohort() -> dict[str, RawTable]:
    return {name: raw_table(name, text) for name, text in TABLES.items()}


def full_form() -> dict[str, RawTable]:
    """Write the same cohort in the full form, with scans of their own."""
    raw = raw_cohort()
    measured = [dict(zip(raw["measurements"].columns, r, strict=True)) for r in raw["measurements"].rows]
    found = [dict(zip(raw["findings"].columns, r, strict=True)) for r in raw["findings"].rows]
    scans = {(m["patient_id"], m["scan_date"]): "" for m in [*measured, *found]}
    for i, key in enumerate(scans):
        scans[key] = f"X{i + 1}"
    session_rows = dict.fromkeys(r[:3] for r in raw["sessions"].rows)
    return {
        "patients": raw["patients"],
        "lesions": raw["lesions"],
        "sessions": RawTable("sessions", raw["sessions"].columns[:3], tuple(session_rows)),
        "session_lesions": RawTable(
            "session_lesions",
            ("session_id", "lesion_id", "prescription_gy", "plan_id"),
            tuple((r[0], r[3], "20", f"plan-{r[0]}") for r in raw["sessions"].rows),
        ),
        "scans": RawTable(
            "scans",
            ("scan_id", "patient_id", "scan_date", "modality", "adequate"),
            tuple((i, who, day, "MRI", "1") for (who, day), i in scans.items()),
        ),
        "measurements": RawTable(
            "measurements",
            ("scan_id", "lesion_id", "longest_diameter_mm"),
            tuple((scans[m["patient_id"], m["scan_date"]], m["lesion_id"], m["longest_diameter_mm"]) for m in measured),
        ),
        "findings": RawTable(
            "findings",
            ("scan_id", "kind"),
            tuple((scans[m["patient_id"], m["scan_date"]], m["finding"]) for m in found),
        ),
        "other_treatments": raw["other_treatments"],
        "dose_metrics": RawTable(
            "dose_metrics",
            ("plan_id", *raw["dose_metrics"].columns),
            tuple((f"plan-S{r[0][1:]}", *r) for r in raw["dose_metrics"].rows),
        ),
    }
