"""What is right is left alone: phantoms, the demo and public data give no warning."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hdrplan.geometry import Catheter, Structure, Volume
from hdrplan.io import case_of_table, read_case, read_volume
from hdrplan.plan import Case
from hdrplan.plausibility.anatomy import doubts_of_anatomy, doubts_of_tissue
from hdrplan.plausibility.images import doubts_of_ct
from hdrplan.plausibility.strength import doubts_of_strength
from hdrplan.plausibility.traces import doubts_of_traces
from hdrplan.sources import Strength

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
PHANTOMS = sorted(path.parent for path in (ROOT / "phantoms").glob("*/case.toml"))
SOURCE = {"name": "gammamed-12i", "strength_u": 40700}

HOLLOW = ("stomach", "duodenum", "small_bowel", "colon", "esophagus")


def limits(roles: dict[str, str]) -> list[dict[str, str]]:
    """A limit for each hollow organ at risk."""
    organs = [name for name in roles if name in HOLLOW and roles[name] == "OAR"]
    return [{"structure": name, "goal": "D1cc <= 14 Gy", "source": "doi"} for name in organs]


shared = pytest.mark.skipif(not DATA.is_dir(), reason="../shared is not on this machine")


@pytest.mark.parametrize("folder", PHANTOMS, ids=lambda folder: folder.name)
def test_a_packaged_phantom_gives_no_warning_but_for_its_rib(folder: Path) -> None:
    """The synthetic catheter 7 of lesion B passes through a rib on the CT's own voxels (1.5 mm), and this is said."""
    said = [(c.id, dict(c.values)["name"], dict(c.values)["organ"]) for c in read_case(folder).warnings]
    in_rib = [("catheter-through-organ", "cath_7", "ribs")]
    assert said == (in_rib if folder.name == "liver-lesion-b" else [])


@pytest.mark.parametrize("folder", PHANTOMS, ids=lambda folder: folder.name)
def test_nor_does_it_before_the_puncture(folder: Path) -> None:
    assert read_case(folder, before_puncture=True).warnings == ()


@shared
@pytest.mark.shared
@pytest.mark.parametrize("ctv", ["lesion_A", "lesion_B", "lesion_C"])
@pytest.mark.parametrize(
    "catheters", [None, "catheters.json", "catheters_curve_LPS.mrk.json", "catheters_line_RAS.mrk.json"]
)
def test_a_real_liver_gives_no_warning(ctv: str, catheters: str | None) -> None:
    case = DATA / "liver_case_1p5mm"
    names = [str(name) for name in json.loads((case / "labels.json").read_text()).values()]
    # These are in the names file, not in the images.
    empty = {"heart", "body", "esophagus"}
    lesions = dict.fromkeys((name for name in names if name.startswith("lesion")), "other")
    roles = dict.fromkeys((name for name in names if name not in empty), "OAR") | lesions | {ctv: "CTV"}
    table: dict[str, object] = {
        "ct": "ct.nii.gz",
        "structures": [{"file": "labels.nii.gz", "names": "labels.json"}],
        "roles": roles,
        "healthy": "liver",
        "prescription_gy": 20.0,
        "source": SOURCE,
        "goals": limits(roles),
    }
    if catheters is not None:
        if ctv != "lesion_B":
            pytest.skip("the catheters are those of lesion_B")
        table["catheters"] = catheters
    said = [(c.id, dict(c.values)["name"]) for c in case_of_table(table, case, where="test").warnings]
    # Drawn as curves, catheter 7 passes through a rib; its straight line does not.
    curves = catheters is not None and "line" not in catheters
    assert said == ([("catheter-through-organ", "cath_7")] if curves else [])


@shared
@pytest.mark.shared
@pytest.mark.parametrize("ct", ["ct.nii.gz", "ct.nrrd"])
def test_every_organ_of_a_real_trunk_lies_where_it_is_and_in_its_tissue(ct: str) -> None:
    case = DATA / "ts_torso_3mm"
    labels = json.loads((case / "totalseg_v2_labels.json").read_text())
    roles = dict.fromkeys((str(name) for name in labels.values()), "OAR") | {"gallbladder": "CTV"}
    table = {
        "ct": ct,
        "structures": [{"file": "totalseg_v2_labels.nii.gz", "names": "totalseg_v2_labels.json"}],
        "roles": roles,
        "healthy": "liver",
        "prescription_gy": 20.0,
        "source": SOURCE,
        "goals": limits(roles),
    }
    (only,) = case_of_table(table, case, where="test").warnings
    # An organ had to be the CTV.
    assert only.id == "ctv-named-as-organ"


@shared
@pytest.mark.shared
@pytest.mark.parametrize(
    "name", ["slicer_samples/CTChest4.nrrd", "ts_dicom_20slices/ct.nii.gz", "ts_dicom_20slices/dicom"]
)
def test_a_real_ct_gives_no_warning(name: str) -> None:
    # Slices of 10 mm are no false alarm.
    thick = ["voxels-large"] if name.endswith("CTChest4.nrrd") else []
    assert [doubt.id for doubt in doubts_of_ct(read_volume(DATA / name))] == thick


