"""The second check as one page: verdict, files, comparisons, maps, channels, assumptions, limits, signatures."""

from __future__ import annotations

import math

import numpy as np

from hdrplan.plan import BrachyPlan
from hdrplan.report.check_drawing import check_figures, figure_sentences
from hdrplan.report.check_facts import CheckedFiles, assumptions, decay_to, dwell_rows, limit_rows
from hdrplan.report.check_media import media_cells, media_sentences
from hdrplan.report.check_text import number_text, open_text, percent_text, verdict_text
from hdrplan.report.page import base64_text, doubts_of, page
from hdrplan.workflow import CheckRow, GridCheck, MediaCheck, SecondCheck

__all__ = ["check_html"]

# Kind of a row -> caption of its table.
_CAPTIONS = {
    "kerma": "Total reference air kerma: the plan's arithmetic",
    "point": "Reference points",
    "grid": "Dose grid",
    "dwell": "Dwell times: what the TPS's dose grid has by a fit of every dwell, and what the plan says",
    "dvh": "DVH metrics, both doses on the grid of the TPS",
    "stored": "DVHs in the file of the dose, and ours at exact points",
    "media": "Dose in the patient's media (D_m,m), metrics on the grid of the TPS",
    "time": "Delivered times: planned for the strength at the treatment, and delivered",
}
_STATES = {"pass": "met", "warn": "warned", "fail": "missed", "not judged": "unknown"}
_WORDS = {"pass": "pass", "warn": "pass, warning", "fail": "FAIL", "not judged": "not judged"}
_VERDICT_STATES = {"pass": "good", "warn": "open", "fail": "bad", "not judged": "open"}
_NAMES = {"plan": "RT Plan", "dose": "RT Dose", "structures": "RT Structure Set", "tolerances": "Tolerances"}


def check_html(
    check: SecondCheck,
    brachy: BrachyPlan,
    files: CheckedFiles,
    *,
    title: str,
    version: str,
    media: MediaCheck | None = None,
) -> str:
    """Return one self-contained page; every text of the file is escaped, nothing is loaded.

    Parameters
    ----------
    check : SecondCheck
    brachy : BrachyPlan
    files : CheckedFiles
    title : str
        Without patient data: the caller decides what it names.
    version : str
    media : MediaCheck, optional
        The same with the dose in the patient's media.
    """
    grid = check.grid
    return page(
        "check.html.j2",
        title=title,
        version=version,
        about={"Patient": files.patient, "RT Plan": files.sha256["plan"]},
        pictures=True,
        doubts=doubts_of(check.warnings),
        check=check,
        verdict=verdict_text(check),
        verdict_state=_VERDICT_STATES[check.verdict],
        files=[(_NAMES.get(name, name.capitalize()), value) for name, value in files.sha256.items()],
        facts=_facts(check, brachy, files),
        links=[(link.text, {True: "yes", False: "NO", None: "not stated"}[link.holds]) for link in check.links],
        tables=[
            (caption, kind, [_cells(row) for row in check.rows if row.kind == kind])
            for kind, caption in _CAPTIONS.items()
            if any(row.kind == kind for row in check.rows)
        ],
        figures=[] if grid is None else [(name, base64_text(svg)) for name, svg in check_figures(grid)],
        figure_sentences=figure_sentences(grid) if grid is not None else [],
        media_figures=[] if media is None else [(name, base64_text(svg)) for name, svg in check_figures(media.grid)],
        media_sentences=[] if media is None else media_sentences(media),
        media_rows=[] if media is None else media_cells(media),
        share_of="Of the prescription" if brachy.prescription_gy > 0 else "Of the hottest dose",
        levels=_levels(grid) if grid is not None else [],
        places=_places(check, brachy),
        channels=_channels(check, brachy, files),
        pulses=brachy.pulses,
        axes_open=any((~(c.axis_error_deg < 0.5) & (c.times_s > 0)).any() for c in brachy.channels),
        assumptions=assumptions(check, brachy, media),
        limits=limit_rows(check),
        unmodelled=", ".join(brachy.unmodelled),
    )


