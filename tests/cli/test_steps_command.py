"""``hdrplan steps`` and ``hdrplan sessions`` on two small lesions in water, a catheter in each."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 (its own documentation names it so)

SPACING_MM = (2.5, 2.5, 2.5)
CENTRES_MM = {"left": (30.0, 40.0, 40.0), "right": (80.0, 40.0, 40.0)}


@pytest.fixture
def two_lesions(tmp_path: Path) -> Path:
    folder = tmp_path / "two-lesions"
    folder.mkdir()
    shape = (32, 32, 44)
    z, y, x = np.meshgrid(*(np.arange(n) * 2.5 for n in shape), indexing="ij")
    mm = np.stack((x, y, z), axis=-1)
    labels = np.ones(shape, np.uint8)
    for value, centre in enumerate(CENTRES_MM.values(), start=2):
        labels[np.linalg.norm(mm - centre, axis=-1) < 9] = value
    for name, values in (("ct", np.zeros(shape, np.int16)), ("labels", labels)):
        image = sitk.GetImageFromArray(values)
        image.SetSpacing(SPACING_MM)
        sitk.WriteImage(image, str(folder / f"{name}.nrrd"))
    (folder / "labels.json").write_text(json.dumps({"1": "liver", "2": "left", "3": "right"}))
    (folder / "catheters.json").write_text(
        json.dumps(
            [{"name": name, "hub_to_tip_mm_lps": [[x, y, 5], [x, y, z + 14]]} for name, (x, y, z) in CENTRES_MM.items()]
        )
    )
    (folder / "case.toml").write_text(
        """
name = "two"
ct = "ct.nrrd"
catheters = "catheters.json"
healthy = "liver"
[[structures]]
file = "labels.nrrd"
names = "labels.json"
[roles]
left = "CTV"
right = "CTV"
liver = "OAR"
[prescription_gy]
left = 20.0
right = 20.0
[source]
name = "gammamed-12i"
strength_u = 40700.0
"""
    )
    return folder


def test_finer_steps_lose_less_against_one_bound(two_lesions: Path, run, tmp_path: Path) -> None:
    ran = run("steps", two_lesions, "--steps", "10,5", "-o", "steps.csv", "--json")
    assert ran.code == 0, ran.err
    coarse, fine = json.loads(ran.out)["steps"]
    assert (coarse["step_mm"], fine["step_mm"]) == (10.0, 5.0)
    assert coarse["bound"] == fine["bound"] <= fine["value"] * (1 + 1e-6)
    assert fine["value"] < coarse["value"]
    assert coarse["value"] / coarse["bound"] - 1 == pytest.approx(coarse["loss_frac"])
    assert coarse["active_dwells"] <= coarse["positions"] < fine["positions"]
    # The offsets found are what a planner types as --tip-offset: a multiple of the finest step behind the usual one.
    assert set(coarse["first_dwell_from_tip_mm"]) == set(CENTRES_MM)
    with (tmp_path / "steps.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["value"]) for row in rows] == [coarse["value"], fine["value"]]
    assert float(rows[0]["first_dwell_left_mm"]) == coarse["first_dwell_from_tip_mm"]["left"]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--steps", "7,5"), "multiples"),
        (("--steps", "ten"), "MM,MM"),
        (("--steps", "0"), "positive"),
        (("--min-dwell", "1"), "No such option"),
    ],
)
def test_steps_that_cannot_be_are_refused(two_lesions: Path, run, tmp_path: Path, flags, said: str) -> None:
    ran = run("steps", two_lesions, "-o", "steps.csv", *flags)
    assert ran.code == 2
    assert said in ran.err
    assert not (tmp_path / "steps.csv").exists()


def test_a_tight_budget_of_time_makes_two_sessions(two_lesions: Path, run, tmp_path: Path) -> None:
    ran = run("sessions", two_lesions, "-o", "one", "--json")
    assert ran.code == 0, ran.err
    (one,) = json.loads(ran.out)["sessions"]
    assert one["lesions"] == ["left", "right"]
    assert min(one["d100_gy"].values()) >= 20.0 * (1 - 1e-6)

    budget_s = 0.7 * one["total_time_s"]
    ran = run("sessions", two_lesions, "--budget", f"time <= {budget_s:.1f} s", "-o", "two")
    assert ran.code == 0, ran.err
    assert "2 sessions" in ran.out
    table = json.loads((tmp_path / "two" / "sessions.json").read_text())
    assert [session["lesions"] for session in table["sessions"]] == [["left"], ["right"]]
    for k, session in enumerate(table["sessions"], start=1):
        plan = json.loads((tmp_path / "two" / f"session-{k}" / "plan.json").read_text())
        assert sum(d["time_s"] for d in plan["dwells"]) == pytest.approx(session["total_time_s"])
        assert session["total_time_s"] <= budget_s + 0.05
    # What both give together is the prescription of both.
    assert min(table["sessions"][1]["d100_sum_gy"].values()) >= 20.0 * (1 - 1e-6)
    assert json.loads((tmp_path / "two" / "run.json").read_text())["options"]["most"] == 4
    evaluated = run("evaluate", two_lesions, "--plan", "two/session-1", "--samples-only", "--json")
    assert evaluated.code == 0, evaluated.err
    left = json.loads(evaluated.out)["structures"]["left"]
    assert left["d100_gy"] == pytest.approx(table["sessions"][0]["d100_gy"]["left"], rel=1e-9)
    # On the axis below the only needle it is 12 Gy: what is said of D100 is said to be of the sample points.
    assert "between them the dose may be lower" in ran.out
    assert "sample points" in table["d100"]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--budget", "time >= 10 s"), "upper limit"),
        (("--budget", "Dmean <= 5 Gy"), "NAME: Dmean"),
        (("--budget", "spleen: Dmean <= 5 Gy"), "spleen"),
        (("--budget", "time <= 1 s"), "at most 2 sessions"),
        (("--most", "5"), "between 1 and 4"),
    ],
)
def test_budgets_that_cannot_be_are_refused(two_lesions: Path, run, tmp_path: Path, flags, said: str) -> None:
    ran = run("sessions", two_lesions, "-o", "out", *flags)
    assert ran.code == 2
    assert said in ran.err
    assert not (tmp_path / "out").exists()
