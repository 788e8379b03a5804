"""The demo case (on voxels of 5 mm, in half the time) as DICOM: valid, and the same plan when it comes back."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from hdrplan.cli import check, export, import_dicom
from hdrplan.dose import dose_field
from hdrplan.geometry import Grid, dwell_positions
from hdrplan.io import ResultFolder, RunRecord, read_case, read_plan, write_results
from hdrplan.plan import Plan
from hdrplan.sources import load_source


@pytest.mark.slow
def test_the_demo_goes_out_and_comes_back(phantoms: Path, tmp_path: Path) -> None:
    """With times drawn, not optimised: what is written does not depend on how good the plan is."""
    found = read_case(phantoms / "liver-lesion-b-5mm")
    dwells = dwell_positions(found.case.catheters, targets=found.case.ctvs)
    times_s = np.random.default_rng(8).random(len(dwells)).round(1) * 30
    plan = Plan(dwells=dwells, times_s=times_s, source=found.source, strength=found.strength)
    middle = dwells.positions_mm.mean(axis=0)
    box = Grid(shape_zyx=(24, 28, 28), origin_mm=middle - 28.0, spacing_mm=np.array([2.0, 2.0, 2.0]))
    dose = dose_field(dwells, times_s, box, load_source(), strength_u=plan.strength_u)
    dvh = {"lesion_B": (np.array([0.0, 20.0]), np.array([30.0, 15.0]))}
    results = ResultFolder(name="demo", plan=plan, dose=dose, dvh=dvh, metrics={})
    write_results(tmp_path / "plan", results, report_html="", run=RunRecord(inputs={}, options={}))
    # 16 bits: dciodvfy aborts on the 32 bits that are the default.
    arguments = ["--case", str(phantoms / "liver-lesion-b-5mm"), "-o", str(tmp_path / "dicom"), "--bits", "16"]
    run = CliRunner().invoke(export.command, [str(tmp_path / "plan"), *arguments])
    assert run.exit_code == 0, run.exception

    run = CliRunner().invoke(
        import_dicom.command, [str(tmp_path / "dicom"), "-o", str(tmp_path / "case"), "--ctv", "lesion_B"]
    )
    assert run.exit_code == 0, run.exception
    back = read_plan(tmp_path / "case")
    np.testing.assert_allclose(back.times_s, plan.times_s, atol=1e-3)
    np.testing.assert_allclose(back.dwells.positions_mm, plan.dwells.positions_mm, atol=1e-2)
    np.testing.assert_allclose(back.dwells.axes, plan.dwells.axes, atol=1e-6)
    again = read_case(tmp_path / "case").case
    assert again.healthy == "liver", "an export does not say whose mean dose counts: the organ at risk named liver"
    np.testing.assert_array_equal(again.ct.values_zyx, found.case.ct.values_zyx)
    for structure in again.structures:
        want = found.case.structure(structure.name)
        np.testing.assert_array_equal(structure.mask_zyx, want.mask_zyx)
        np.testing.assert_allclose(structure.grid.origin_mm, want.grid.origin_mm, atol=1e-3)

    run = CliRunner().invoke(check.command, [str(tmp_path / "dicom"), "--json"])
    assert run.exit_code == 0, run.output

    if shutil.which("dciodvfy") is None or shutil.which("drtdump") is None:
        pytest.skip("dciodvfy and drtdump are not installed (Debian: dicom3tools, dcmtk)")
    for path in (tmp_path / "dicom" / name for name in ("CT_0001.dcm", "RS.dcm", "RP.dcm", "RD.dcm")):
        said = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False).stderr
        assert not [line for line in said.splitlines() if line.startswith("Error")], said
    for name in ("RS", "RP", "RD"):
        path = tmp_path / "dicom" / f"{name}.dcm"
        said = subprocess.run(["drtdump", str(path)], capture_output=True, text=True, check=False).stderr
        assert not [line for line in said.splitlines() if line[:2] in ("W:", "E:", "F:")], said
