"""DVHs of a stored dose as one page: curves, every metric with its error, how dose and structures were read."""

from __future__ import annotations

import math
from collections.abc import Mapping

from hdrplan.report.dvh_drawing import drawn_curves, drawn_end_gy
from hdrplan.report.dvh_text import difference_words, metric_words, with_error
from hdrplan.report.page import doubts_of, page
from hdrplan.report.scene import curve_data
from hdrplan.report.svg import dvh_svg
from hdrplan.workflow import DVHResult, StructureDVH

__all__ = ["dvh_html"]

_SCRIPTS = ("dvh.js", "dvh_start.js")
_MAXIMUM_COLUMNS, _MAXIMUM_BESIDE = 6, 9
_PARTS = (("grid", "dose grid"), ("shape", "between slices"), ("ends", "ends"), ("sampling", "points"))


def dvh_html(result: DVHResult, *, title: str, version: str, about: Mapping[str, str] | None = None) -> str:
    """Return one self-contained page.

    Parameters
    ----------
    result : DVHResult
    title : str
        Free of patient identifiers, unless they were asked for.
    version : str
    about : mapping of str to str, optional
        What was read -> its hash.
    """
    curves, styles = drawn_curves(result)
    gy_max = drawn_end_gy(result)
    looks = [styles[curve.name] for curve in curves]
    return page(
        "dvh.html.j2",
        title=title,
        version=version,
        about=about,
        scripts=_SCRIPTS,
        data={"curves": curve_data(curves, gy_max)},
        doubts=doubts_of(result.warnings),
        dvh=dvh_svg(curves, looks, (), result.options.prescription_gy, gy_max=gy_max),
        dvh_hint="",
        dvh_legend=[
            {
                "name": curve.name,
                "ranks": [rank],
                "colour": look["colour"],
                "dash": " ".join(map(str, look["dash"])),
                "note": f"{curve.volume_cc:.1f} cc" if curve.volume_cc >= 10 else f"{curve.volume_cc:.2f} cc",
            }
            for rank, (curve, look) in enumerate(zip(curves, looks, strict=True))
        ],
        tables=_tables(result),
        parts=[_parts(s) for s in result.structures] if result.options.errors else [],
        part_names=[name for _, name in _PARTS],
        beside=_beside(result),
        left_out=result.left_out,
        facts=result.facts,
        options=_options(result),
    )


def _tables(result: DVHResult) -> list[dict[str, object]]:
    """Return tables that fit a printed page: physical doses, volumes, EQD2 and gEUD."""
    names = [(m.name, m.unit) for m in result.structures[0].metrics]
    derived = {k for k, (name, _) in enumerate(names) if name == "gEUD" or name.endswith("EQD2")}
    groups = (
        ("Doses", [k for k, (_, unit) in enumerate(names) if unit == "Gy" and k not in derived]),
        ("Volumes", [k for k, (_, unit) in enumerate(names) if unit != "Gy"]),
        ("EQD2 and gEUD" if result.options.alpha_beta_gy else "gEUD", sorted(derived)),
    )
    tables: list[dict[str, object]] = []
    for caption, chosen in groups:
        for first in range(0, len(chosen), _MAXIMUM_COLUMNS):
            part = chosen[first : first + _MAXIMUM_COLUMNS]
            tables.append(
                {
                    "caption": caption + (", continued" if first else ""),
                    "columns": [names[k] for k in part],
                    "rows": [_row(s, part) for s in result.structures],
                }
            )
    return tables


def _row(s: StructureDVH, chosen: list[int]) -> dict[str, object]:
    return {
        "name": s.name,
        "volume": with_error(s.volume_cc, s.volume_error_cc),
        "inside": f"{100 * s.in_grid_frac:.1f} %",
        "partial": s.in_grid_frac < 0.999,
        "cells": [metric_words(m).removesuffix(f" {m.unit}") for m in (s.metrics[k] for k in chosen)],
    }


def _beside(result: DVHResult) -> dict[str, object]:
    """Return the table of the DVHs that came with the dose: no columns where there are none."""
    names = list(dict.fromkeys((m.name, m.unit) for b in result.beside for m in b.metrics))[:_MAXIMUM_BESIDE]
    rows = []
    for b in result.beside:
        known = {(m.name, m.unit): m for m in b.metrics}
        cells = [(f"{known[n].stored:.4g}", difference_words(known[n])) if n in known else ("–", "") for n in names]
        rows.append({"name": b.name, "bin": "–" if math.isnan(b.bin_gy) else f"{b.bin_gy:.2g}", "cells": cells})
    return {"columns": names, "rows": rows}


def _parts(s: StructureDVH) -> dict[str, object]:
    """Return the parts of the errors of each metric that has a value."""
    known = [m for m in s.metrics if not math.isnan(m.value)]
    return {
        "name": s.name,
        "metrics": [
            {
                "label": m.name,
                "unit": m.unit,
                "value": f"{m.value:.3f}",
                "error": f"{m.error:.3f}",
                "parts": [f"{getattr(m, part):.3f}" for part, _ in _PARTS],
            }
            for m in known
        ],
    }


def _options(result: DVHResult) -> list[tuple[str, str]]:
    """Return what was asked for beyond the usual metrics."""
    options = result.options
    rows = []
    if options.prescription_gy is not None:
        rows.append(("Prescription", f"{options.prescription_gy:g} Gy"))
    if options.alpha_beta_gy is not None:
        equal = f"{options.fractions} equal fraction{'s' if options.fractions > 1 else ''}"
        rows.append(("EQD2", f"α/β = {options.alpha_beta_gy:g} Gy, the dose given in {equal}"))
    if options.geud_a is not None:
        rows.append(("gEUD", f"a = {options.geud_a:g}"))
    return rows
