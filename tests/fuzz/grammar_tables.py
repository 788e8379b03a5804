"""Mutators of tables: cells, headers and rows of CSV files; sheets of workbooks; columns of Parquet files."""

from __future__ import annotations

import csv
import io
import random
import re
import zipfile
from collections.abc import Callable
from typing import Any

from grammar_trees import Mutated

__all__ = ["csv_mutated", "parquet_mutated", "xlsx_mutated"]

_NUMBER = re.compile(r"^-?\d+(\.\d+)?([eE][-+]?\d+)?$")
# Ways in which a person or a spreadsheet writes a number, and what they mean.
_CELLS: tuple[tuple[Callable[[str], str], str], ...] = (
    (lambda c: f" {c} ", "same"),
    (lambda c: f"{c}\u00a0", "same"),
    (lambda c: f"+{c}", "same"),
    (lambda c: c + (".0" if c.isdigit() else "0" if "." in c and "e" not in c else " "), "same"),
    (lambda c: c.replace(".", ",") if "." in c else f"{c},0", "broken"),
    (lambda c: f"{c} mm", "broken"),
    (lambda c: f"{c}%", "broken"),
    (lambda c: f"<{c}", "broken"),
    (lambda c: f"~{c}", "broken"),
    (lambda c: f"{c}*", "broken"),
    (lambda c: f"{c}-{c}", "broken"),
    (lambda c: "#REF!", "broken"),
    (lambda c: f"={c}+0", "broken"),
    (lambda c: f"'{c}", "same"),
    (lambda c: c.translate(str.maketrans("0123456789", "０１２３４５６７８９")), "broken"),
    (lambda c: c.replace("-", "−") if c.startswith("-") else f"−{c}", "broken"),
    (lambda c: f"1,{c}", "broken"),
    (lambda c: c + "e", "broken"),
    (lambda c: "nan", "broken"),
    (lambda c: "inf", "broken"),
    (lambda c: "1e999", "broken"),
    (lambda c: "TRUE", "broken"),
    (lambda c: "0x10", "broken"),
    (lambda c: f"{c}_0", "broken"),
)


def _grid(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


def _written(rows: list[list[str]], **form: Any) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator=form.pop("lineterminator", "\n"), **form).writerows(rows)
    return out.getvalue().encode()


def _cell(rows: list[list[str]], draw: random.Random) -> Mutated:
    at = [
        (i, j)
        for i, row in enumerate(rows)
        if i and not row[0].startswith("#")
        for j, c in enumerate(row)
        if _NUMBER.match(c)
    ]
    if not at:
        return _written(rows), "same", "unchanged"
    i, j = draw.choice(at)
    k = draw.randrange(len(_CELLS))
    change, meaning = _CELLS[k]
    rows[i][j] = change(rows[i][j])
    return _written(rows), meaning, "cell nan" if rows[i][j] == "nan" else f"cell {k}"


def _columns(rows: list[list[str]], draw: random.Random) -> Mutated:
    head = next((k for k, row in enumerate(rows) if not row[0].startswith("#")), 0)
    width = len(rows[head])
    j, kind = draw.randrange(width), draw.randrange(8)
    if kind == 0:
        order = draw.sample(range(width), width)
        new = [[row[k] for k in order] if len(row) == width else row for row in rows]
        return _written(new), "same", "columns in another order"
    if kind == 1:
        rows[head][j] = draw.choice((f" {rows[head][j]} ", f"{rows[head][j]}\t"))
        return _written(rows), "same", "header with blanks"
    if kind == 2:
        rows[head][j] = rows[head][j].upper()
        return _written(rows), "other", "header in capitals"
    if kind == 3:
        rows[head].append(rows[head][j])
        return _written([*rows[: head + 1], *([*r, "1"] for r in rows[head + 1 :])]), "broken", "column twice"
    if kind == 4:
        return _written([r[:j] + r[j + 1 :] if len(r) == width else r for r in rows]), "other", "column lost"
    if kind == 5:
        return _written([[*r, ""] for r in rows]), "same", "an empty column"
    if kind == 6:
        rows[head][j] = ""
        return _written(rows), "other", "header lost"
    return _written([*rows[:head], *rows[head + 1 :]]), "broken", "no header"


