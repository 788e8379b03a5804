"""Files that contradict themselves: what fuzzing by grammar found to be read with other numbers, without a word."""

from __future__ import annotations

import gzip
import json
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from hdrplan.errors import FormatError, InputError
from hdrplan.geometry import Grid, Volume
from hdrplan.io import (
    read_catheters,
    read_cohort,
    read_dvh,
    read_names,
    read_results,
    read_source,
    read_table,
    read_volume,
    write_volume,
)
from source_book import record, write_xlsx

GRID = Grid(shape_zyx=(4, 5, 6), origin_mm=np.array([-5.0, 2.0, 9.0]), spacing_mm=np.array([1.0, 2.0, 2.5]))


@pytest.fixture
def nifti(tmp_path: Path) -> Path:
    write_volume(tmp_path / "v.nii.gz", Volume(GRID, np.arange(GRID.size, dtype=np.int16).reshape(GRID.shape_zyx)))
    path = tmp_path / "v.nii"
    path.write_bytes(gzip.decompress((tmp_path / "v.nii.gz").read_bytes()))
    return path


@pytest.mark.parametrize(
    ("at", "raw", "says"),
    [
        (344, b"\0\0\0\0", "magic n"),
        (344, b"ni1\0", "magic n"),
        (70, struct.pack("<h", 32), "one whole or real number"),
        (72, struct.pack("<h", 32), "one whole or real number"),
        (280, struct.pack("<f", 5.0), "qform and sform"),
    ],
    ids=["ANALYZE", "pair", "complex", "bits", "sform"],
)
def test_nifti_headers_that_contradict_themselves(at: int, raw: bytes, says: str, nifti: Path) -> None:
    data = nifti.read_bytes()
    read_volume(nifti)
    nifti.write_bytes(data[:at] + raw + data[at + len(raw) :])
    with pytest.raises(FormatError, match=says):
        read_volume(nifti)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: re.sub(rb"Offset = [^\n]*", b"Offset =", d), "Offset must have 3 numbers"),
        (lambda d: re.sub(rb"(Offset = \S+ \S+) \S+", rb"\1", d), "Offset must have 3 numbers"),
        (lambda d: re.sub(rb"(TransformMatrix = [^\n]*) \S+\n", rb"\1\n", d), "must have 9 numbers"),
        (lambda d: d.replace(b"= LOCAL\n", b"= LOCAL\nElementDataFile = LOCAL\n"), "where its voxels begin"),
        (lambda d: d[:-2], "where its voxels begin"),
    ],
    ids=["no offset", "short offset", "short matrix", "two ends", "cut"],
)
def test_metaimage_headers_with_too_few_numbers(change: Callable[[bytes], bytes], says: str, tmp_path: Path) -> None:
    path = tmp_path / "v.mha"
    write_volume(path, Volume(GRID, np.arange(GRID.size, dtype=np.int16).reshape(GRID.shape_zyx)))
    read_volume(path)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(FormatError, match=says):
        read_volume(path)


def test_two_catheters_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    entry = {"name": "c1", "hub_to_tip_mm_lps": [[0, 0, 0], [0, 0, 50]]}
    path.write_text(json.dumps([entry, entry]))
    with pytest.raises(InputError, match="names must differ, got 'c1' twice"):
        read_catheters(path)


