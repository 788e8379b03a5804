"""``hdrplan sources``: what it prints, what it draws, what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from hdrplan.sources import source_names

ROOT = Path(__file__).resolve().parents[2]


def test_list(run) -> None:
    out = run("sources", "list").out
    for name in source_names():
        assert re.search(rf"^{name} ", out, re.MULTILINE)
    rows = json.loads(run("sources", "list", "--json").out)["sources"]
    assert [row["name"] for row in rows] == list(source_names())
    assert rows[0]["dose_rate_constant_cgy_per_h_per_u"] == pytest.approx(1.117)
    assert all(row["citation"] and row["provenance"] for row in rows)


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_show_draws_the_same_picture_twice(run, ending: str) -> None:
    for file in ("a", "b"):
        ran = run("sources", "show", "gammamed-12i", "-o", f"{file}.{ending}")
        assert ran.code == 0, ran.err
    a, b = (Path(f"{file}.{ending}").read_bytes() for file in ("a", "b"))
    assert a == b
    assert len(a) > 20_000
    assert "Taylor REP" in ran.out
    assert "1.117 cGy/h/U" in ran.out


def test_the_name_of_a_source_makes_no_folder(run) -> None:
    source = json.loads((ROOT / "samples" / "my_source.json").read_text())
    Path("source.json").write_text(json.dumps(source | {"name": "../clinic/new"}))
    ran = run("sources", "show", "source.json")
    assert ran.code == 0, ran.err
    assert sorted(p.name for p in Path().iterdir()) == ["clinic-new.png", "clinic-new.png.run.json", "source.json"]


def test_show_names_the_picture_after_the_source(run) -> None:
    assert run("sources", "show", "m19").code == 0
    assert sorted(p.name for p in Path().iterdir()) == ["m-19.png", "m-19.png.run.json"]


def test_show_json_draws_nothing_unasked(run) -> None:
    table = json.loads(run("sources", "show", "flexisource", "--json").out)
    assert table["anisotropy"][0][0] == pytest.approx(0.694, abs=0.1)
    assert not list(Path().iterdir())


def test_show_refuses_another_picture_and_leaves_nothing(run) -> None:
    ran = run("sources", "show", "m-19", "-o", "m-19.bmp")
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert not list(Path().iterdir())


def test_verify_prints_every_cell(run) -> None:
    ran = run("sources", "verify", "gammamed-plus")
    assert ran.code == 0
    assert "218 cells compared, 10 left out" in ran.out
    largest = re.search(r"largest ([0-9.]+) %", ran.out)
    assert largest
    assert float(largest[1]) <= 0.05
    table = json.loads(run("sources", "verify", "gammamed-plus", "--json").out)
    cells = [cell for row in table["deviation_pct"] for cell in row if cell is not None]
    assert len(cells) == table["cells"]
    assert max(map(abs, cells)) == pytest.approx(table["largest_pct"])


def test_verify_takes_a_file(run) -> None:
    fixture = ROOT / "tests" / "io" / "data" / "estro_layout.xls"
    assert json.loads(run("sources", "verify", fixture, "--json").out)["largest_pct"] <= 0.05


def test_docs_hold_what_verify_prints(run) -> None:
    page = (ROOT / "docs" / "reference" / "sources.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- verify -->\n(.*?)<!-- /verify -->", page, re.DOTALL)
    assert found, "docs/reference/sources.md has lost its table"
    assert run("sources", "verify").out == found[1], (
        "paste the output of `hdrplan sources verify` into docs/reference/sources.md"
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("show", "gamamed-12i"), "Did you mean gammamed-12i"),
        (("verify", "gammamed-12i"), "an along-away table to verify against"),
        (("verify", "nothing.json"), "expected a file"),
        (("show", "nothing.xlsx"), "expected a file"),
    ],
)
def test_bad_input_is_one_line(run, arguments: tuple[str, ...], says: str) -> None:
    ran = run("sources", *arguments)
    assert ran.code == 2
    assert says in ran.err
    assert ran.err.count("\n") == 1
    assert ran.out == ""
    assert not list(Path().iterdir())


def test_a_source_file_goes_where_a_name_goes(run) -> None:
    """The dose of one dwell, 1 cm beside it: strength times Lambda, from a spreadsheet as from the name."""
    Path("dwells.csv").write_text("x_mm,y_mm,z_mm,tip_x,tip_y,tip_z,time_s\n0,0,0,0,0,1,3600\n")
    Path("points.csv").write_text("x_mm,y_mm,z_mm\n10,0,0\n")
    doses = []
    for k, source in enumerate(("gammamed-plus", ROOT / "tests" / "io" / "data" / "estro_layout.xls")):
        tables = ("--dwells", "dwells.csv", "--points", "points.csv")
        ran = run("dose", "--source", source, "--strength", "10 Ci apparent", *tables, "-o", f"dose{k}.csv")
        assert ran.code == 0, ran.err
        doses.append(float(Path(f"dose{k}.csv").read_text().splitlines()[1].split(",")[3]))
    assert doses[0] == pytest.approx(40700.0 * 1.1165 / 100.0, rel=1e-6)
    assert doses[1] == pytest.approx(doses[0], rel=1e-9)