@pytest.fixture(scope="module")
def liver_case() -> Case:
    """The liver on slices of 5 mm."""
    return read_case(ROOT / "phantoms" / "liver-lesion-b-5mm").case


@pytest.fixture(scope="module")
def fine_case() -> Case:
    """The liver on slices of 2.5 mm: on thicker ones a lone liver upside down is not noticed."""
    return read_case(ROOT / "phantoms" / "liver-lesion-b").case


def test_a_patient_on_the_belly_is_not_flipped(liver_case: Case) -> None:
    """LPS is the patient's: prone images come with turned directions, and the spine is at the back all the same."""
    ct = liver_case.ct
    assert ct is not None
    grid = ct.grid
    _, ny, nx = grid.shape_zyx
    turned = type(grid)(
        shape_zyx=grid.shape_zyx,
        origin_mm=grid.world([nx - 1, ny - 1, 0]),
        spacing_mm=grid.spacing_mm,
        direction=grid.direction @ np.diag([-1.0, -1.0, 1.0]),
    )
    assert doubts_of_ct(Volume(turned, ct.values_zyx[:, ::-1, ::-1])) == []
    assert [doubt.id for doubt in doubts_of_ct(Volume(grid, ct.values_zyx[:, ::-1]))] == ["ct-flipped"]


@pytest.mark.parametrize("strength_u", [10_175.0, 17_500.0, 40_700.0, 48_000.0, 61_000.0])
def test_a_source_between_exchange_and_two_half_lives_is_usual(strength_u: float) -> None:
    assert doubts_of_strength(Strength(strength_u)) == []


def moved(how: str, values: np.ndarray, spacing_mm: np.ndarray) -> np.ndarray:
    """The values of a CT, flipped or 2 cm beside their place; or with the noise of a low dose."""
    if how == "noise":
        return values + np.random.default_rng(1).normal(0.0, 60.0, values.shape)
    axis = {"x": 2, "y": 1, "z": 0}[how[-1]]
    if how.startswith("flip"):
        return np.flip(values, axis)
    return np.roll(values, round(20.0 / spacing_mm[2 - axis]), axis)


@pytest.mark.parametrize("how", ["flip x", "flip y", "flip z", "shift x", "shift z", "noise"])
def test_organs_two_centimetres_beside_their_place_are_noticed_and_noise_is_not(how: str, liver_case: Case) -> None:
    case = liver_case
    assert case.ct is not None
    values = np.ascontiguousarray(moved(how, case.ct.values_zyx, case.ct.grid.spacing_mm))
    doubts = doubts_of_tissue(case.structures, Volume(case.ct.grid, values))
    assert bool(doubts) == (how != "noise"), doubts


@pytest.mark.parametrize(
    ("axis", "id_"), [(0, "anatomy-mirrored"), (1, "ct-flipped"), (2, "anatomy-mirrored"), (None, "")]
)
def test_a_ct_and_its_liver_flipped_together_are_noticed_without_another_organ(
    axis: int | None, id_: str, fine_case: Case
) -> None:
    case = fine_case
    assert case.ct is not None
    grid, liver = case.ct.grid, next(s for s in case.structures if s.name == "liver")
    mask = np.zeros(grid.shape_zyx, dtype=bool)
    index = np.rint(grid.index(liver.grid.world(np.argwhere(liver.mask_zyx)[:, ::-1]))).astype(int)
    mask[tuple(index[:, ::-1].T)] = True
    values = case.ct.values_zyx
    if axis is not None:
        mask, values = np.flip(mask, 2 - axis), np.flip(values, 2 - axis)
    ct = Volume(grid, np.ascontiguousarray(values))
    alone = Structure(name="liver", role="OAR", grid=grid, mask_zyx=np.ascontiguousarray(mask))
    said = [doubt.id for doubt in (*doubts_of_ct(ct), *doubts_of_anatomy([alone], ct))]
    assert said == ([id_] if id_ else [])


def test_catheters_on_their_lines_in_the_ct_are_not_doubted() -> None:
    """A CT of the puncture: drawn where they are, a voxel beside."""
    case = read_case(ROOT / "phantoms" / "liver-lesion-b-5mm").case
    assert case.ct is not None
    values = np.array(case.ct.values_zyx)
    for catheter in case.catheters:
        along = np.linspace(catheter.points_mm[0], catheter.points_mm[-1], 400)
        x, y, z = np.rint(case.ct.grid.index(along)).astype(int).T
        held = (x >= 0) & (y >= 0) & (y < values.shape[1]) & (x < values.shape[2])
        values[z[held], y[held], x[held]] = 700
    assert doubts_of_traces(case.catheters, Volume(case.ct.grid, values)) == []
    beside = [Catheter(name=c.name, points_mm=c.points_mm + np.array([0.7, 0.7, 0.0])) for c in case.catheters]
    assert doubts_of_traces(beside, Volume(case.ct.grid, values)) == []
