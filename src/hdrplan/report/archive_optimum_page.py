"""An archive's plans beside the best of their cases, as one page: gains by planner and year, drawn and in tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from markupsafe import Markup, escape

from hdrplan.report.page import page
from hdrplan.report.quality_text import optimum_sentences
from hdrplan.report.svg import nice_ticks

__all__ = ["archive_optimum_html", "gains_svg"]

Row: TypeAlias = Mapping[str, str | float | None]

_LEFT, _TOP, _WIDTH, _ROW = 20, 8, 740, 58
_ALL = "all"
_D100, _LESS = ("more_d100_at_least_gy", "more_d100_at_most_gy"), ("less_at_least_pct", "less_at_most_pct")


def archive_optimum_html(
    lesions: Sequence[Row], groups: Sequence[Row], errors: Sequence[tuple[str, str]], *, name: str, version: str
) -> str:
    """Return one self-contained page.

    Parameters
    ----------
    lesions, groups : sequence of rows
        The tables optimum and optimum_by_planner.
    errors : sequence of (str, str)
        Plans that could not be compared, and why.
    name : str
        Of the folder of tables.
    version : str
    """
    kinds = list(dict.fromkeys(str(row["spared"]) for row in groups))
    return page(
        "archive_optimum.html.j2",
        title=f"Plan quality of {name}",
        version=version,
        sentences=optimum_sentences(groups),
        kinds=[
            {
                "spared": spared,
                "d100": gains_svg(_of(lesions, spared), _D100, f"More D100 at the same {spared} (Gy)"),
                "less": gains_svg(_plans(_of(lesions, spared)), _LESS, f"Less {spared} at the same D100 (%)"),
                "groups": [_group_cells(row) for row in _of(groups, spared)],
            }
            for spared in kinds
        ],
        lesions=[_lesion_cells(row) for row in lesions],
        errors=errors,
    )


def gains_svg(rows: Sequence[Row], columns: tuple[str, str], across: str) -> Markup:
    """Draw each gain as a point, what is surely possible, with a line to what is not; a row for each planner and year.

    Parameters
    ----------
    rows : sequence of rows
        Of the table optimum: of lesions, or of plans.
    columns : (str, str)
        What is surely possible, and beyond what nothing is.
    across : str
        Title of the axis.
    """
    groups: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for row in sorted(rows, key=lambda row: (str(row["planner"]), str(row["year"]))):
        low = _value(row, columns[0])
        high = low if row[columns[1]] in (None, "") else max(_value(row, columns[1]), low)
        groups.setdefault((str(row["planner"]), str(row["year"])), []).append((low, high))
    top = 1.05 * max((high for gains in groups.values() for _, high in gains), default=0.0) or 1.0
    bottom = _TOP + _ROW * max(len(groups), 1)

    def x(value: float) -> float:
        return _LEFT + _WIDTH * value / top

    box = f"0 0 {_LEFT + _WIDTH + 24} {bottom + 60}"
    says = f"{escape(across)}, by planner and year; the values are in the tables."
    out = [f'<svg viewBox="{box}" role="img" aria-label="{says}">']
    for tick in nice_ticks(top, 7):
        out.append(f'<line class="grid" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{_TOP}" y2="{bottom}"/>')
        out.append(f'<text class="tick" x="{x(tick):.1f}" y="{bottom + 20}" text-anchor="middle">{tick:g}</text>')
    for k, ((planner, year), gains) in enumerate(groups.items()):
        # Names stand above their row: beside it there is no room for them on a phone.
        y = _TOP + _ROW * (k + 0.72)
        label = escape(f"{_short(planner)}, {year or 'no year'} ({len(gains)})")
        out.append(f'<text class="tick" x="{_LEFT}" y="{y - 18:.1f}">{label}</text>')
        out.append(f'<line class="grid" x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        for j, (low, high) in enumerate(gains):
            # Points of one row stand a little apart, always in the same way.
            at = y + 9.0 * (((j * 0.618) % 1.0) - 0.5) if len(gains) > 1 else y
            out.append(f'<path d="M{x(low):.1f},{at:.1f}L{x(high):.1f},{at:.1f}" class="interval"/>')
            out.append(
                f'<circle class="better" r="4" cx="{x(low):.1f}" cy="{at:.1f}"><title>{low:.3g}</title></circle>'
            )
        median = float(np.median([low for low, _ in gains]))
        out.append(f'<path d="M{x(median):.1f},{y - 13:.1f}v26" class="median"/>')
    middle = _LEFT + _WIDTH / 2
    out.append(f'<text class="axis" text-anchor="middle" x="{middle}" y="{bottom + 50}">{escape(across)}</text></svg>')
    return Markup("".join(out))


def _of(rows: Sequence[Row], spared: str) -> list[Row]:
    return [row for row in rows if str(row["spared"]) == spared]


def _plans(lesions: Sequence[Row]) -> list[Row]:
    return list({row["plan_id"]: row for row in lesions}.values())


def _value(row: Row, column: str) -> float:
    return float(row[column] or 0.0)


def _short(text: str, maximum_chars: int = 20) -> str:
    return text if len(text) <= maximum_chars else text[: maximum_chars - 1] + "…"


def _group_cells(row: Row) -> dict[str, str]:
    cells = {key: str(row[key]) for key in ("planner", "year", "plans", "lesions")}
    for column, digits in ((_D100[0], 2), (_LESS[0], 1)):
        low, middle, high, top = (_value(row, f"{column}_{kind}") for kind in ("p25", "median", "p75", "max"))
        cells[column] = f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"
        cells[f"{column}_max"] = f"{top:.{digits}f}"
    return cells | {"total": "total" if _ALL in (row["planner"], row["year"]) else ""}


def _lesion_cells(row: Row) -> dict[str, str]:
    lower, upper = (_value(row, column) for column in ("d100_lower_gy", "d100_upper_gy"))
    pairs = {columns[0]: [_value(row, column) for column in columns] for columns in (_D100, _LESS)}
    return {
        **{key: str(row[key] or "") for key in ("plan_id", "planner", "year", "structure", "spared")},
        "cc": f"{_value(row, 'volume_cc'):.1f}",
        "d100": f"{lower:.2f} to {upper:.2f}",
        "more": "{:.2f} to {:.2f}".format(*pairs[_D100[0]]),
        "less": "{:.1f} to {:.1f}".format(*pairs[_LESS[0]]),
    }
