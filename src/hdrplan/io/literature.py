"""Published series of liver HDR brachytherapy: the table that comes with hdrplan, or another of its form."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from hdrplan.errors import FormatError
from hdrplan.io.tables import Table, read_table
from hdrplan.io.text_form import TextForm
from hdrplan.outcomes import Series

__all__ = ["read_series"]

_NEEDED = ("series", "tumour_type", "lesions", "horizon")


def read_series(path: Path | None = None, form: TextForm | None = None) -> list[Series]:
    """Read published series, one printed figure a row.

    Parameters
    ----------
    path : Path or None
        Columns series, tumour_type, lesions, horizon, and events or control_percent; dose_gy, organ, overlaps, place
        and note where known. None: the series that come with hdrplan.
    form : TextForm or None
        How text is written.

    Raises
    ------
    FormatError
        A column is missing, a cell is no number, a control outside 0 to 100.
    """
    file = Path(str(resources.files("hdrplan"))) / "io" / "data" / "liver_hdr_series.csv" if path is None else path
    table = read_table(file, form)
    missing = [name for name in _NEEDED if name not in table.columns]
    if missing or not {"events", "control_percent"} & set(table.columns):
        raise FormatError(
            "columns series, tumour_type, lesions, horizon, and events or control_percent",
            got=f"none called {', '.join(missing) or 'events'}", where=file,
        )  # fmt: skip
    return [_series(table, k) for k in range(len(table.lines))]


def _series(table: Table, row: int) -> Series:
    def text(name: str, default: str = "") -> str:
        return table.texts(name)[row] if name in table.columns else default

    def number(name: str) -> float | None:
        if name not in table.columns or table.missing(name)[row]:
            return None
        return float(table.numbers(name)[row])

    for name in ("series", "tumour_type"):
        if not text(name):
            where = f"{table.path}, line {table.lines[row]}"
            raise FormatError(f"every row is a series with its {name}", got="a blank cell: a row of sums?", where=where)
    lesions, events, control = number("lesions"), number("events"), number("control_percent")
    if control is not None and not 0 <= control <= 100:
        where = f"{table.path}, line {table.lines[row]}"
        raise FormatError("control_percent must be 0 to 100", got=control, where=where)
    if events is None and control is not None and lesions is not None:
        events = lesions * (1.0 - control / 100.0)
    return Series(
        name=text("series"),
        tumour_type=text("tumour_type"),
        horizon=text("horizon"),
        lesions=None if lesions is None else round(lesions),
        events=events,
        control=None if control is None else control / 100.0,
        dose_gy=number("dose_gy"),
        overlaps=text("overlaps"),
        place=text("place"),
        note=text("note"),
        in_liver=text("organ", "liver") == "liver",
    )
