"""``hdrplan validate CASE --plan OUT`` for cases of every make: several CTVs, masks, own sources, conformity."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_own_source import write_own_source

from hdrplan.geometry import Volume
from hdrplan.io import write_volume
from small_case import GRID, small_labels, write_small_case

CONFORMITY = """
[[goals]]
structure = "lesion"
goal = "COIN >= 0.62"
level = 1
source = "test"
[[goals]]
structure = "lesion"
goal = "PITV <= 1.2"
level = 2
source = "test"
"""

LOWERED = """
[[goals]]
structure = "stomach"
goal = "Dmax <= 0.9 Gy"
level = 0
source = "test"
"""


@pytest.fixture
def case(tmp_path: Path) -> Path:
    return write_small_case(tmp_path / "case")


@pytest.fixture
def two_ctvs(case: Path) -> Path:
    """The small case with a second CTV on its catheter, with a prescription of its own."""
    labels = small_labels()
    labels[8:12, 12:18, 21:25] = 33
    write_volume(case / "labels.nii.gz", Volume(GRID, labels))
    (case / "labels.json").write_text('{"1": "liver", "32": "lesion", "33": "second", "6": "stomach"}')
    text = (case / "case.toml").read_text()
    text = text.replace('lesion = "CTV"', 'lesion = "CTV"\nsecond = "CTV"')
    (case / "case.toml").write_text(text.replace("lesion = 20.0", "lesion = 20.0\nsecond = 15.0"))
    catheters = json.loads((case / "catheters.json").read_text())
    tip, hub = GRID.world([27, 15, 10]), GRID.world([12, 14, 9])
    catheters.append({"name": "c2", "hub_to_tip_mm_lps": [hub.tolist(), tip.tolist()]})
    (case / "catheters.json").write_text(json.dumps(catheters))
    return case


def rows_of(ran: Any) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = json.loads(ran.out)["rows"]
    return rows


def check(run: Any, *arguments: object) -> list[str]:
    """Validate a plan that is right, and return what was compared."""
    ran = run("validate", *arguments, "--json")
    assert ran.code == 0, ran.out + ran.err
    assert {row["state"] for row in rows_of(ran)} == {"pass"}
    return [row["what"] for row in rows_of(ran)]


def test_two_ctvs_with_prescriptions_of_their_own(two_ctvs: Path, run) -> None:
    assert run("plan", two_ctvs, "-o", "out", "--quiet").code == 0
    compared = check(run, two_ctvs, "--plan", "out")
    for name in ("lesion", "second"):
        assert any(what.startswith(f"{name}: minimum dose") for what in compared)
        assert any(what.startswith(f"{name}: CI, HTCI, COIN, PITV, DHI") for what in compared)
    assert any("second" in what and "receive 15 Gy" in what for what in compared)


def test_a_case_of_flags_and_masks(case: Path, run, tmp_path: Path) -> None:
    labels = small_labels()
    flags: list[object] = ["--ct", case / "ct.nii.gz", "--catheters", case / "catheters.json", "--step", 5]
    for value, name in ((32, "lesion"), (1, "liver"), (6, "stomach")):
        write_volume(tmp_path / f"{name}.nii.gz", Volume(GRID, (labels == value).astype(np.uint8)))
        flags += ["--mask", f"{name}={tmp_path / name}.nii.gz"]
    flags += ["--ctv", "lesion", "--oar", "stomach", "--healthy", "liver", "--prescription", 20, "--strength", 40700]
    assert run("plan", *flags, "-o", "out", "--quiet").code == 0
    check(run, *flags, "--plan", "out")


def test_a_source_of_the_users_own(case: Path, run) -> None:
    write_own_source(case / "ours.json")
    text = (case / "case.toml").read_text()
    (case / "case.toml").write_text(text.replace('name = "gammamed-12i"', 'file = "ours.json"'))
    assert run("plan", case, "-o", "out", "--quiet").code == 0
    check(run, case, "--plan", "out")


def test_conformity_is_computed_again(case: Path, run, tmp_path: Path) -> None:
    (tmp_path / "goals.toml").write_text(CONFORMITY)
    flags = ["--goals", tmp_path / "goals.toml", "--time-step", 0]
    assert run("plan", case, *flags, "-o", "out", "--quiet").code == 0
    compared = check(run, case, *flags, "--plan", "out")
    assert any("cc receive 20 Gy" in what for what in compared)
    metrics = tmp_path / "out" / "metrics.json"
    right = metrics.read_text()
    for change, what in (
        (lambda table: table["structures"]["lesion"].update(coin=0.9), "COIN"),
        (lambda table: table["structures"]["lesion"].update(dhi=0.5), "DHI"),
        (lambda table: table["structures"]["lesion"].update(isodose_cc=1.05 * isodose_cc(table)), "receive 20 Gy"),
        (lambda table: table["goals"][1].update(reached=0.99), "prescriptions and goals"),
    ):
        table = json.loads(right)
        change(table)
        metrics.write_text(json.dumps(table))
        ran = run("validate", case, *flags, "--plan", "out", "--json")
        assert ran.code == 1
        assert any(what in row["what"] for row in rows_of(ran) if row["state"] == "fail"), what


def isodose_cc(table: dict[str, Any]) -> float:
    return float(table["structures"]["lesion"]["isodose_cc"])


@pytest.fixture
def sessions(two_ctvs: Path, run) -> tuple[Path, Path]:
    """The case with two CTVs, and two sessions for them, for one would take too long."""
    assert run("sessions", two_ctvs, "--budget", "time <= 400 s", "-o", "sessions").code == 0
    return two_ctvs, Path("sessions")


def test_sessions_are_checked_one_after_the_other_with_what_was_given_before(sessions, run) -> None:
    case, folder = sessions
    ran = run("validate", case, "--plan", folder, "--json")
    assert ran.code == 0, ran.out + ran.err
    rows = rows_of(ran)
    for k in (1, 2):
        of_session = [row for row in rows if row["what"].startswith(f"session {k}: ")]
        for what in ("total time", "d100_sum_gy of 2 CTVs", "1 budgets", "of the delivered times", "no plan below"):
            assert [row["state"] for row in of_session if what in row["what"]] == ["pass"], what
        (searched,) = [row for row in of_session if "minimum dose" in row["what"]]
        # The search looks between the sample points, at what this session and those before it give.
        assert searched["state"] == "pass"
        assert "below the proven" in searched["method"]
    without = run("validate", "--plan", folder, "--json")
    assert without.code == 0
    assert sum(row["state"] == "pass" for row in rows_of(without)) == 7


def test_sessions_that_were_touched_fail(sessions, run) -> None:
    case, folder = sessions

    def fails(file: str, change: Callable[[dict[str, Any]], None]) -> list[str]:
        table = json.loads((folder / file).read_text())
        change(table)
        (folder / file).write_text(json.dumps(table))
        ran = run("validate", case, "--plan", folder, "--json")
        assert ran.code == 1
        return [row["what"] for row in rows_of(ran) if row["state"] == "fail"]

    false_bound = fails("sessions.json", lambda table: change_dual(table["sessions"][0]["certificate"]))
    assert {what.split(" of ")[0].rstrip("0123456789. ") for what in false_bound} == {
        "session 1: gap and losses",
        "session 1: no plan below",
    }
    raised = fails("sessions.json", lambda table: raise_proven(table["sessions"][1]))
    assert any(row.startswith("session 2: ") and "minimum dose" in row for row in raised), raised
    shorter = fails("session-1/plan.json", lambda table: table["dwells"][first_used(table)].update(time_s=1.0))
    for what in ("2 sessions", "session 1: total time", "session 1: d100_gy", "session 2: d100_sum_gy"):
        assert any(row.startswith(what) for row in shorter), (what, shorter)
    tighter = fails("run.json", lambda table: table["options"].update(budgets=["time <= 150 s"]))
    assert any(row.startswith("session 2: 1 prescriptions") for row in tighter), tighter


def first_used(table: dict[str, Any]) -> int:
    return next(k for k, row in enumerate(table["dwells"]) if row["time_s"] > 0)


def raise_proven(session: dict[str, Any]) -> None:
    session["d100_sum_lower_gy"] = {name: 1.05 * gy for name, gy in session["d100_sum_lower_gy"].items()}


def test_sessions_planned_at_sample_points_claim_nothing_between_them(two_ctvs: Path, run) -> None:
    assert run("sessions", two_ctvs, "--budget", "time <= 400 s", "--samples-only", "-o", "sampled").code == 0
    ran = run("validate", two_ctvs, "--plan", Path("sampled"), "--json")
    assert ran.code == 0, ran.out + ran.err
    searched = [row for row in rows_of(ran) if "minimum dose" in row["what"]]
    assert [row["state"] for row in searched] == ["skipped", "skipped"]
    assert all("Nothing is claimed between the sample points" in row["note"] for row in searched)


def change_dual(certificate: dict[str, Any]) -> None:
    certificate["dual"] *= 1.02


def test_one_session_alone_is_refused_with_what_to_do(sessions, run) -> None:
    case, folder = sessions
    ran = run("validate", case, "--plan", folder / "session-1")
    assert ran.code == 2
    (error,) = [line for line in ran.err.splitlines() if not line.startswith("warning")]
    assert "none with metrics.json" in error
    assert "of one session, the folder of all" in error


@pytest.mark.parametrize("step_s", ["1", "10"])
def test_a_bound_under_lowered_prescriptions_says_of_which_plans_it_is(case: Path, run, tmp_path: Path, step_s) -> None:
    """Whole times may give a little less D100 than the times before, and so a lower liver dose than "no plan can"."""
    (tmp_path / "goals.toml").write_text(LOWERED)
    flags = ["--goals", tmp_path / "goals.toml", "--time-step", step_s]
    assert run("plan", case, *flags, "-o", "out", "--quiet").code == 0
    certificate = json.loads((tmp_path / "out" / "metrics.json").read_text())["certificate"]
    (held,) = certificate["held"]
    (short,) = certificate["shortfalls"]
    assert (held["structure"], held["goal"], held["unit"]) == ("lesion", "D100 >= 20 Gy", "Gy")
    assert short["reached_gy"] <= held["limit"] * (1 + 1e-6)
    assert certificate["primal"] >= certificate["dual"] * (1 - 1e-9) or certificate["missed"] == [
        "lesion D100 >= 20 Gy"
    ]
    said = f"is that of plans with lesion D100 >= {held['limit']:.5g} Gy"
    assert any(said in line for line in certificate["lines"])
    ran = run("validate", case, *flags, "--plan", "out", "--json")
    assert ran.code == 0, ran.out + ran.err


def test_a_bound_of_prescriptions_in_full_has_no_condition(case: Path, run, tmp_path: Path) -> None:
    assert run("plan", case, "--time-step", "1", "-o", "out", "--quiet").code == 0
    certificate = json.loads((tmp_path / "out" / "metrics.json").read_text())["certificate"]
    assert certificate["held"] == certificate["missed"] == []
    assert not any("is that of plans" in line for line in certificate["lines"])


def test_a_bound_of_plans_that_miss_goals_says_which_isodose_they_keep(case: Path, run, tmp_path: Path) -> None:
    """Whole times change D100 and the isodose: no plan holds all that the delivered one does."""
    (tmp_path / "goals.toml").write_text(CONFORMITY.replace("0.62", "0.85") + LOWERED)
    flags = ["--goals", tmp_path / "goals.toml", "--time-step", "5"]
    assert run("plan", case, *flags, "-o", "out", "--quiet").code == 0
    certificate = json.loads((tmp_path / "out" / "metrics.json").read_text())["certificate"]
    held = {row["goal"]: row["limit"] for row in certificate["held"]}
    assert held["COIN >= 0.85"] > 20.02
    assert f"lesion COIN >= 0.85 at {held['COIN >= 0.85']:.5g} Gy" in "\n".join(certificate["lines"])
    ran = run("validate", case, *flags, "--plan", "out", "--json")
    assert ran.code == 0, ran.out + ran.err
    # What the steps cost is no matter of the liver dose where they cost D100.
    assert [row["what"] for row in rows_of(ran) if row["state"] == "skipped"] == ["whole times in steps of 5 s"]
