"""Sums over sessions: voxel by voxel against hand values, bounds against every arrangement of two DVHs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from hdrplan.analysis import accumulated_eqd2_gy, d100_bounds, dose_in_session, lower_bounds, single_session_gy
from hdrplan.cli import cli
from hdrplan.errors import InputError
from hdrplan.geometry import Grid, Volume
from hdrplan.io import write_volume
from hdrplan.metrics import eqd2_gy

METRICS = {"d100_gy": 1.0, "d98_gy": 0.98, "d95_gy": 0.95, "d90_gy": 0.9, "d50_gy": 0.5, "d2_gy": 0.02}


def metrics(dose: np.ndarray) -> dict[str, float]:
    """D_x of equal voxels: the smallest dose among the hottest x, the minimum for D100."""
    ordered = np.sort(dose)[::-1]
    return {k: float(ordered[min(int(np.ceil(f * dose.size)), dose.size) - 1]) for k, f in METRICS.items()}


def test_one_session_is_its_own_dose() -> None:
    one = {"d100_gy": 18.0, "d98_gy": 20.0, "v100_pct": 97.0}
    assert lower_bounds([one], 10.0) == one
    assert d100_bounds([one], 10.0) == (pytest.approx(18.0 * 2.8 / 1.2), pytest.approx(18.0 * 2.8 / 1.2))


def test_single_session_dose_is_the_inverse_of_eqd2() -> None:
    dose = np.array([0.5, 8.0, 20.0, 60.0])
    for ratio in (3.0, 10.0, 43.1):
        np.testing.assert_allclose(single_session_gy(eqd2_gy(dose, ratio), ratio), dose, rtol=1e-13)


def test_two_sessions_of_12_gy_everywhere_are_44_gy_eqd2() -> None:
    # 12 Gy in one session: 12 (1 + 1.2) / 1.2 = 22 Gy EQD2 with alpha/beta 10.
    found = accumulated_eqd2_gy([np.full(50, 12.0), np.full(50, 12.0)], np.full(50, 0.1), 10.0)
    assert found["eqd2_d100_gy"] == pytest.approx(44.0)
    assert found["d100_gy"] == pytest.approx(5 * (np.sqrt(1 + 4 * 52.8 / 10) - 1))
    with pytest.raises(InputError, match="every session"):
        accumulated_eqd2_gy([np.full(50, 12.0), np.full(49, 12.0)], np.full(50, 0.1), 10.0)


@pytest.mark.parametrize("seed", range(20))
def test_bounds_hold_however_the_sessions_lie(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 400
    sessions = [12.0 + rng.gamma(2.0, 6.0, n) for _ in range(int(rng.integers(2, 4)))]
    # Sorted alike, against each other, and shuffled: the bounds know nothing of it and must hold for all.
    sessions[1:] = [(np.sort(s), np.sort(s)[::-1], s)[seed % 3] for s in sessions[1:]]
    sessions[0] = np.sort(sessions[0])
    each = [metrics(s) for s in sessions]
    total = np.sum([eqd2_gy(s, 10.0) for s in sessions], axis=0)
    low, high = d100_bounds(each, 10.0)
    assert low <= total.min() <= high
    true = metrics(total)
    for name, value in lower_bounds(each, 10.0).items():
        assert eqd2_gy(value, 10.0) <= true[name] * (1 + 1e-12)


def test_the_upper_bound_needs_more_than_d100() -> None:
    assert d100_bounds([{"d100_gy": 10.0}, {"d100_gy": 12.0}], 10.0)[1] == np.inf


def test_dose_is_taken_where_the_tissue_lies_in_each_session() -> None:
    # A dose that rises by 1 Gy a mm along x; the second session's frame is shifted by 4 mm.
    grid = Grid(shape_zyx=(5, 5, 21), origin_mm=[0.0, 0.0, 0.0], spacing_mm=[1.0, 1.0, 1.0])
    dose = Volume(grid, np.broadcast_to(np.arange(21.0), grid.shape_zyx))
    points = np.array([[2.0, 2.0, 2.0], [6.5, 1.0, 3.0]])
    np.testing.assert_allclose(dose_in_session(dose, points), [2.0, 6.5])
    shift = np.eye(4)
    shift[0, 3] = 4.0
    np.testing.assert_allclose(dose_in_session(dose, points, shift), [6.0, 10.5])
    turn = np.array([[0.0, 1, 0, 0], [-1, 0, 0, 4], [0, 0, 1, 0], [0, 0, 0, 1]])
    np.testing.assert_allclose(dose_in_session(dose, points[:1], turn), [2.0])
    with pytest.raises(InputError, match="cover the lesion"):
        dose_in_session(dose, points + 15.0)
    with pytest.raises(InputError, match="4 x 4"):
        dose_in_session(dose, points, np.eye(3))


def test_accumulate_from_the_command_line(tmp_path: Path) -> None:
    grid = Grid(shape_zyx=(20, 20, 20), origin_mm=[-9.5, -9.5, -9.5], spacing_mm=[1.0, 1.0, 1.0])
    z, y, x = np.meshgrid(*[np.arange(20) - 9.5] * 3, indexing="ij")
    write_volume(tmp_path / "ctv.nii.gz", Volume(grid, (x**2 + y**2 + z**2 < 36).astype(np.uint8)))
    write_volume(tmp_path / "one.nrrd", Volume(grid, np.full((20, 20, 20), 12.0, dtype=np.float32)))
    (tmp_path / "move.json").write_text(json.dumps(np.eye(4).tolist()))
    args = ["cohort", "accumulate", str(tmp_path / "ctv.nii.gz"), "--dose", str(tmp_path / "one.nrrd")]
    args += ["--dose", f"{tmp_path / 'one.nrrd'}={tmp_path / 'move.json'}"]
    run = CliRunner().invoke(cli, args, catch_exceptions=False)
    assert run.exit_code == 0
    assert json.loads(run.stdout)["eqd2_d100_gy"] == pytest.approx(44.0)
    # One dose under two names counts twice: said, and kept in the answer.
    assert [said["id"] for said in json.loads(run.stdout)["warnings"]] == ["sessions-alike"]
    assert "warning [sessions-alike]: the doses of sessions 1 and 2 agree" in run.stderr


@pytest.mark.parametrize(
    ("second", "transform", "kind"),
    [
        (13.0, None, None),
        (1300.0, None, "dose-unusual"),
        (0.13, None, "dose-unusual session-without-dose"),
        (-13.0, None, "dose-negative dose-unusual session-without-dose"),
        (13.0, np.diag([0.1, 0.1, 0.1, 1.0]), "transform-scales"),
        (13.0, np.diag([-1.0, 1.0, 1.0, 1.0]), "transform-scales"),
    ],
    ids=["right", "cGy", "of 100 fractions", "a difference", "cm", "mirrored"],
)
def test_doses_of_sessions_that_cannot_be(
    tmp_path: Path, second: float, transform: np.ndarray | None, kind: str | None
) -> None:
    grid = Grid(shape_zyx=(40, 40, 40), origin_mm=[-19.5, -19.5, -19.5], spacing_mm=[1.0, 1.0, 1.0])
    z, y, x = np.meshgrid(*[np.arange(40) - 19.5] * 3, indexing="ij")
    write_volume(tmp_path / "ctv.nii.gz", Volume(grid, (x**2 + y**2 + z**2 < 36).astype(np.uint8)))
    args = ["cohort", "accumulate", str(tmp_path / "ctv.nii.gz")]
    for name, gy in (("one", 12.0), ("two", second)):
        write_volume(tmp_path / f"{name}.nrrd", Volume(grid, np.full((40, 40, 40), gy, dtype=np.float32)))
        args += ["--dose", str(tmp_path / f"{name}.nrrd")]
    if transform is not None:
        (tmp_path / "move.json").write_text(json.dumps(transform.tolist()))
        args[-1] += f"={tmp_path / 'move.json'}"
    run = CliRunner().invoke(cli, args, catch_exceptions=False)
    assert run.exit_code == 0
    assert " ".join(sorted(said["id"] for said in json.loads(run.stdout)["warnings"])) == (kind or "")
    strict = CliRunner().invoke(cli, [*args, "--strict"])
    assert (strict.exit_code == 0) is (kind is None)
