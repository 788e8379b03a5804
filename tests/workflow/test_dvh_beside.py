"""DVHs in the file of a dose: read whatever their kind, beside ours; and ours written so that others read our doses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from benchmarks.dvh_solids import SOLIDS, write_dose, write_structures
from pydicom import dcmread
from pydicom.dataset import Dataset

import hdrplan
from hdrplan.io.dicom.dose import StoredDVH, read_dose_grid
from hdrplan.io.dicom.write_dose import dvh_item
from hdrplan.report import dvh_html, dvh_json, dvh_lines
from hdrplan.workflow import DVHOptions, DVHResult

Edit = Callable[[Dataset, Dataset], None] | None
OPTIONS = DVHOptions(metrics=("D98", "D50", "D2cc", "V20Gy", "Dmean"), errors=False)
# Of the cylinder, whose dose is spread evenly over 4 to 28 Gy: 1000 bins of 0.03 Gy.
EDGES = np.arange(1001) * 0.03
CUMULATIVE = SOLIDS["cylinder"].volume_cc * (1 - ((EDGES - 4) / 24).clip(0, 1))


def stored(path: Path, edit: Edit = None, **tags: object) -> DVHResult:
    """Return the DVH of the cylinder, with a DVH in the file that ``edit`` has changed."""
    structures = write_structures(path / "rs.dcm", {"cylinder": SOLIDS["cylinder"].contours(1.0)})
    dose = write_dose(path / "rd.dcm", 2, 2.0)
    data, item, roi, of = dcmread(dose), Dataset(), Dataset(), Dataset()
    roi.ReferencedROINumber, roi.DVHROIContributionType = 1, "INCLUDED"
    item.DVHReferencedROISequence = [roi]
    item.DVHType, item.DoseUnits, item.DoseType, item.DVHVolumeUnits = "CUMULATIVE", "GY", "PHYSICAL", "CM3"
    item.DVHDoseScaling, item.DVHNumberOfBins = 1.0, len(EDGES)
    item.DVHData = [f"{x:.6f}" for pair in zip(np.full(len(EDGES), 0.03), CUMULATIVE, strict=True) for x in pair]
    of.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    of.ReferencedSOPInstanceUID = dcmread(structures).SOPInstanceUID
    data.ReferencedStructureSetSequence = [of]
    for keyword, value in tags.items():
        setattr(item, keyword, value)
    if edit is not None:
        edit(data, item)
    data.DVHSequence = [item]
    data.save_as(dose)
    return hdrplan.dvh(dose, structures, OPTIONS)


def differential(data: Dataset, item: Dataset) -> None:
    item.DVHType = "DIFFERENTIAL"
    bins = -np.diff(CUMULATIVE, append=0.0)
    item.DVHData = [f"{x:.6f}" for pair in zip(np.full(len(EDGES), 0.03), bins, strict=True) for x in pair]


def in_percent(data: Dataset, item: Dataset) -> None:
    item.DVHVolumeUnits = "PERCENT"
    volume = 100 * CUMULATIVE / CUMULATIVE[0]
    item.DVHData = [f"{x:.6f}" for pair in zip(np.full(len(EDGES), 0.03), volume, strict=True) for x in pair]


def in_centigray(data: Dataset, item: Dataset) -> None:
    item.DoseUnits, item.DVHDoseScaling = "CGY", 100.0


@pytest.mark.parametrize("edit", [None, differential, in_percent, in_centigray])
def test_the_same_curve_however_it_is_stored(tmp_path: Path, edit: Edit) -> None:
    (beside,) = stored(tmp_path, edit).beside
    values = {metric.name: metric.stored for metric in beside.metrics}
    # By hand: dose falls evenly from 28 to 4 Gy over the volume.
    volume_cc = SOLIDS["cylinder"].volume_cc
    truth = {"D98": 4.48, "D50": 16.0, "D2cc": 28 - 24 * 2 / volume_cc, "V20Gy": 100 / 3, "Dmean": 16.0}
    assert {name: values[name] for name in truth} == pytest.approx(truth, rel=2e-3)
    assert ("volume" in values) == (edit is not in_percent)
    assert beside.bin_gy == pytest.approx(0.03)
    for metric in beside.metrics:
        assert abs(metric.difference_frac) < 0.01


def several(data: Dataset, item: Dataset) -> None:
    other = Dataset()
    other.ReferencedROINumber, other.DVHROIContributionType = 2, "EXCLUDED"
    item.DVHReferencedROISequence = [*item.DVHReferencedROISequence, other]


@pytest.mark.parametrize(
    ("edit", "tags", "says"),
    [
        (None, {"DVHType": "NATURAL"}, "NATURAL"),
        (None, {"DoseType": "EFFECTIVE"}, "EFFECTIVE dose"),
        (None, {"DoseUnits": "RELATIVE"}, "RELATIVE"),
        (None, {"DVHVolumeUnits": "PER_U"}, "PER_U"),
        (several, {}, "several ROIs"),
    ],
)
def test_what_is_no_dvh_of_this_structure_is_not_compared_and_said(
    tmp_path: Path, edit: Edit, tags: dict[str, str], says: str
) -> None:
    result = stored(tmp_path, edit, **tags)
    assert not result.beside
    assert any(note.id == "dvh-not-read" and says in note.sentence for note in result.warnings)


def test_a_dvh_of_other_structures_is_not_put_beside_these(tmp_path: Path) -> None:
    def of_others(data: Dataset, item: Dataset) -> None:
        data.ReferencedStructureSetSequence[0].ReferencedSOPInstanceUID = "1.2.3.99"

    assert not stored(tmp_path, of_others).beside


def hotter(data: Dataset, item: Dataset) -> None:
    item.DVHDoseScaling = 1.06


def larger(data: Dataset, item: Dataset) -> None:
    pairs = zip(np.full(len(EDGES), 0.03), 1.25 * CUMULATIVE, strict=True)
    item.DVHData = [f"{x:.6f}" for pair in pairs for x in pair]


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (hotter, "cylinder (D50 16.96 and 16 Gy)"),
        (larger, f"cylinder (volume {1.25 * CUMULATIVE[0]:.4g} and {CUMULATIVE[0]:.4g} cc)"),
    ],
)
def test_a_dvh_that_cannot_be_of_this_dose_is_said(tmp_path: Path, edit: Edit, says: str) -> None:
    (note,) = [n for n in stored(tmp_path, edit).warnings if n.id == "dvh-of-another-dose"]
    assert says in note.sentence


@pytest.mark.parametrize("edit", [None, differential, in_percent, in_centigray])
def test_a_dvh_of_this_dose_is_not_doubted(tmp_path: Path, edit: Edit) -> None:
    assert "dvh-of-another-dose" not in {note.id for note in stored(tmp_path, edit).warnings}


def test_terminal_json_and_page_show_what_differs(tmp_path: Path) -> None:
    def shrunk(data: Dataset, item: Dataset) -> None:
        pairs = zip(np.full(len(EDGES), 0.03), 0.9 * CUMULATIVE, strict=True)
        item.DVHData = [f"{x:.6f}" for pair in pairs for x in pair]

    result = stored(tmp_path, shrunk)
    line = next(line for line in dvh_lines(result) if "DVH in the file" in line)
    assert "volume 9.772 cc (-10.0 %)" in line
    assert "V20Gy 33.33 % (+0.0 points)" in line
    table = dvh_json(result)["structures"]["cylinder"]["dvh_in_file"]["metrics"]  # type: ignore[index]
    assert table["volume"]["difference_frac"] == pytest.approx(-0.1, abs=1e-3)
    page = dvh_html(result, title="t", version="0")
    assert "The DVHs in the file of the dose" in page
    assert "-10.0 %" in page
    assert "DVHs in the file" not in dvh_html(stored(tmp_path, several), title="t", version="0")


def test_a_ctv_with_sources_inside_is_written_with_its_d98(tmp_path: Path) -> None:
    """Equal bins up to 2281 Gy were 4.6 Gy wide: D98 of 22.0 Gy was read back as 20.5 Gy."""
    # Dose as 1 / r^2 in a ball of 24 mm: 20 Gy at its surface, 2000 Gy at a tenth of its radius and inside it.
    r = np.linspace(0.1, 1.0, 20_000)
    dose_gy, volume_cc = (20 / r**2)[::-1], (57.9 * r**3)[::-1]
    item = dvh_item(1, np.append(0.0, dose_gy), np.append(57.9, volume_cc))
    pairs = np.array(item.DVHData, dtype=float).reshape(-1, 2)
    edges = np.concatenate(([0.0], np.cumsum(pairs[:-1, 0])))
    for frac in (0.98, 0.9, 0.5, 0.1, 0.01):
        d = float(np.interp(-frac, -pairs[:, 1] / pairs[0, 1], edges))
        assert d == pytest.approx(20 / frac ** (2 / 3), rel=1e-3)
    assert item.DVHNumberOfBins == len(pairs)
    # A value of this kind holds at most 65,534 bytes where its length has two.
    assert len("\\".join(str(x) for x in item.DVHData)) < 65_534


def test_doses_of_nothing_and_of_one_value_are_written(tmp_path: Path) -> None:
    for doses in ([0.0, 0.0], [0.0, 5.0]):
        item = dvh_item(1, doses, [2.0, 2.0])
        assert float(item.DVHData[1]) == 2.0
        assert all(float(width) > 0 for width in item.DVHData[::2])


def test_what_dvh_writes_is_what_it_says(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from hdrplan.cli import cli

    structures = write_structures(tmp_path / "rs.dcm", {"ball": SOLIDS["ball"].contours(2.0)})
    dose, out = write_dose(tmp_path / "rd.dcm", 2, 2.0), tmp_path / "out"
    words = ["dvh", str(dose), str(structures), "--dicom", "-q", "--no-errors", "-o", str(out)]
    assert CliRunner().invoke(cli, words).exit_code == 0
    (curve,) = read_dose_grid(out / "RD.dcm").dvhs
    assert isinstance(curve, StoredDVH)
    (beside,) = hdrplan.dvh(out / "RD.dcm", structures, OPTIONS).beside
    assert {metric.name for metric in beside.metrics} == {"volume", "D98", "D50", "D2cc", "V20Gy", "Dmean"}
    for metric in beside.metrics:
        assert metric.stored == pytest.approx(metric.ours, rel=1e-3)