@pytest.mark.parametrize("cell", ["1_0", "１０", "1e999", "0x1", "1,5", "nan", "inf", "10 mm"])
def test_a_number_is_a_decimal_number(cell: str, tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text(f'catheter,x_mm,y_mm,z_mm\na,0,0,0\na,0,0,"{cell}"\n')
    with pytest.raises(FormatError):
        read_catheters(path)


def test_the_name_of_a_structure_is_no_number(tmp_path: Path) -> None:
    path = tmp_path / "labels.json"
    path.write_text('{"1": "2"}')
    with pytest.raises(FormatError, match="must not be a number"):
        read_names(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("days,dose\n5,1.5\n7,TRUE\n", "TRUE and FALSE, not both"),
        ("days,dose\n5,1.5\n7,inf\n", "must hold numbers"),
        ("5,1.5\n7,2\n", "the first line must name the columns"),
    ],
    ids=["flag", "inf", "no header"],
)
def test_columns_of_numbers_hold_numbers(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(FormatError, match=says):
        read_table(path).numbers("dose")


def test_an_error_of_a_spreadsheet_is_no_comment(tmp_path: Path) -> None:
    own, path = record("gammamed-12i"), tmp_path / "own_g.csv"
    head = [f"# {key} = {own[key]}" for key in ("dose_rate_constant_cgy_per_h_per_u", "active_length_cm")]
    rows = [f"{r},{g}" for r, g in zip(own["radial_dose"]["r_cm"], own["radial_dose"]["g"], strict=True)]
    f = own["anisotropy"]
    along = [[theta, *row] for theta, row in zip(f["theta_deg"], f["f"], strict=True)]
    blocks = [["theta_deg", *f["r_cm"]], *along]
    lines = [",".join("" if cell is None else str(cell) for cell in row) for row in blocks]
    (tmp_path / "own_F.csv").write_text("\n".join(lines))
    path.write_text("\n".join([*head, "r_cm,g", *rows]))
    read_source(path)
    rows[-3] = f"#REF!,{own['radial_dose']['g'][-3]}"
    path.write_text("\n".join([*head, "r_cm,g", *rows]))
    with pytest.raises(FormatError, match="a number in every cell, got #REF!"):
        read_source(path)


def rewritten(path: Path, change: Callable[[str], str]) -> None:
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    with zipfile.ZipFile(path, "w") as book:
        for name, data in parts.items():
            book.writestr(name, change(data.decode()) if name.startswith("xl/worksheets/") else data)


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        (r'<c r="\1"><f>1+1</f></c>', "every formula of a workbook must have a value"),
        (r'<c r="\1"><f>1+1</f><v></v></c>', "every formula of a workbook must have a value"),
        (r'<c r="\1" t="e"><v>#REF!</v></c>', "every formula of a workbook must have a value"),
        (r'<c r="\1" t="b"><v>1</v></c>', "TRUE or FALSE"),
    ],
    ids=["formula", "blank formula", "error", "flag"],
)
def test_cells_of_a_source_that_are_no_numbers(cell: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "own.xlsx"
    write_xlsx(path, record("gammamed-plus"))
    read_source(path)
    rewritten(path, lambda text: re.sub(r'<c r="(C15)"[^>]*>.*?</c>', cell, text, count=1))
    with pytest.raises(FormatError, match=says):
        read_source(path)


def test_a_flag_in_a_column_of_numbers_is_a_problem(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "patients"
    sheet.append(["patient_id", "age"])
    sheet.append(["P1", True])
    book.save(tmp_path / "cohort.xlsx")
    tables, _ = read_cohort(tmp_path / "cohort.xlsx")
    assert tables["patients"].rows == (("P1", "TRUE"),)


def test_a_row_of_a_dvh_whose_cells_moved_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "dvh.csv"
    path.write_text("structure,dose_gy,volume_cc,volume_frac\nctv,0,4,1\nctv,10,2,0.5\n")
    assert list(read_dvh(path)) == ["ctv"]
    path.write_text("structure,dose_gy,volume_cc,volume_frac\nctv,0,4,1\n10,2,0.5,\n")
    with pytest.raises(FormatError, match="volume_frac"):
        read_dvh(path)


@pytest.mark.parametrize("value", ['"20"', "true", "[20]", "-1e308", "1" + "0" * 400])
def test_a_metric_is_a_number(value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "metrics.json").write_text(
        f'{{"schema": "hdrplan.metrics/1", "structures": {{"ctv": {{"d100_gy": {value}}}}}}}'
    )
    monkeypatch.setattr("hdrplan.io.results.read_plan_file", lambda folder: None)
    with pytest.raises(FormatError, match=r"d100_gy|finite"):
        read_results(tmp_path)
