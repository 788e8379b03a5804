"""The second check says what the directions of the sources leave open: at every dwell, and of every point's dose."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from dicom_twins import channel, item, rt_plan, rt_structures
from hdrplan.cli.check import command
from hdrplan.dose import dose_at_points
from hdrplan.io import read_brachy_plan
from hdrplan.plan import BrachyPlan, as_plan
from hdrplan.sources import load_source
from hdrplan.workflow import check_plan
from hdrplan.workflow.check_axes import open_by_axes_gy

SOURCE = load_source("gammamed-plus")
RADIUS_MM = 13.0
# A point of the bladder, in front of the ring, and one on its axis.
POINTS = np.array([[24.0, 4.0, 3.0], [0.0, 0.0, -25.0]])


def ring(at: np.ndarray) -> np.ndarray:
    return RADIUS_MM * np.column_stack((np.cos(at / RADIUS_MM), np.sin(at / RADIUS_MM), 0 * at))


def plan_of_ring(folder: Path, *, points: np.ndarray = POINTS) -> tuple[Path, Path]:
    """Two pairs of dwells on a ring, 35 mm apart; and the ring as a structure set draws it."""
    controls = [
        item(
            ControlPointRelativePosition=float(at),
            ControlPoint3DPosition=ring(np.array([at]))[0].round(2).tolist(),
            CumulativeTimeWeight=2.0 * k + weight,
        )
        for k, at in enumerate((0.0, 5.0, 40.0, 45.0))
        for weight in (0.0, 2.0)
    ]
    references = [
        item(DoseReferenceNumber=k + 1, DoseReferencePointCoordinates=p.tolist(), TargetPrescriptionDose=1.0)
        for k, p in enumerate(points)
    ]
    one = channel([], 80.0, 8.0, BrachyControlPointSequence=controls)
    plan = rt_plan(folder / "RP.dcm", [one], DoseReferenceSequence=references)
    drawn = rt_structures(folder / "RS.dcm", {"ring": [ring(np.arange(0.0, 60.0, 1.0))]}, kind="OPEN_NONPLANAR")
    return plan, drawn


def doses_gy(brachy: BrachyPlan) -> np.ndarray:
    plan = as_plan(brachy, SOURCE)
    return dose_at_points(plan.dwells, plan.exposure_s, POINTS, SOURCE, strength_u=plan.strength_u).gy


def test_a_ring_with_and_without_its_path_differs_by_less_than_is_said(tmp_path: Path) -> None:
    from hdrplan.io.dicom.structures import read_structure_set

    path, drawn = plan_of_ring(tmp_path)
    placed, alone = read_brachy_plan(path, read_structure_set(drawn)), read_brachy_plan(path)
    open_gy = open_by_axes_gy(alone, as_plan(alone, SOURCE), POINTS)
    apart_gy = np.abs(doses_gy(alone) - doses_gy(placed))
    assert (apart_gy > 0).all()
    assert (apart_gy <= open_gy).all()
    assert (open_gy < 0.1 * doses_gy(alone)).all()
    known_gy = open_by_axes_gy(placed, as_plan(placed, SOURCE), POINTS)
    assert (known_gy < 0.3 * open_gy).all()


@pytest.mark.parametrize("turn_deg", [-20.0, -7.0, 11.0, 20.0])
def test_no_turn_of_the_axes_changes_a_point_by_more(tmp_path: Path, turn_deg: float) -> None:
    """The same turn of every axis about any direction, by as much as is stated."""
    brachy = read_brachy_plan(plan_of_ring(tmp_path)[0])
    one = brachy.channels[0]
    brachy = replace(brachy, channels=(replace(one, axis_error_deg=np.full(len(one.axes), 20.0)),))
    plan = as_plan(brachy, SOURCE)
    open_gy = open_by_axes_gy(brachy, plan, POINTS)
    turn, rng = np.radians(turn_deg), np.random.default_rng(3)
    for about in rng.normal(size=(20, 3)):
        across = np.cross(plan.dwells.axes, about)
        across /= np.linalg.norm(across, axis=1, keepdims=True)
        dwells = replace(plan.dwells, axes=np.cos(turn) * plan.dwells.axes + np.sin(turn) * across)
        gy = dose_at_points(dwells, plan.times_s, POINTS, SOURCE, strength_u=plan.strength_u).gy
        assert (np.abs(gy - doses_gy(brachy)) <= open_gy + 1e-9).all()


def test_the_check_says_it_at_points_and_dwells(tmp_path: Path) -> None:
    path, _ = plan_of_ring(tmp_path)
    result = CliRunner().invoke(command, [str(path), "--source", "gammamed-plus", "-o", str(tmp_path / "out")])
    assert "channel-axes-uncertain" in result.output
    assert "axes leave ±" in result.output
    table = json.loads((tmp_path / "out" / "check.json").read_text())
    point = next(row for row in table["rows"] if row["kind"] == "point")
    assert 0.001 < point["axes_frac"] < 0.1
    errors_deg = [dwell["axis_error_deg"] for dwell in table["channels"][0]["dwells"]]
    assert all(8.0 < error < 40.0 for error in errors_deg)
    page = (tmp_path / "out" / "check.html").read_text()
    assert "Open by the axes" in page
    assert f"±{errors_deg[0]:.0f}" in page


def test_axes_that_nothing_tells_leave_any_direction_open(tmp_path: Path) -> None:
    """A lonely dwell: its dose at a point is anything between the source's side and its end."""
    brachy = read_brachy_plan(plan_of_ring(tmp_path)[0])
    one = brachy.channels[0]
    lonely = replace(one, axis_error_deg=np.full(4, np.nan))
    check = check_plan(replace(brachy, channels=(lonely,)), SOURCE)
    assert all(row.axes_frac > 0.1 for row in check.rows if row.kind == "point")
