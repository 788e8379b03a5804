"""Cases: what reads, and the one line that says what does not."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from hdrplan.errors import FormatError, HdrPlanError, InputError
from hdrplan.geometry import Catheter, Grid, Volume
from hdrplan.io import case_of_table, read_case, read_catheters, write_case, write_markups, write_volume
from hdrplan.sources import Calibration, Strength
from small_case import GRID, small_labels
from source_book import record


def test_case_folder_reads_with_roles_goals_source_and_hashes(case_folder: Path) -> None:
    found = read_case(case_folder)
    assert [(s.name, s.role) for s in found.case.structures] == [
        ("lesion", "CTV"),
        ("stomach", "OAR"),
        ("liver", "other"),
    ]
    assert found.case.structure("lesion").mask_zyx.sum() == (small_labels() == 32).sum()
    assert found.case.healthy == "liver"
    assert found.goals.prescription_gy("lesion") == 20.0
    assert found.goals.goals[0].text == "D1cc <= 14 Gy"
    assert found.strength.value_u == 40700.0
    assert found.options == {"step_mm": 5.0}
    assert set(found.inputs) == {"case.toml", "ct.nii.gz", "labels.nii.gz", "labels.json", "catheters.json"}
    assert all(len(digest) == 64 for digest in found.inputs.values())


def test_structures_are_cropped_and_stay_in_place(case_folder: Path) -> None:
    lesion = read_case(case_folder).case.structure("lesion")
    assert lesion.grid.shape_zyx == (4, 6, 6)
    np.testing.assert_allclose(lesion.grid.origin_mm, GRID.world([12, 12, 8]), atol=1e-5)


def test_a_prescription_that_is_a_reference_only_is_read_and_written(case_folder: Path, tmp_path: Path) -> None:
    edited(case_folder, 'healthy = "liver"', 'healthy = "liver"\nreference_only = ["lesion"]')
    found = read_case(case_folder)
    assert found.goals.prescriptions == ()
    assert found.goals.prescription_gy("lesion") == 20.0
    (tmp_path / "written").mkdir()
    write_case(tmp_path / "written", found, found.case)
    assert read_case(tmp_path / "written").goals == found.goals


def edited(folder: Path, old: str, new: str) -> Path:
    text = (folder / "case.toml").read_text()
    assert old in text
    (folder / "case.toml").write_text(text.replace(old, new, 1))
    return folder


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('ct = "ct.nii.gz"', 'ct = "nothing.nii.gz"', "none of that name"),
        ('ct = "ct.nii.gz"', 'ct = "/etc/passwd"', "relative to the case folder"),
        ('lesion = "CTV"', 'lesion = "PTV"', "role must be one of CTV, OAR, other"),
        ('lesion = "CTV"', 'lesion = "other"', "CTV"),
        ('stomach = "OAR"', 'stomac = "OAR"', "no structure is named 'stomac'"),
        ("lesion = 20.0", "lesion = 0.0", "between 1 and 100 Gy"),
        ("lesion = 20.0", "lesion = 2000.0", "not cGy"),
        ("lesion = 20.0", 'lesion = "20"', "finite number"),
        ("lesion = 20.0", "lesion = nan", "finite number"),
        ("lesion = 20.0", "stomach = 20.0", "prescriptions are for the CTVs"),
        (
            'healthy = "liver"',
            'healthy = "liver"\nreference_only = "lesion"',
            "reference_only is a list of names of CTVs",
        ),
        ('healthy = "liver"', 'healthy = "liver"\nreference_only = [1]', "reference_only is a list of names of CTVs"),
        ('healthy = "liver"', 'healthy = "liver"\nreference_only = ["liver"]', "reference_only names CTVs (lesion)"),
        ("strength_u = 40700.0", "strength_u = -40700.0", "between 100 and 100,000 U"),
        ("strength_u = 40700.0", "strength_u = 10.0", "10 Ci apparent"),
        ("strength_u = 40700.0", "", "one of three forms"),
        ("strength_u = 40700.0", 'strength_u = "10 Ci"', "apparent"),
        ("strength_u = 40700.0", "activity_ci = 10.0\ncalibration_strength_u = 1.0", "one of three forms"),
        ("strength_u = 40700.0", "activity_ci = 10000.0", "between 100 and 100,000 U"),
        ('name = "gammamed-12i"', 'name = "gammamed-12i"\nfile = "x.json"', "name of the library or a file"),
        ("step_mm = 5.0", "step_mm = 0.0", "step_mm must lie between"),
        ("step_mm = 5.0", "stepp_mm = 5.0", "stepp_mm"),
        ('healthy = "liver"', 'healthy = "lever"', "no structure is named 'lever'"),
        ('name = "small"', 'nane = "small"', "known keys"),
        ('goal = "D1cc <= 14 Gy"', 'goal = "D1cc <= 14"', "needs a unit"),
        ('source = "test"', "", "every goal needs a source"),
        ('structure = "stomach"', 'structure = "colon"', "no structure is named 'colon'"),
        ("level = 0", 'level = "hard"', "level is a whole number"),
        ('names = "labels.json"', 'name = "lesion"', "a mask is 0 outside"),
        ('names = "labels.json"', "", "a label map needs names"),
        ("[roles]", "[rolls]", "known keys"),
        ("[roles]", "[roles", "expected TOML"),
    ],
)
def test_broken_case_toml_is_one_clear_line(case_folder: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(HdrPlanError) as failure:
        read_case(edited(case_folder, old, new))
    assert says in str(failure.value)
    assert "\n" not in str(failure.value)


def test_missing_folder_and_folder_without_case_toml(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none of that name"):
        read_case(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"expected a case folder or a case\.toml, got "):
        read_case(tmp_path)


def test_empty_ctv(case_folder: Path) -> None:
    labels = small_labels()
    labels[labels == 32] = 0
    write_volume(case_folder / "labels.nii.gz", Volume(GRID, labels))
    with pytest.raises(InputError, match="'lesion' must have voxels"):
        read_case(case_folder)


def test_structures_elsewhere_than_the_ct(case_folder: Path) -> None:
    far = Grid(shape_zyx=GRID.shape_zyx, origin_mm=np.add(GRID.origin_mm, (0, 0, 500)), spacing_mm=GRID.spacing_mm)
    write_volume(case_folder / "labels.nii.gz", Volume(far, small_labels()))
    with pytest.raises(InputError, match="must lie inside the CT"):
        read_case(case_folder)


def test_structures_on_another_grid_and_oblique_are_compared_in_space(case_folder: Path) -> None:
    turn = np.array([[np.cos(0.1), -np.sin(0.1), 0], [np.sin(0.1), np.cos(0.1), 0], [0, 0, 1]])
    oblique = Grid(
        shape_zyx=GRID.shape_zyx,
        origin_mm=np.add(GRID.origin_mm, (3, -1, 0)),
        spacing_mm=GRID.spacing_mm * 0.95,
        direction=turn,
    )
    write_volume(case_folder / "labels.nii.gz", Volume(oblique, small_labels()))
    lesion = read_case(case_folder).case.structure("lesion")
    np.testing.assert_allclose(lesion.grid.direction, turn, atol=1e-6)
    np.testing.assert_allclose(lesion.grid.world([0, 0, 0]), oblique.world([12, 12, 8]), atol=1e-3)


def catheter_file(folder: Path, points: list[list[float]], key: str = "hub_to_tip_mm_lps") -> None:
    (folder / "catheters.json").write_text(json.dumps([{"name": "c1", key: points}]))


def test_catheter_of_one_point_repeated_nan_and_metres(case_folder: Path) -> None:
    tip = GRID.world([18, 15, 10]).tolist()
    hub = GRID.world([0, 14, 9]).tolist()
    for points, says in (
        ([tip], "at least two points"),
        ([hub, hub, tip], "must differ"),
        ([hub, [float("nan"), 0, 0]], "finite"),
        ([(np.array(hub) / 1000).tolist(), (np.array(tip) / 1000).tolist()], "not cm or m"),
        ([[500.0, 0, 0], [600.0, 0, 0]], "within 30 mm of a CTV"),
        ([hub, [1.0, 2.0]], "hub_to_tip_mm_lps[1] must hold 3 numbers"),
        ([hub, ["a", 2.0, 3.0]], "hub_to_tip_mm_lps[1][0] must be a finite number"),
    ):
        catheter_file(case_folder, points)
        with pytest.raises(HdrPlanError) as failure:
            read_case(case_folder)
        assert says in str(failure.value), points


def test_catheters_in_ras_called_lps_are_suspected(case_folder: Path) -> None:
    labels = np.zeros_like(small_labels())
    labels[8:12, 2:6, 2:6] = 32
    labels[5:9, 5:9, 33:38] = 6
    labels[2, 2, 2:5] = 1
    write_volume(case_folder / "labels.nii.gz", Volume(GRID, labels))
    tip, hub = GRID.world([4, 4, 10]), GRID.world([0, 0, 9])
    mirrored = (np.array([hub, tip]) * [-1, -1, 1]).tolist()
    catheter_file(case_folder, mirrored)
    with pytest.raises(InputError, match="the file is RAS but says LPS"):
        read_case(case_folder)
    catheter_file(case_folder, mirrored, "hub_to_tip_mm_ras")
    np.testing.assert_allclose(read_case(case_folder).case.catheters[0].points_mm[-1], tip)


def test_overlapping_roles(case_folder: Path) -> None:
    lesion = (small_labels() == 32).astype(np.uint8)
    write_volume(case_folder / "copy.nii.gz", Volume(GRID, lesion))
    text = (case_folder / "case.toml").read_text()
    text = text.replace("[roles]", '[[structures]]\nfile = "copy.nii.gz"\nname = "copy"\n[roles]\ncopy = "OAR"')
    (case_folder / "case.toml").write_text(text)
    with pytest.raises(InputError, match="must be different tissue"):
        read_case(case_folder)


def test_a_source_of_a_bounded_phantom_is_a_warning(case_folder: Path) -> None:
    assert not any("15 cm radius" in w.text for w in read_case(case_folder).warnings)
    text = (case_folder / "case.toml").read_text()
    changed = text.replace('"gammamed-12i"', '"microselectron-v2-daskalov"')
    assert changed != text
    (case_folder / "case.toml").write_text(changed)
    (warning,) = (w.text for w in read_case(case_folder).warnings if w.id == "bounded-source")
    assert warning.endswith("For planning use microselectron-v2.")


def test_first_point_nearer_than_last_is_a_warning(case_folder: Path) -> None:
    tip, hub = GRID.world([18, 15, 10]), GRID.world([0, 14, 9])
    catheter_file(case_folder, [tip.tolist(), hub.tolist()])
    assert any(w.id == "catheter-hub-first" for w in read_case(case_folder).warnings)


def test_table_of_flags_reads_the_same_case_with_absolute_paths(case_folder: Path) -> None:
    table = {
        "name": "flags",
        "ct": str(case_folder / "ct.nii.gz"),
        "catheters": str(case_folder / "catheters.json"),
        "structures": [{"file": str(case_folder / "labels.nii.gz"), "names": str(case_folder / "labels.json")}],
        "roles": {"lesion": "CTV"},
        "prescription_gy": 20,
        "source": {"name": "gammamed-12i", "strength_u": 40700},
    }
    found = case_of_table(table, Path("."), where="the command line")
    assert found.goals.prescription_gy("lesion") == 20.0
    assert set(found.inputs) == {"ct.nii.gz", "labels.nii.gz", "labels.json", "catheters.json"}


def with_goals_file(folder: Path, content: str, *, dwells: str = "step_mm = 5.0") -> Path:
    text = (folder / "case.toml").read_text().split("[[goals]]")[0].replace("step_mm = 5.0", dwells)
    (folder / "case.toml").write_text('goals = "goals.toml"\n' + text)
    (folder / "goals.toml").write_text(content)
    return folder


def test_a_file_of_goals_states_rules_of_dwell_times(case_folder: Path) -> None:
    goal = '[[goals]]\nstructure = "stomach"\ngoal = "D1cc <= 15 Gy"\nsource = "x"\n'
    found = read_case(with_goals_file(case_folder, goal + "[dwells]\ntime_ratio = 2\nmax_dwell_s = 60\n"))
    assert found.options == {"step_mm": 5.0, "time_ratio": 2.0, "max_dwell_s": 60.0}
    assert [g.text for g in found.goals.goals] == ["D1cc <= 15 Gy"]
    # A case that is written again keeps them.
    (case_folder.parent / "again").mkdir()
    write_case(case_folder.parent / "again", found, found.case)
    assert read_case(case_folder.parent / "again").options == found.options
    # What the flag says stands before it.
    assert read_case(case_folder, {"dwells": {"time_ratio": 3.0}}).options["time_ratio"] == 3.0


def test_what_the_case_says_of_dwell_times_stands_before_its_file_of_goals(case_folder: Path) -> None:
    found = read_case(with_goals_file(case_folder, "[dwells]\ntime_ratio = 2\n", dwells="time_ratio = 4"))
    assert found.options == {"time_ratio": 4.0}
    assert found.goals.goals == ()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[dwells]\nratio = 2\n", "ratio"),
        ("[dwells]\nstep_mm = 5\n", "step_mm"),
        ("[dwells]\ntime_ratio = 'two'\n", "time_ratio"),
        ("[dwells]\ntime_ratio = -1\n", "time_ratio"),
        ("dwells = 3\n", "dwells"),
        ("", "goals"),
    ],
)
def test_rules_of_dwell_times_that_cannot_be_are_refused_with_their_file(
    case_folder: Path, content: str, said: str
) -> None:
    with pytest.raises(HdrPlanError) as refused:
        read_case(with_goals_file(case_folder, content))
    assert "goals.toml" in str(refused.value)
    assert said in str(refused.value)


def test_goals_of_a_protocol_file_skip_absent_organs(case_folder: Path) -> None:
    text = (case_folder / "case.toml").read_text().split("[[goals]]")[0]
    (case_folder / "case.toml").write_text('goals = "goals.toml"\n' + text)
    (case_folder / "goals.toml").write_text(
        '[[goals]]\nstructure = "colon"\ngoal = "D1cc <= 15 Gy"\nsource = "x"\n'
        '[[goals]]\nstructure = "stomach"\ngoal = "D1cc <= 15 Gy"\nsource = "x"\n'
    )
    found = read_case(case_folder)
    assert [g.structure for g in found.goals.goals] == ["stomach"]
    assert any("colon" in w.text for w in found.warnings)


def test_real_liver_case(shared: Path, tmp_path: Path) -> None:
    data = shared / "data" / "liver_case_1p5mm"
    table = {
        "ct": str(data / "ct.nii.gz"),
        "catheters": str(data / "catheters_line_RAS.mrk.json"),
        "structures": [{"file": str(data / "labels.nii.gz"), "names": str(data / "labels.json")}],
        "roles": {"lesion_B": "CTV", "stomach": "OAR", "liver": "other", "ribs": "OAR"},
        "prescription_gy": 20,
        "healthy": "liver",
        "source": {"name": "gammamed-12i", "strength_u": 40700},
    }
    found = case_of_table(table, tmp_path, where="test")
    assert len(found.case.catheters) == 7
    assert found.case.structure("lesion_B").volume_cc == pytest.approx(47.0, abs=0.5)
    segments = dict(table, structures=[{"file": str(data / "segmentation.seg.nrrd")}])
    again = case_of_table(segments, tmp_path, where="test").case
    np.testing.assert_array_equal(again.structure("lesion_B").mask_zyx, found.case.structure("lesion_B").mask_zyx)
    # In the segmentation the liver contains its lesions, in the label map they replace it.
    assert again.structure("liver").volume_cc > found.case.structure("liver").volume_cc + 40


def test_format_errors_are_input_errors() -> None:
    assert issubclass(FormatError, InputError)


def test_a_calibration_stays_with_its_strength(case_folder: Path) -> None:
    assert read_case(case_folder).strength == Strength(40700.0)
    given = (
        "calibration_strength_u = 40700.0\ncalibration_time = 2024-01-01T00:00:00\n"
        'treatment_time = "2024-03-14T19:55:12"'
    )
    strength = read_case(edited(case_folder, "strength_u = 40700.0", given)).strength
    assert strength.origin == Calibration(40700.0, datetime(2024, 1, 1), 73.83)
    assert strength.time == datetime(2024, 3, 14, 19, 55, 12)
    assert strength.decay_factor == pytest.approx(0.5, rel=1e-6)


@pytest.mark.parametrize(
    ("given", "strength_u"),
    [
        ('strength_u = "10 Ci apparent"', 40700.0),
        ("activity_ci = 10.0", 40700.0),
        (
            "calibration_strength_u = 40700.0\ncalibration_time = 2024-01-01T00:00:00\n"
            'treatment_time = "2024-03-14T19:55:12"',
            20350.0,
        ),
    ],
)
def test_three_forms_of_strength(case_folder: Path, given: str, strength_u: float) -> None:
    found = read_case(edited(case_folder, "strength_u = 40700.0", given))
    assert found.strength.value_u == pytest.approx(strength_u, rel=3e-4)


CALIBRATED = (
    "calibration_strength_u = 40700.0\ncalibration_time = 2024-01-01T00:00:00\ntreatment_time = 2024-03-14T19:55:12"
)


def own_source(folder: Path) -> Path:
    """Write a source file of another half-life."""
    (folder / "ours.json").write_text(json.dumps(record("gammamed-12i") | {"name": "ours", "half_life_days": 74.0}))
    return folder / "ours.json"


def test_model_and_strength_are_each_replaced_as_a_whole(case_folder: Path) -> None:
    folder = edited(case_folder, "strength_u = 40700.0", CALIBRATED)
    before = read_case(folder)
    other = read_case(folder, {"source": {"file": str(own_source(case_folder))}})
    assert other.source.name == "ours"
    assert other.strength.origin == replace(before.strength.origin, half_life_days=74.0)
    assert read_case(folder, {"source": {"strength_u": 30000.0}}).strength == Strength(30000.0)
    assert read_case(folder, {"source": {"strength_u": 30000.0}}).source is before.source


def test_a_written_case_keeps_source_and_calibration(case_folder: Path, tmp_path: Path) -> None:
    folder = edited(case_folder, "strength_u = 40700.0", CALIBRATED)
    found = read_case(folder, {"source": {"file": str(own_source(case_folder))}})
    (tmp_path / "written").mkdir()
    write_case(tmp_path / "written", found, found.case)
    back = read_case(tmp_path / "written")
    assert back.strength == found.strength
    assert back.source.name == "ours"
    np.testing.assert_array_equal(back.source.anisotropy, found.source.anisotropy)


@pytest.mark.parametrize("text", ["10 Ci apparent", "123.4 GBq apparent", "40700.3"])
def test_a_written_case_keeps_its_strength(case_folder: Path, tmp_path: Path, text: str) -> None:
    found = read_case(case_folder, {"source": {"strength_u": text}})
    (tmp_path / "written").mkdir()
    write_case(tmp_path / "written", found, found.case)
    assert read_case(tmp_path / "written").strength.value_u == pytest.approx(found.strength.value_u, rel=1e-15)


def test_the_dwells_that_an_export_brings_are_no_catheter(tmp_path: Path) -> None:
    points = np.array([[0.0, 0.0, 100.0], [0.0, 0.0, 0.0]])
    path = tmp_path / "catheters.mrk.json"
    write_markups(path, [Catheter("cath_1", points)], [("1.0 s", (0.0, 0.0, 3.0))])
    (only,) = read_catheters(path)
    np.testing.assert_array_equal(only.points_mm, points)
    path.write_text(path.read_text().replace('"dwells"', '"needle"'))
    with pytest.raises(FormatError, match="a catheter is a Curve or a Line"):
        read_catheters(path)