def _facts(check: SecondCheck, brachy: BrachyPlan, files: CheckedFiles) -> list[tuple[str, str]]:
    source = brachy.source
    when = source.reference_time
    dwells = sum(int((channel.times_s > 0).sum()) for channel in brachy.channels)
    decay = decay_to(brachy, files.treated)
    facts = [
        ("Patient (pseudonym)", files.patient),
        ("Plan", f"{brachy.treatment_type or 'type not stated'}, {brachy.dialect} file"),
        ("Prescription of one fraction", _or(f"{brachy.prescription_gy:.4g} Gy", brachy.prescription_gy)),
        ("Fractions", f"{brachy.fractions}" + (f", {brachy.pulses} pulses each" if brachy.pulses > 1 else "")),
        ("Channels", f"{len(brachy.channels)} with {dwells} dwells that have a time"),
        ("Total time", f"{brachy.total_time_s:.1f} s"),
        ("Source named in the file", source.text or "not stated"),
        ("Source data used", f"{check.source.name}: {check.source.model}"),
        (
            "Air-kerma strength",
            f"{source.strength_u:,.1f} U" + (f" on {when:%Y-%m-%d %H:%M}" if when else ", without date"),
        ),
        ("Half-life in the file", f"{source.half_life_days:g} d"),
    ]
    if decay is not None:
        facts += [
            ("Strength at the treatment", f"{decay.strength_u:,.1f} U on {decay.treated:%Y-%m-%d %H:%M}"),
            ("Total time at the treatment", f"{decay.total_s:.1f} s: times {decay.factor:.5f}"),
        ]
    return facts


def _or(text: str, value: float) -> str:
    return "not stated" if math.isnan(value) else text


def _cells(row: CheckRow) -> dict[str, str]:
    place = "" if row.place_mm is None else ", ".join(f"{x:.1f}" for x in row.place_mm)
    return {
        "quantity": row.quantity,
        "place": place,
        "unit": row.unit,
        "tps": number_text(row.tps),
        "recomputed": number_text(row.recomputed),
        "difference": percent_text(row.difference_frac),
        "exact": number_text(row.exact),
        "axes": open_text(row.axes_frac),
        "value": percent_text(row.difference_frac) or f"{number_text(row.recomputed)} {row.unit}",
        "tolerance": row.tolerance,
        "state": _STATES[row.verdict],
        "word": _WORDS[row.verdict],
    }


def _levels(grid: GridCheck) -> list[dict[str, str]]:
    rows = []
    for level in grid.levels:
        low, high = f"{level.from_gy:.4g}", f"{level.to_gy:.4g}"
        name = f"{low} to {high}" if math.isfinite(level.to_gy) else f"above {low}"
        if level.from_gy == 0:
            name = f"below {high}, TPS above"
        share = f"{100 * level.from_gy / grid.normal_gy:.0f} %"
        rows.append(
            {
                "dose": name,
                "share": share if level.from_gy > 0 else "",
                "voxels": f"{level.voxels:,}",
                "median": percent_text(level.median_frac),
                "gamma": "" if math.isnan(level.gamma_pass_frac) else f"{100 * level.gamma_pass_frac:.2f} %",
                "judged": f"{level.gamma_voxels:,}",
            }
        )
    return rows


def _places(check: SecondCheck, brachy: BrachyPlan) -> list[str]:
    """Where the largest difference lies, and the best-fit shift of the grid."""
    if check.grid is None:
        return []
    worst = check.grid.worst
    dwells = np.concatenate([channel.positions_mm for channel in brachy.channels])
    owners = np.concatenate([np.full(len(c.times_s), c.number) for c in brachy.channels])
    apart_mm = np.linalg.norm(dwells - worst.position_mm, axis=1)
    k = int(apart_mm.argmin())
    at = ", ".join(f"{x:.1f}" for x in worst.position_mm)
    lines = [
        f"The largest difference of one voxel, {percent_text(worst.difference_frac)}, is at ({at}) mm, LPS, "
        f"{apart_mm[k]:.1f} mm from the nearest dwell (channel {owners[k]}): "
        f"TPS {worst.tps_gy:.4g} Gy, recomputed {worst.recomputed_gy:.4g} Gy."
    ]
    if check.shift is not None:
        shift = ", ".join(f"{x:+.2f}" for x in check.shift.shift_mm.round(2) + 0.0)
        before, after = 100 * check.shift.misfit_frac, 100 * check.shift.shifted_misfit_frac
        lines.append(
            f"Best fit of the TPS's grid: a shift of {check.shift.size_mm:.2f} mm ({shift}), which changes the median "
            f"size of the difference from {before:.3f} % to {after:.3f} %."
        )
    return lines


def _channels(check: SecondCheck, brachy: BrachyPlan, files: CheckedFiles) -> list[dict[str, object]]:
    decay = decay_to(brachy, files.treated)
    setups = len({channel.setup_number for channel in brachy.channels}) > 1
    total_s = brachy.total_time_s or math.nan
    return [
        {
            "number": f"{c.setup_number}.{c.number}" if setups else f"{c.number}",
            "name": c.name,
            "count": f"{int((c.times_s > 0).sum())} of {len(c.times_s)}",
            "total": f"{c.time_s:.2f}",
            "share": f"{100 * c.time_s / total_s:.1f}",
            "then": "" if decay is None else f"{c.time_s * decay.factor:.2f}",
            "axis": c.axis_from,
            "dwells": dwell_rows(c, () if check.dwells is None else check.dwells.dwells_of[index]),
        }
        for index, c in enumerate(brachy.channels)
    ]
