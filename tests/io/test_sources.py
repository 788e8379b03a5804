"""A user's source from every kind of file equals the packaged source it was written from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hdrplan.errors import FormatError, InputError
from hdrplan.io import read_source
from hdrplan.io.case.strength import strength_of
from hdrplan.sources import TG43Source, load_source, user_source
from source_book import record, write_xlsx

FIXTURE = Path(__file__).parent / "data" / "estro_layout.xls"


def same(a: TG43Source, b: TG43Source) -> None:
    """Tables and constants are equal, to the digits a file keeps."""
    for name in ("radial_r_mm", "radial_dose", "anisotropy_r_mm", "anisotropy_theta_rad", "anisotropy"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-12, err_msg=name)
    np.testing.assert_array_equal(a.anisotropy_filled, b.anisotropy_filled)
    assert a.dose_rate_constant_gy_per_s_per_u == b.dose_rate_constant_gy_per_s_per_u
    assert a.active_length_mm == b.active_length_mm
    assert a.table_r_max_mm == b.table_r_max_mm
    if a.along_away and b.along_away:
        np.testing.assert_allclose(a.along_away.gy_per_s_per_u, b.along_away.gy_per_s_per_u, rtol=1e-12)


def write_csv(folder: Path, source: dict[str, Any], *, european: bool = False) -> Path:
    """Write the pair, and the along-away table if there is one; return the path of g."""
    gap, point = (";", ",") if european else (",", ".")

    def line(cells: list[Any]) -> str:
        return gap.join("" if c is None else str(c).replace(".", point) for c in cells)

    capsule = source["capsule_cm"]
    radial, f = source["radial_dose"], source["anisotropy"]
    head = [
        f"# {k} = {source[k]}" for k in ("dose_rate_constant_cgy_per_h_per_u", "active_length_cm", "half_life_days")
    ]
    head += [f"# capsule_{k}_cm = {v}" for k, v in capsule.items()] + [f"# citation = {source['citation']}"]
    head += [f"# radial_dose_beyond = {radial['beyond']}"] if "beyond" in radial else []
    rows = [line([r, g]) for r, g in zip(radial["r_cm"], radial["g"], strict=True)]
    (folder / "mine_g.csv").write_text("\n".join([*head, f"r_cm{gap}g", *rows]), encoding="utf-8")
    rows = [line([t, *row]) for t, row in zip(f["theta_deg"], f["f"], strict=True)]
    (folder / "mine_F.csv").write_text("\n".join([line(["theta_deg", *f["r_cm"]]), *rows]), encoding="utf-8")
    if "along_away" in source:
        table = source["along_away"]
        rows = [line([a, *row]) for a, row in zip(table["away_cm"], table["cgy_per_h_per_u"], strict=True)]
        text = "\n".join([line(["away_cm", *table["along_cm"]]), *rows])
        (folder / "mine_along_away.csv").write_text(text, encoding="utf-8")
    return folder / "mine_g.csv"


@pytest.mark.parametrize("name", ["gammamed-12i", "gammamed-plus", "varisource-classic-wang"])
def test_json_is_the_packaged_schema(name: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(record(name)), encoding="utf-8")
    source = read_source(path)
    same(source, load_source(name))
    assert source.kind == "user"
    assert source.capsule == load_source(name).capsule


@pytest.mark.parametrize("european", [False, True])
@pytest.mark.parametrize("name", ["gammamed-12i", "gammamed-plus"])
def test_csv_pair(name: str, european: bool, tmp_path: Path) -> None:
    g = write_csv(tmp_path, record(name), european=european)
    source = read_source(str(g))
    same(source, load_source(name))
    same(read_source(tmp_path / "mine_F.csv"), source)
    assert source.name == "mine"
    assert source.capsule == load_source(name).capsule
    assert source.citation == load_source(name).citation
    assert (source.along_away is None) == (load_source(name).along_away is None)


@pytest.mark.parametrize(("falling", "sheets_before"), [(False, 0), (True, 1)])
def test_xlsx_in_the_layout_of_estro(falling: bool, sheets_before: int, tmp_path: Path) -> None:
    data = record("gammamed-plus")
    path = write_xlsx(tmp_path / "plus.xlsx", data, falling=falling, sheets_before=sheets_before)
    source = read_source(path)
    same_but_for_the_shape_beyond(source)
    assert source.along_away is not None
    assert "capsule is not stated" in source.note


def same_but_for_the_shape_beyond(source: TG43Source) -> None:
    """A workbook does not say which source continues g, so the default's shape does."""
    plus = load_source("gammamed-plus")
    within = plus.radial_r_mm <= 100.0
    np.testing.assert_allclose(source.radial_dose[within], plus.radial_dose[within], rtol=1e-12)
    np.testing.assert_allclose(source.radial_dose[-1], plus.radial_dose[-1], rtol=0.005)
    np.testing.assert_allclose(source.anisotropy, plus.anisotropy, rtol=1e-12)


