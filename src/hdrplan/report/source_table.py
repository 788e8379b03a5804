"""TG-43 sources in tables and lines: what one is, and how well its published along-away table is met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hdrplan.dose import AlongAwayCheck
from hdrplan.sources import TG43Source

__all__ = [
    "along_away_lines",
    "along_away_summary",
    "along_away_summary_lines",
    "along_away_table",
    "source_facts",
    "source_lines",
    "source_list_lines",
    "source_tables",
]

# A table of more rows does not fit a page.
_MAXIMUM_ROWS = 40


def source_facts(source: TG43Source) -> dict[str, object]:
    """Return what a source is, without its tables."""
    return {
        "name": source.name,
        "model": source.model,
        "manufacturer": source.manufacturer,
        "kind": source.kind,
        "citation": source.citation,
        "provenance": source.provenance,
        "note": source.note,
        "dose_rate_constant_cgy_per_h_per_u": _constant(source),
        "active_length_mm": source.active_length_mm,
        "half_life_days": source.half_life_days,
        "table_r_max_mm": source.table_r_max_mm,
        "along_away": source.along_away is not None,
    }


def source_tables(source: TG43Source) -> dict[str, object]:
    """Return g and F as the dose engine uses them."""
    return {
        "radial_r_mm": source.radial_r_mm.tolist(),
        "radial_dose": source.radial_dose.tolist(),
        "anisotropy_r_mm": source.anisotropy_r_mm.tolist(),
        "anisotropy_theta_rad": source.anisotropy_theta_rad.tolist(),
        "anisotropy": source.anisotropy.tolist(),
        "anisotropy_filled": source.anisotropy_filled.tolist(),
    }


def source_list_lines(sources: Sequence[TG43Source]) -> list[str]:
    """Return a list of sources, one a line, the default first."""
    return [
        f"{'name':<28}{'kind':<14}{'Lambda':>9}{'L':>7}{'to':>7}  {'table':<6} model",
        f"{'':<28}{'':<14}{'cGy/h/U':>9}{'mm':>7}{'cm':>7}",
        *(
            f"{s.name:<28}{s.kind:<14}{_constant(s):>9.5g}{s.active_length_mm:>7g}"
            f"{s.table_r_max_mm / 10:>7g}  {'yes' if s.along_away else '-':<6} {s.model}"
            for s in sources
        ),
        "The first is the default. table: a published along-away table to verify against.",
    ]


def source_lines(source: TG43Source) -> list[str]:
    """Return what a source is, one fact a line."""
    words = {
        "name": source.name,
        "model": source.model,
        "manufacturer": source.manufacturer,
        "kind": source.kind,
        "citation": source.citation,
        "provenance": source.provenance,
        "note": source.note,
    }
    return [
        *(f"{key:<14}{text}" for key, text in words.items() if text),
        f"{'Lambda':<14}{_constant(source):.6g} cGy/h/U",
        f"{'active length':<14}{source.active_length_mm:g} mm",
        f"{'half-life':<14}{source.half_life_days:g} d",
        f"{'published to':<14}{source.table_r_max_mm / 10:g} cm; beyond, doses are marked extrapolated",
    ]


def along_away_summary(source: TG43Source, check: AlongAwayCheck) -> dict[str, object]:
    """Return the deviations from the published table in a few numbers."""
    return {
        "name": source.name,
        "cells": int(check.valid.sum()),
        "cells_left_out": int(check.valid.size - check.valid.sum()),
        "mean_pct": 100.0 * check.mean_frac,
        "largest_pct": 100.0 * check.max_frac,
        "largest_at_mm": list(check.worst_mm),
    }


def along_away_table(check: AlongAwayCheck) -> dict[str, object]:
    """Return the deviation of every cell; those left out are null."""
    return {
        "along_mm": check.published.along_mm.tolist(),
        "away_mm": check.published.away_mm.tolist(),
        "deviation_pct": [[None if np.isnan(v) else 100.0 * v for v in row] for row in check.deviation_frac.tolist()],
    }


def along_away_summary_lines(checks: Mapping[str, AlongAwayCheck]) -> list[str]:
    """Return the deviations of several sources, by name, as a table of Markdown."""
    return [
        "| source | cells | mean | largest | at along, away (mm) |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {check.valid.sum()} | {100.0 * check.mean_frac:.3f} % | {100.0 * check.max_frac:.3f} % | "
            f"{check.worst_mm[0]:g}, {check.worst_mm[1]:g} |"
            for name, check in checks.items()
        ),
    ]


def along_away_lines(source: TG43Source, check: AlongAwayCheck, *, elsewhere: str) -> list[str]:
    """Return the summary, and all cells of a table that fits a page.

    Parameters
    ----------
    source : TG43Source
    check : AlongAwayCheck
    elsewhere : str
        What gives every cell of a table that does not.
    """
    along_mm, away_mm = check.worst_mm
    valid, table = int(check.valid.sum()), check.published
    lines = [
        f"{source.name}: {source.citation}",
        f"{valid} cells compared, {check.valid.size - valid} left out (blank, in capsule or cable, too far)",
        f"mean deviation {100.0 * check.mean_frac:.3f} %, largest {100.0 * check.max_frac:.3f} % "
        f"at along {along_mm:g}, away {away_mm:g} mm",
    ]
    if len(table.along_mm) > _MAXIMUM_ROWS:
        return [*lines, f"The table is too large to print; {elsewhere} gives every cell."]
    lines += ["", "Computed / published - 1 in percent; rows along (mm), columns away (mm)"]
    lines.append(f"{'':>7}" + "".join(f"{away:>8g}" for away in table.away_mm))
    for along, column in zip(table.along_mm, check.deviation_frac.T, strict=True):
        cells = "".join(f"{'':>8}" if np.isnan(v) else f"{100 * v:>8.3f}" for v in column)
        lines.append(f"{along:>7g}{cells}")
    return lines


def _constant(source: TG43Source) -> float:
    """Lambda in the unit of its publication, cGy / h / U."""
    return source.dose_rate_constant_gy_per_s_per_u * 360_000.0
