"""The second check's page: what a signature needs is on it, pictures and tables agree, and it prints on paper."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from demo_case import NOW, case_and_plan, write_demo_dicom
from hdrplan.cli import cli
from hdrplan.dose import dose_field
from hdrplan.errors import InputError
from hdrplan.geometry import Grid, Volume
from hdrplan.io import sha256, write_pdf
from hdrplan.metrics import Tolerances
from hdrplan.plan import brachy_of_plan
from hdrplan.report import on_paper, report_html
from hdrplan.report.check_drawing import _BELOW, _FULL, _relative
from hdrplan.sources import load_source, packaged_sha256
from hdrplan.workflow import StatedDose, check_plan
from report_view import small_view

SOURCE = load_source("gammamed-plus")
BOX = Grid(shape_zyx=(11, 26, 30), origin_mm=np.array([-55.0, -52.0, 196.0]), spacing_mm=np.array([3.0, 3.0, 4.0]))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["check", *(str(a) for a in arguments)])


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "set"
    write_demo_dicom(folder)
    return folder


@pytest.fixture(scope="module")
def checked(export: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, dict]:
    """Page, terminal and check.json of one run."""
    out = tmp_path_factory.mktemp("out") / "check"
    result = run(export, "-o", out, "--treated", "2024-05-16T07:08:09")
    assert result.exit_code == 0, result.output
    return (out / "check.html").read_text(), result.stdout, json.loads((out / "check.json").read_text())


def text_of(page: str) -> str:
    return " ".join(
        html.unescape(re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<(style|script)[^>]*>.*?</\1>", "", page))).split()
    )


def test_the_page_holds_what_is_signed(checked: tuple[str, str, dict], export: Path) -> None:
    page, terminal, table = checked
    text = text_of(page)
    for file in ("RP.dcm", "RD.dcm", "RS.dcm"):
        assert sha256(export / file) in text
    assert packaged_sha256(table["source"]["name"]) in text
    header = text_of(page[page.index('<header class="top">') : page.index("</header>")])
    assert f"Patient {table['patient']} RT Plan {sha256(export / 'RP.dcm')[:12]} Made " in header
    assert table["patient"] in text
    verdict = next(line for line in terminal.splitlines() if line.startswith("PASS: "))
    assert verdict in text
    # Ten days of Ir-192: 0.9104 of the strength.
    assert table["treatment"]["strength_u"] == pytest.approx(
        table["source"]["strength_u"] * 2 ** (-10 / 73.83), rel=1e-4
    )
    assert f"{table['treatment']['strength_u']:,.1f} U on 2024-05-16 07:08" in text
    for channel in table["channels"]:
        for dwell in channel["dwells"]:
            if dwell["time_s"] > 0:
                assert ", ".join(f"{x:.1f}" for x in dwell["position_mm"]) in text
    assert sum(level["voxels"] for level in table["grid"]["levels"]) == table["grid"]["judged_voxels"]
    for words in ("Assumptions", "Check made by", "Check read by", "hdrplan's own, of no protocol", "Gamma (Low"):
        assert words in text


def test_nothing_is_said_of_a_grid_where_none_was_given(export: Path, tmp_path: Path) -> None:
    result = run(export / "RP.dcm", "-o", tmp_path / "out")
    text = text_of((tmp_path / "out" / "check.html").read_text())
    verdict = next(line for line in result.stdout.splitlines() if line.startswith("NO VERDICT"))
    assert verdict in text
    assert "Gamma (Low" not in text
    assert "By isodose" not in text


def test_pictures_have_the_sign_of_the_tables_and_no_judged_voxel_in_the_colour_of_others() -> None:
    """A TPS 5 % too low: positive in the table, positive in the map; the map is empty where nothing is judged alone."""
    import matplotlib

    case, plan = case_and_plan()
    plan = replace(plan, source=SOURCE)
    dose = dose_field(plan.dwells, plan.exposure_s, BOX, SOURCE, strength_u=plan.strength_u)
    brachy = brachy_of_plan(plan, case.catheters, label="plan", prescription_gy=20.0, treated=NOW)
    low = StatedDose(Volume(dose.grid, dose.values_zyx * np.float32(0.95)))
    grid = check_plan(brachy, SOURCE, stated=low).grid
    assert grid.median_frac == pytest.approx(1 / 0.95 - 1, rel=1e-3)
    relative = _relative(grid)
    np.testing.assert_array_equal(np.isfinite(relative), grid.judged_zyx)
    assert np.nanmedian(relative) == pytest.approx(100 * grid.median_frac, rel=1e-3)
    for grey in (_BELOW, _FULL):
        for name in ("RdBu_r", "viridis", "cividis"):
            colours = matplotlib.colormaps[name](np.linspace(0, 1, 256))[:, :3]
            assert np.abs(colours - matplotlib.colors.to_rgb(grey)).max(axis=1).min() > 0.1, (grey, name)


def test_a_region_that_only_the_other_dose_treats_is_judged() -> None:
    case, plan = case_and_plan()
    plan = replace(plan, source=SOURCE)
    dose = dose_field(plan.dwells, plan.exposure_s, BOX, SOURCE, strength_u=plan.strength_u)
    brachy = brachy_of_plan(plan, case.catheters, label="plan", prescription_gy=60.0, treated=NOW)
    values = dose.values_zyx.copy()
    z, y, x = np.unravel_index(int(values.argmin()), values.shape)
    assert values[z, y, x] < 6.0
    values[z, y, x] = 30.0
    grid = check_plan(brachy, SOURCE, stated=StatedDose(Volume(dose.grid, values))).grid
    assert grid.judged_zyx[z, y, x]
    assert grid.worst.index_zyx == (z, y, x)
    assert grid.levels[0].from_gy == 0.0
    assert grid.levels[0].voxels == 1


def test_limits_without_a_source_are_named(export: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.toml"
    path.write_text('point_frac = 0.03\ndvh_frac = 0.05\n[sources]\ndvh_frac = "protocol 7, section 2"\n')
    result = run(export, "--tolerances", path, "-o", tmp_path / "out")
    assert "tolerance-without-source]: the tolerances point_frac do" in result.output
    text = text_of((tmp_path / "out" / "check.html").read_text())
    assert "protocol 7, section 2" in text
    assert "Reference points 3 %, warning from 1 % no source given" in text
    assert Tolerances().without_source == ()


def test_a_page_on_letter_keeps_its_style_sheet(checked: tuple[str, str, dict]) -> None:
    """The policy allows the style sheet by its hash: another paper is another hash."""
    letter = on_paper(checked[0], "Letter")
    css = re.search(r"(?s)<style>(.*?)</style>", letter)[1]
    assert "size: Letter;" in css
    assert "size: A4;" not in css
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    assert f"style-src &#39;sha256-{digest}&#39;" in letter


def test_a_pdf_without_a_browser_is_refused_before_any_work(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HDRPLAN_BROWSER", "no-such-browser")
    result = run(export, "-o", tmp_path / "out", "--pdf", "A4")
    assert isinstance(result.exception, InputError)
    assert "no-such-browser" in str(result.exception)
    assert not (tmp_path / "out").exists()
    monkeypatch.setenv("HDRPLAN_BROWSER", shutil.which("true") or "true")
    with pytest.raises(InputError, match="must print the page"):
        write_pdf(tmp_path / "page.pdf", "<p>")
    monkeypatch.setattr("hdrplan.io.pdf_browser", lambda: None)
    result = run(export, "--pdf", "A4")
    assert result.exit_code == 2
    assert "expected -o FOLDER beside --pdf" in result.output


@pytest.mark.browser
def test_a_plan_report_is_printed_with_its_canvases(tmp_path: Path) -> None:
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    view = small_view()
    write_pdf(tmp_path / "report.pdf", on_paper(report_html(view), "Letter"))
    data = (tmp_path / "report.pdf").read_bytes()
    assert b"/MediaBox [0 0 612 792]" in data
    # Without its script the page has no picture of a slice.
    assert data.count(b"/Subtype /Image") >= 3


@pytest.mark.browser
@pytest.mark.parametrize(("paper", "box"), [("A4", (595, 842)), ("Letter", (612, 792))])
def test_the_pdf_has_the_paper_that_was_asked_for(
    export: Path, tmp_path: Path, paper: str, box: tuple[int, int]
) -> None:
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    result = run(export, "-o", tmp_path / "out", "--pdf", paper)
    assert result.exit_code == 0, result.output
    pages = re.findall(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\]", (tmp_path / "out" / "check.pdf").read_bytes())
    assert len(pages) >= 2
    assert {tuple(round(float(side)) for side in page) for page in pages} == {box}