def _rows(rows: list[list[str]], draw: random.Random) -> Mutated:
    head = next((k for k, row in enumerate(rows) if not row[0].startswith("#")), 0)
    body = list(range(head + 1, len(rows)))
    if not body:
        return _written(rows), "same", "unchanged"
    i, kind = draw.choice(body), draw.randrange(8)
    if kind == 0:
        rows.insert(i, list(rows[i]))
        return _written(rows), "broken", "row twice"
    if kind == 1 and len(rows[i]) > 1:
        rows[i] = rows[i][:-1]
        return _written(rows), "broken", "row too short"
    if kind == 2:
        rows[i] = [*rows[i], "1"]
        return _written(rows), "broken", "row too long"
    if kind == 3:
        rows.insert(i, list(rows[head]))
        return _written(rows), "broken", "header in the middle"
    if kind == 4:
        rows.append(["total", *("" for _ in rows[head][1:])])
        return _written(rows), "broken", "a row of sums"
    if kind == 5:
        rows.insert(i, ["" for _ in rows[head]])
        return _written(rows), "same", "an empty row"
    if kind == 6:
        rows[i] = ["", *rows[i][:-1]]
        return _written(rows), "broken", "cells shifted to the right"
    rows[i] = [*rows[i][1:], ""]
    return _written(rows), "broken", "cells shifted to the left"


def _form(data: bytes, draw: random.Random) -> Mutated:
    rows, kind = _grid(data), draw.randrange(9)
    if kind == 0:
        return _written(rows, delimiter=";"), "other", "semicolons"
    if kind == 1:
        return _written(rows, delimiter="\t"), "other", "tabs"
    if kind == 2:
        return _written(rows, quoting=csv.QUOTE_ALL), "same", "quotes"
    if kind == 3:
        return _written(rows, lineterminator="\r\n"), "same", "CRLF"
    if kind == 4:
        return b"\xef\xbb\xbf" + data, "same", "byte order mark"
    if kind == 5:
        return data.decode().encode("utf-16"), "broken", "UTF-16"
    if kind == 6:
        return b"sep=,\n" + data, "other", "sep="
    if kind == 7:
        return data.rstrip(b"\n"), "same", "no end of line"
    return data + data, "broken", "the file twice"


def csv_mutated(data: bytes, draw: random.Random) -> Mutated:
    """Return a CSV file with one fault of its cells, columns, rows or form."""
    rows = _grid(data)
    if not rows or not rows[0]:
        return data, "same", "unchanged"
    kind = draw.random()
    if kind < 0.5:
        return _cell(rows, draw)
    if kind < 0.68:
        return _columns(rows, draw)
    return _rows(rows, draw) if kind < 0.85 else _form(data, draw)


_SHEET = re.compile(r"xl/worksheets/.*\.xml$")
_CELL = re.compile(r"<c\b[^>]*?(?:/>|>.*?</c>)", re.S)
_VALUE = re.compile(r"<v>(.*?)</v>|<t[^>]*>(.*?)</t>", re.S)


def _cell_of(text: str, value: str, draw: random.Random) -> tuple[str, str, str]:
    """Another form of one cell of a sheet."""
    ref = re.search(r'r="([A-Z]+\d+)"', text)
    where = f' r="{ref[1]}"' if ref else ""
    kind = draw.randrange(9)
    if kind == 0:
        return f'<c{where} t="inlineStr"><is><t>{value}</t></is></c>', "same", "inline text"
    if kind == 1:
        return f'<c{where} t="str"><f>"x"</f><v>{value}</v></c>', "same", "formula with its value"
    if kind == 2:
        return f"<c{where}><f>1+1</f></c>", "broken", "formula without a value"
    if kind == 3:
        return f'<c{where} t="e"><v>#REF!</v></c>', "broken", "error cell"
    if kind == 4:
        return f'<c{where} t="b"><v>1</v></c>', "broken", "boolean"
    if kind == 5:
        return text + text, "broken", "cell twice"
    if kind == 6:
        return f'<c{where} t="s"><v>99999</v></c>', "broken", "shared text that is not there"
    if kind == 7:
        rich = "".join(f"<r><t>{c}</t></r>" for c in value)
        return f'<c{where} t="inlineStr"><is>{rich}</is></c>', "same", "rich text"
    return f'<c{where} t="nonsense"><v>{value}</v></c>', "other", "unknown type"


