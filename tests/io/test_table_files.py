"""Tables as statistics programs write them: SPSS files, other encodings, decimal commas. Read as told, or refused."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import openpyxl
import pytest

from cohort_by_hand import raw_cohort
from hdrplan.cohort import RawTable
from hdrplan.errors import FormatError, InputError
from hdrplan.io import TextForm, read_cohort, read_table

pyreadstat = pytest.importorskip("pyreadstat")
pd = pytest.importorskip("pandas")

ROWS = "lesion;tumour;d100_gy\nL1;Adenokarzinom, mäßig;18,5\nL2;Übergang;22\n"


def sav(path: Path, **columns: list[object]) -> Path:
    pyreadstat.write_sav(
        pd.DataFrame(columns), path, variable_value_labels={"type": {1: "HCC", 2: "CRLM"}, "sex": {0: "M", 1: "F"}}
    )
    return path


def test_an_spss_file_gives_codes_words_days_and_blanks(tmp_path: Path) -> None:
    path = sav(
        tmp_path / "t.sav", id=["007", "x"], type=[2.0, None], sex=[0, 1], d100_gy=[18.25, 20],
        day=[dt.date(2020, 2, 29), None],
    )  # fmt: skip
    table = read_table(path)
    assert table.columns == {
        "id": ("007", "x"), "type": ("2", ""), "sex": ("0", "1"), "d100_gy": ("18.25", "20"), "day": ("2020-02-29", ""),
    }  # fmt: skip
    assert table.texts("type") == ("CRLM", "")
    assert [table.is_coded(name) for name in ("type", "sex", "d100_gy")] == [True, False, False]
    assert table.lines == (2, 3)


@pytest.mark.parametrize("data", [b"", b"$FL2" + b"x" * 900, b"not SPSS"])
def test_what_is_no_spss_file_is_refused_by_name(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "t.sav").write_bytes(data)
    with pytest.raises(FormatError, match=r"t\.sav"):
        read_table(tmp_path / "t.sav")


def test_a_file_that_ends_the_reader_ends_in_a_refusal(tmp_path: Path) -> None:
    path = sav(tmp_path / "t.sav", id=["a"] * 40, type=[1.0] * 40, d100_gy=[float(k) for k in range(40)])
    data = bytearray(path.read_bytes())
    data[215] = 83  # the high byte of a length: the compiled reader is ended by the system
    path.write_bytes(bytes(data))
    with pytest.raises(FormatError, match="a damaged file"):
        read_table(path)


def test_an_spss_cohort_is_the_csv_cohort(tmp_path: Path) -> None:
    plain, spss = tmp_path / "csv", tmp_path / "sav"
    plain.mkdir()
    spss.mkdir()
    for name, table in raw_cohort().items():
        lines = [table.columns, *table.rows]
        (plain / f"{name}.csv").write_text("".join(",".join(row) + "\n" for row in lines))
        (spss / f"{name}.csv").write_text("".join(",".join(row) + "\n" for row in lines))
    (spss / "patients.csv").unlink()
    patients = raw_cohort()["patients"]
    columns: dict[str, list[object]] = {c: [row[k] for row in patients.rows] for k, c in enumerate(patients.columns)}
    columns["sex"] = ["MF".index(str(v)) for v in columns["sex"]]
    sav(spss / "patients.sav", **columns)
    assert read_cohort(spss)[0]["patients"] == read_cohort(plain)[0]["patients"]


@pytest.mark.parametrize(("encoding", "told"), [("latin-1", "latin-1"), ("utf-16", "utf-16"), ("cp1252", "latin-1")])
def test_another_encoding_is_named_and_then_read(encoding: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(ROWS.encode(encoding))
    with pytest.raises(FormatError, match=f'`encoding="{told}"`'):
        read_table(path)
    table = read_table(path, TextForm(told, ","))
    assert table.cells("tumour") == ("Adenokarzinom, mäßig", "Übergang")
    assert table.numbers("d100_gy").tolist() == [18.5, 22.0]


def test_the_line_of_the_first_strange_letter_is_said(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("a,b\n1,2\n3,ä\n".encode("latin-1"))
    with pytest.raises(FormatError, match=r"line 3: .*got byte 0xe4.*in which this byte is ä"):
        read_table(path)


@pytest.mark.parametrize(
    ("written", "told", "words"),
    [
        ("utf-8", "latin-1", "got UTF-8 text"),
        ("utf-16", "latin-1", 'Say `encoding="utf-16"`'),
        ("utf-8", "utf-16", "expected utf-16 text"),
        ("latin-1", "ascii", "expected ascii text"),
    ],
)
def test_an_encoding_told_wrongly_never_makes_wrong_letters(
    written: str, told: str, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes((ROWS + "é;ü;1\n").encode(written))
    with pytest.raises(FormatError) as refusal:
        read_table(path, TextForm(told, ","))
    assert words in str(refusal.value)


def test_windows_text_is_not_taken_for_latin_1(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("a,b\n1,–\n".encode("cp1252"))
    with pytest.raises(FormatError, match=r"line 2: .*byte 0x96.*cp1252"):
        read_table(path, TextForm("latin-1"))
    assert read_table(path, TextForm("cp1252")).cells("b") == ("–",)


def test_utf_16_without_its_mark_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("a,b\n1,2\n".encode("utf-16-le"))
    with pytest.raises(FormatError, match="utf-16-le"):
        read_table(tmp_path / "t.csv")
    assert read_table(tmp_path / "t.csv", TextForm("utf-16-le")).columns == {"a": ("1",), "b": ("2",)}


@pytest.mark.parametrize(("decimal", "cell"), [(".", "18,5"), (",", "18.5"), (",", "1.500")])
def test_the_other_decimal_mark_is_refused_with_its_line(decimal: str, cell: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"d100_gy;x\n20;a\n{cell};b\n")
    table = read_table(path, TextForm(decimal=decimal))
    with pytest.raises(FormatError, match="line 3"):
        table.numbers("d100_gy")
    with pytest.raises(FormatError, match=rf"line 3: .*'{cell}' beside '20'"):
        table.check_words("d100_gy")


def test_a_form_that_a_file_says_itself_is_refused(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    made.active.append(["a", "b"])
    made.active.append([1.5, "x"])
    made.save(tmp_path / "t.xlsx")
    assert read_table(tmp_path / "t.xlsx").columns == {"a": ("1.5",), "b": ("x",)}
    with pytest.raises(FormatError, match="`decimal` is for text"):
        read_table(tmp_path / "t.xlsx", TextForm(decimal=","))
    made.create_sheet("more").append(["a"])
    made.save(tmp_path / "t.xlsx")
    with pytest.raises(FormatError, match="one sheet"):
        read_table(tmp_path / "t.xlsx")


@pytest.mark.parametrize(("encoding", "decimal"), [("klingon", "."), ("utf-8", ";"), ("hex", ".")])
def test_forms_that_are_none_are_refused(encoding: str, decimal: str) -> None:
    with pytest.raises(InputError):
        TextForm(encoding, decimal)


def commas(table: RawTable) -> str:
    """The table with semicolons and decimal commas, as a German spreadsheet saves it."""

    def cell(text: str) -> str:
        return text.replace(".", ",") if text.replace(".", "").isdigit() else text

    return "".join(";".join(map(cell, row)) + "\n" for row in (table.columns, *table.rows))


def test_a_cohort_with_decimal_commas_is_the_same_cohort(tmp_path: Path) -> None:
    raw = raw_cohort()
    for name, table in raw.items():
        (tmp_path / f"{name}.csv").write_text(commas(table), encoding="utf-16")
    read, problems = read_cohort(tmp_path, TextForm("utf-16", ","))
    assert read == raw
    assert problems == []
    text = "patient_id;scan_date;lesion_id;longest_diameter_mm\nP1;2017-12-20;L1;1.5\n"
    (tmp_path / "measurements.csv").write_text(text, encoding="utf-16")
    with pytest.raises(FormatError, match=r"line 2, column longest_diameter_mm: .*got 1\.5"):
        read_cohort(tmp_path, TextForm("utf-16", ","))
