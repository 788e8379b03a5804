"""Tables that lie about themselves, or would fill the memory: read for what is there, or refused with numbers."""

from __future__ import annotations

import io
import re
import resource
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from hdrplan.errors import FormatError, HdrPlanError, ResourceError
from hdrplan.io import read_catheters, read_cohort, read_dvh, read_dwells_csv, read_points_csv, read_source, read_table

HEADER = ["patient_id", "tumour_type", "sex"]


def book(path: Path, rows: int = 4) -> Path:
    """A workbook of patients."""
    made = openpyxl.Workbook()
    made.active.title = "patients"
    made.active.append(HEADER)
    for k in range(rows):
        made.active.append([f"P{k}", "HCC", "M"])
    made.save(path)
    return path


def changed(path: Path, change: Callable[[str], str], part: str = "xl/worksheets/sheet1.xml") -> Path:
    """The workbook with one of its parts rewritten."""
    data = path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            text = old.read(name)
            new.writestr(name, change(text.decode()).encode() if name == part else text)
    return path


@pytest.mark.parametrize("claim", ["A1", "A1:C3", "A1:C900", "A1:A5", ""])
def test_every_row_of_a_sheet_is_read_whatever_it_claims(claim: str, tmp_path: Path) -> None:
    path = book(tmp_path / "c.xlsx")

    def lie(text: str) -> str:
        told, count = re.subn(r'<dimension ref="A1:C5"\s*/>', f'<dimension ref="{claim}"/>' if claim else "", text)
        assert count == 1
        return told

    tables, problems = read_cohort(changed(path, lie))
    assert [row[0] for row in tables["patients"].rows] == ["P0", "P1", "P2", "P3"]
    assert tables["patients"].columns == tuple(HEADER)
    # A1:A5 is what it has in rows and less in columns.
    assert [p.rule for p in problems] == (["sheet_range"] if claim else [])


def test_a_sheet_that_is_right_about_itself_is_not_remarked(tmp_path: Path) -> None:
    assert read_cohort(book(tmp_path / "c.xlsx"))[1] == []


def test_a_cell_that_strayed_far_away_is_refused_with_its_row(tmp_path: Path) -> None:
    path = book(tmp_path / "c.xlsx")
    stray = '<row r="1048576"><c r="A1048576" t="inlineStr"><is><t>x</t></is></c></row></sheetData>'
    changed(path, lambda text: text.replace("</sheetData>", stray))
    with pytest.raises(FormatError, match=r"a cell in row 1048576, 1048570 rows below the others.*Delete the rows"):
        read_cohort(path)


def test_a_row_after_a_few_empty_ones_keeps_its_number(tmp_path: Path) -> None:
    path = book(tmp_path / "c.xlsx")
    late = '<row r="9"><c r="A9" t="inlineStr"><is><t>P9</t></is></c></row></sheetData>'
    tables, _ = read_cohort(changed(path, lambda text: text.replace("</sheetData>", late)))
    assert tables["patients"].rows[7][0] == "P9"  # row 0 stands in row 2


def test_two_sheets_of_one_name_are_a_problem(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    made.active.title = "patients"
    made.active.append(HEADER)
    made.active.append(["P1", "HCC", "M"])
    made.create_sheet("Patients ").append(HEADER)
    made.save(tmp_path / "c.xlsx")
    tables, problems = read_cohort(tmp_path / "c.xlsx")
    assert len(tables["patients"].rows) == 1
    assert [(p.table, p.rule) for p in problems] == [("patients", "duplicate_key")]


def test_a_workbook_beside_csv_files_is_told(tmp_path: Path) -> None:
    book(tmp_path / "more.xlsx")
    (tmp_path / "sessions.csv").write_text("session_id\nS1\n")
    _, problems = read_cohort(tmp_path)
    assert [(p.table, p.rule, p.is_error) for p in problems] == [("more", "unknown_table", False)]


def bomb(path: Path, megabytes: int) -> Path:
    """A workbook whose shared strings unpack to so much."""
    book(path)
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/more.xml", "w", force_zip64=True) as stream,
    ):
        for _ in range(megabytes):
            stream.write(b"<si><t>a</t></si>" * 61_000)
    return path