def _sheet(text: str, draw: random.Random) -> tuple[str, str, str]:
    kind = draw.randrange(10)
    cells = [m for m in _CELL.finditer(text) if (v := _VALUE.search(m[0])) and 't="s"' not in m[0] and (v[1] or v[2])]
    if kind < 5 and cells:
        cell = draw.choice(cells)
        value = _VALUE.search(cell[0])
        assert value is not None
        new, meaning, name = _cell_of(cell[0], value[1] or value[2], draw)
        return text[: cell.start()] + new + text[cell.end() :], meaning, name
    if kind == 5:
        return re.sub(r'<c r="[A-Z]+\d+"', "<c", text), "same", "cells without places"
    if kind == 6:
        return re.sub(r"<dimension[^>]*/>", '<dimension ref="A1"/>', text), "same", "stale dimension"
    if kind == 7:
        return re.sub(r'(<row r=")(\d+)(")', lambda m: f"{m[1]}{int(m[2]) + 3}{m[3]}", text), "other", "rows moved"
    if kind == 8:
        return text.replace("</sheetData>", '</sheetData><mergeCells><mergeCell ref="A2:B3"/></mergeCells>'), \
            "other", "merged cells"  # fmt: skip
    rows = re.findall(r"<row\b.*?</row>", text, re.S)
    if len(rows) < 3:
        return text, "same", "unchanged"
    one = draw.choice(rows[1:])
    return text.replace(one, one + one, 1), "broken", "row element twice"


def xlsx_mutated(data: bytes, draw: random.Random) -> Mutated:
    """Return a workbook with one fault of a cell, a sheet or its parts."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    sheets = [name for name in parts if _SHEET.match(name)]
    kind, meaning, name = draw.random(), "same", "unchanged"
    if kind < 0.75:
        sheet = draw.choice(sheets)
        text, meaning, name = _sheet(parts[sheet].decode(), draw)
        parts[sheet] = text.encode()
    elif kind < 0.8:
        del parts[draw.choice(list(parts))]
        meaning, name = "other", "part lost"
    elif kind < 0.85:
        book_xml = parts["xl/workbook.xml"].decode()
        parts["xl/workbook.xml"] = re.sub(r'(<sheet [^>]*name=")([^"]+)', r"\1\2x", book_xml, count=1).encode()
        meaning, name = "other", "sheet renamed"
    elif kind < 0.9:
        text = parts["xl/workbook.xml"].decode()
        parts["xl/workbook.xml"] = text.replace("<sheet ", '<sheet state="hidden" ', 1).encode()
        meaning, name = "same", "sheet hidden"
    elif kind < 0.95:
        text = parts["xl/workbook.xml"].decode()
        parts["xl/workbook.xml"] = re.sub(r"<workbookPr[^>]*/>", '<workbookPr date1904="1"/>', text).encode()
        meaning, name = "other", "dates from 1904"
    else:
        shuffled = list(parts.items())
        draw.shuffle(shuffled)
        parts, name = dict(shuffled), "parts in another order"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as book:
        for part, content in parts.items():
            book.writestr(part, content)
    return out.getvalue(), meaning, name


def parquet_mutated(data: bytes, draw: random.Random) -> Mutated:
    """Return a Parquet file with a column of another type, name or place, or another layout."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(data))
    j = draw.randrange(table.num_columns)
    column, field = table.column(j), table.schema.field(j)
    types = (pa.large_string(), pa.string(), pa.float64(), pa.int64(), pa.date32(), pa.timestamp("us"), pa.bool_(),
             pa.binary(), pa.dictionary(pa.int32(), pa.string()), pa.timestamp("us", "Europe/Berlin"))  # fmt: skip
    kind = draw.randrange(8)
    options: dict[str, Any] = {}
    meaning, name = "same", "unchanged"
    if kind < 3:
        wanted = draw.choice(types)
        try:
            table = table.set_column(j, field.name, column.cast(wanted))
            # A year, a count and an id as number, text or dictionary are one; a day has no time and no zone.
            meaning, name = ("broken" if wanted in (pa.bool_(), pa.binary()) else "same"), f"column as {wanted}"
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
            pass
    elif kind == 3:
        table = table.append_column(field.name, column)
        meaning, name = "broken", "column twice"
    elif kind == 4:
        order = draw.sample(range(table.num_columns), table.num_columns)
        table, name = table.select(order), "columns in another order"
    elif kind == 5:
        lists = pa.array([[value] for value in column.to_pylist()])
        table = table.set_column(j, field.name, lists)
        meaning, name = "broken", "column of lists"
    elif kind == 6:
        options = {"row_group_size": 1, "compression": draw.choice(("NONE", "SNAPPY", "ZSTD", "GZIP"))}
        name = "row groups"
    else:
        table = table.rename_columns([f" {n} " if k == j else n for k, n in enumerate(table.column_names)])
        meaning, name = "other", "header with blanks"
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue(), meaning, name