def test_xls() -> None:
    same_but_for_the_shape_beyond(read_source(FIXTURE))


def test_clrp_blanks_survive_a_workbook(tmp_path: Path) -> None:
    same(read_source(write_xlsx(tmp_path / "a.xlsx", record("gammamed-12i"))), load_source("gammamed-12i"))


def test_numbers_as_text_with_a_comma(tmp_path: Path) -> None:
    data = record("gammamed-plus")
    data["active_length_cm"] = "0,35"
    data["anisotropy"]["f"][3][4] = str(data["anisotropy"]["f"][3][4]).replace(".", ",")
    same_but_for_the_shape_beyond(read_source(write_xlsx(tmp_path / "a.xlsx", data)))


def test_a_name_is_a_name() -> None:
    assert read_source("GammaMed 12i") is load_source("gammamed-12i")


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("no.json", None, "expected a file, got none of that name"),
        ("empty.json", b"", "0 bytes"),
        ("a.json", b"[1, 2]", "JSON object"),
        ("a.json", b"{", "JSON"),
        ("a.json", b"{}", "must be a finite number in cGy/h/U, got none"),
        ("a.json", b'{"name": "a", "name": "b"}', "twice"),
        ("a.txt", b"1 2 3", "must be .json, .csv, .xlsx or .xls"),
        ("a.csv", b"r,g\n1,1\n2,1\n", "NAME_g.csv and NAME_F.csv"),
        ("a_g.csv", b"r,g\n1,1\n2,1\n", "no a_F.csv"),
        ("a.xlsx", b"PK\x03\x04 not a zip", "workbook"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "workbook"),
    ],
)
def test_files_that_cannot_be_right(file: str, content: bytes | None, says: str, tmp_path: Path) -> None:
    path = tmp_path / file
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=says) as refused:
        read_source(path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("# lambda = 1.1", "line 1: unknown key, got 'lambda'"),
        ("# active_length_cm = x", "active_length_cm must be a number, got 'x'"),
        ("# active_length_cm = nan", "active_length_cm must be a number, got .nan."),
        ("# active_length_cm = 3.5", "looks like mm"),
    ],
)
def test_constants_of_a_csv(line: str, says: str, tmp_path: Path) -> None:
    g = write_csv(tmp_path, record("gammamed-12i"))
    lines = [row for row in g.read_text().splitlines() if not row.startswith("# active_length_cm")]
    g.write_text("\n".join([line, *lines]))
    with pytest.raises(InputError, match=says):
        read_source(g)


def test_rows_of_a_csv(tmp_path: Path) -> None:
    g = write_csv(tmp_path, record("gammamed-12i"))
    f = tmp_path / "mine_F.csv"
    good = f.read_text()
    f.write_text(good + "\n190,1")
    with pytest.raises(FormatError, match="13 cells in every row"):
        read_source(g)
    f.write_text(good.replace("0.986", "O.986"))
    with pytest.raises(FormatError, match=r"number or a blank cell, got 'O\.986'"):
        read_source(g)


def test_workbook_without_tables(tmp_path: Path) -> None:
    data = record("gammamed-plus")
    data["anisotropy"]["theta_deg"] = [*data["anisotropy"]["theta_deg"][:-1], 179.5]
    with pytest.raises(FormatError, match="none in this workbook"):
        read_source(write_xlsx(tmp_path / "a.xlsx", data))


def test_the_example_of_the_docs_is_a_source() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "sources.md").read_text(encoding="utf-8")
    example = json.loads(page.split("```json\n")[1].split("```")[0])
    source = user_source(example, where="docs/reference/sources.md")
    assert source.anisotropy_filled[-1, :3].tolist() == [True, True, False]
    assert source.anisotropy_filled[:, 3:].all()


def test_a_file_decays_with_its_own_half_life(tmp_path: Path) -> None:
    data = record("gammamed-12i")
    data["half_life_days"] = 74.0
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    given = {
        "calibration_strength_u": 40700.0,
        "calibration_time": "2026-01-01T00:00",
        "treatment_time": "2026-03-16T00:00",
    }
    assert strength_of(given, read_source(path).half_life_days).value_u == pytest.approx(20350.0, rel=1e-12)