@pytest.mark.parametrize("reader", [read_cohort, read_source])
def test_a_zip_bomb_is_refused_with_numbers_before_memory_is_spent(
    reader: Callable[[Path], object], tmp_path: Path
) -> None:
    path = bomb(tmp_path / "c.xlsx", 700)
    assert path.stat().st_size < 4e6
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ResourceError, match=r"at most 512 MB unpacked, got 69\d MB from \d\.\d MB"):
        reader(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def test_what_fits_the_limit_must_fit_the_memory_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HDRPLAN_MEMORY_MB", "100")
    with pytest.raises(ResourceError, match=r"GB needed, 0.105 GB free"):
        read_cohort(bomb(tmp_path / "c.xlsx", 60))


def test_a_parquet_file_of_more_rows_than_memory_is_refused(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    column = pa.DictionaryArray.from_arrays(pa.array([0] * 30_000_000, pa.int8()), pa.array(["P"]))
    pq.write_table(pa.table({"patient_id": column, "sex": column}), tmp_path / "patients.parquet")
    assert (tmp_path / "patients.parquet").stat().st_size < 1e6
    with pytest.raises(ResourceError, match="at most 50000000 cells, got 30000000 rows x 2 columns"):
        read_cohort(tmp_path)


LONG = "x" * 140_000
READERS: dict[str, tuple[Callable[[Path], object], str, str, str]] = {
    "tidy table": (read_table, "t.csv", "a,b", "1,2"),
    "cohort": (lambda path: read_cohort(path.parent), "patients.csv", ",".join(HEADER), "P1,HCC,M"),
    "dvh": (read_dvh, "dvh.csv", "structure,dose_gy,volume_cc", "liver,1,2"),
    "catheters": (read_catheters, "c.csv", "catheter,x_mm,y_mm,z_mm", "c1,0,0,0\nc1,0,0,50"),
    "dwells": (read_dwells_csv, "d.csv", "x_mm,y_mm,z_mm,tip_x,tip_y,tip_z,time_s", "0,0,0,0,0,1,5"),
    "points": (read_points_csv, "p.csv", "x_mm,y_mm,z_mm", "0,0,0"),
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    "fault", ["long cell", "open quote", "column twice", "column without a name", "short row", "long row", "NUL"]
)
def test_five_readers_of_csv_have_one_check(name: str, fault: str, tmp_path: Path) -> None:
    read, file, header, row = READERS[name]
    path = tmp_path / file
    path.write_text(f"{header}\n{row}\n")
    read(path)  # as it should be
    first = header.split(",")[0]
    path.write_text(
        {
            "long cell": f"{header}\n{LONG}{row}\n",
            "open quote": f'{header}\n"{row}\n{row}\n',
            "column twice": f"{header},{first}\n{row},9\n",
            "column without a name": f"{header},\n{row},9\n",
            "short row": f"{header}\n{row}\n{row.rpartition(',')[0]}\n",
            "long row": f"{header}\n{row},9\n",
            "NUL": f"{header}\n{row}\0\n",
        }[fault]
    )
    if name == "cohort" and fault in ("column twice", "column without a name", "short row", "long row"):
        read(path)  # listed with all other problems of the tables: cohort/cells.py
        return
    with pytest.raises(FormatError) as caught:
        read(path)
    assert file in str(caught.value)
    assert len(str(caught.value)) <= 300
    if fault == "long cell":
        assert "more than 131072 characters" in str(caught.value)


def test_a_cell_may_hold_odd_line_ends(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("x_mm,y_mm,z_mm,note\n0,0,0,a\x0cb\u2028c\n", encoding="utf-8")
    assert read_points_csv(tmp_path / "p.csv").rows == (("0", "0", "0", "a\x0cb\u2028c"),)


def test_source_tables_with_a_long_cell_are_refused(tmp_path: Path) -> None:
    (tmp_path / "s_g.csv").write_text(f"r_cm,g\n1,{LONG}\n2,1\n")
    (tmp_path / "s_F.csv").write_text("theta_deg,1,2\n0,1,1\n180,1,1\n")
    with pytest.raises(HdrPlanError) as caught:
        read_source(tmp_path / "s_g.csv")
    assert len(str(caught.value)) <= 300


def swapped_rows(text: str) -> str:
    rows = re.findall(r"<row .*?</row>", text, re.DOTALL)
    return text.replace(rows[2] + rows[3], rows[3] + rows[2])


def swapped_cells(text: str) -> str:
    row = re.findall(r"<row .*?</row>", text, re.DOTALL)[2]
    cells = re.findall(r"<c .*?</c>", row, re.DOTALL)
    return text.replace("".join(cells), "".join([*cells[1:], cells[0]]))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (swapped_rows, "row 3 after row 4"),
        (swapped_cells, "cell A3 in row 3"),
        (lambda text: text.replace('<row r="4"', '<row r="3"'), "row 3 after row 3"),
        (lambda text: text.replace('r="B4"', 'r="B3"'), "cell B3 in row 4"),
        (lambda text: text.replace('r="B4"', 'r="A4"'), "cell A4 in row 4"),
    ],
)
def test_a_row_or_cell_behind_its_successors_is_refused(
    change: Callable[[str], str], says: str, tmp_path: Path
) -> None:
    """Readers of workbooks leave it out without a word: a patient less."""
    with pytest.raises(FormatError, match=f"in their order, got {says}"):
        read_cohort(changed(book(tmp_path / "c.xlsx"), change))


def prefixed(text: str) -> str:
    """The same sheet with a prefix on its elements, as other programs write it."""
    return re.sub(r"<(/?)(\w)", r"<\1x:\2", text).replace("xmlns=", "xmlns:x=")


def never_computed(text: str) -> str:
    return re.sub(r'<c r="C3".*?</c>', '<c r="C3"><!-- c --><f>B2</f></c>', text)


@pytest.mark.parametrize("form", [lambda text: text, prefixed], ids=["plain", "prefixed"])
def test_a_formula_without_a_value_is_found_in_any_form_of_xml(form: Callable[[str], str], tmp_path: Path) -> None:
    path = changed(book(tmp_path / "c.xlsx"), lambda text: form(never_computed(text)))
    with pytest.raises(FormatError, match=r"sheet1, cell C3: every formula of a workbook must have a value"):
        read_cohort(path)


def test_a_prefix_changes_nothing_else(tmp_path: Path) -> None:
    plain = read_cohort(book(tmp_path / "c.xlsx"))
    assert read_cohort(changed(book(tmp_path / "d.xlsx"), prefixed)) == plain


def test_a_computed_empty_text_is_blank(tmp_path: Path) -> None:
    """As a spreadsheet saves IF(..., "", ...)."""
    empty = '<c r="C3" t="str"><f>IF(1=1,"","M")</f><v></v></c>'
    path = changed(book(tmp_path / "c.xlsx"), lambda text: re.sub(r'<c r="C3".*?</c>', empty, text))
    assert read_cohort(path)[0]["patients"].rows[1] == ("P1", "HCC", "")


def shown(path: Path, header: str, form: str) -> Path:
    """A tidy table whose second column is shown in a form of numbers."""
    made = openpyxl.Workbook()
    made.active.append(["id", header])
    for k in range(4):
        made.active.append([f"a{k}", 0.25 + 0.01 * k])
        made.active.cell(k + 2, 2).number_format = form
    made.save(path)
    return path


@pytest.mark.parametrize("form", ["0%", "0.00%", '#,##0.0 %;-"x"0%'])
@pytest.mark.parametrize("header", ["liver_v10_pct", "control_percent", "V100 (%)"])
def test_percent_shown_in_a_column_of_percent_is_refused(header: str, form: str, tmp_path: Path) -> None:
    """A person sees 33 %, the file holds 0.33, and the column's unit is percent: read as 0.33 %."""
    with pytest.raises(FormatError, match=r"cell B2 is shown as percent and stored as a hundredth"):
        read_table(shown(tmp_path / "t.xlsx", header, form))
    assert [p.rule for p in read_cohort(tmp_path / "t.xlsx")[1]] == ["percent_cells"]


@pytest.mark.parametrize(("header", "form"), [("liver_frac", "0%"), ("liver_v10_pct", "0.00"), ("x_pct", '0.0"%"')])
def test_percent_is_no_fault_where_the_two_agree(header: str, form: str, tmp_path: Path) -> None:
    assert read_table(shown(tmp_path / "t.xlsx", header, form)).numbers(header)[0] == 0.25


def test_rows_that_a_filter_hides_are_read_and_told(tmp_path: Path) -> None:
    path = shown(tmp_path / "t.xlsx", "x", "0")
    made = openpyxl.load_workbook(path)
    made.active.row_dimensions[3].hidden = made.active.row_dimensions[4].hidden = True
    made.save(path)
    table = read_table(path)
    assert len(table.lines) == 4
    assert [w.text[:43] for w in table.warnings] == ["sheet sheet: 2 rows are hidden, as by a fil"]
    assert [p.rule for p in read_cohort(path)[1]] == ["hidden_rows"]


def test_a_stale_range_is_told_of_a_tidy_table_too(tmp_path: Path) -> None:
    path = changed(shown(tmp_path / "t.xlsx", "x", "0"), lambda text: text.replace('ref="A1:B5"', 'ref="A1"'))
    assert [w.id for w in read_table(path).warnings] == ["sheet-doubted"]
