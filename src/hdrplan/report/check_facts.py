"""The second check, what a signature needs: which files, which source, which times, what was assumed, whose limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from hdrplan.cautions import Caution, caution
from hdrplan.metrics import LIMITS
from hdrplan.plan import BrachyPlan, Channel
from hdrplan.sources import strength_on_u
from hdrplan.workflow import GroupTime, MediaCheck, SecondCheck

__all__ = [
    "CheckedFiles",
    "Decay",
    "assumptions",
    "decay_cautions",
    "decay_to",
    "dwell_rows",
    "files_table",
    "limit_rows",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFiles:
    """What a second check was made of.

    Parameters
    ----------
    sha256 : mapping of str to str
        "plan", "dose", "structures", "record 1", "tolerances", "source data" -> hash of the file, of those there are.
    patient : str
        Pseudonym.
    label : str or None
        The plan's own label, where it may be named.
    treated : datetime or None
        When the plan is, or was, delivered.
    """

    sha256: Mapping[str, str]
    patient: str
    label: str | None = None
    treated: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decay:
    """What a source has become at the treatment.

    Parameters
    ----------
    treated : datetime
    strength_u : float
    factor : float
        By which dwell times become longer.
    total_s : float
        Time of all channels and pulses then.
    """

    treated: datetime
    strength_u: float
    factor: float
    total_s: float


def decay_to(brachy: BrachyPlan, treated: datetime | None) -> Decay | None:
    """Return the strength at treatment; None where the plan or the treatment has no date.

    Parameters
    ----------
    brachy : BrachyPlan
    treated : datetime or None
    """
    source = brachy.source
    if source.reference_time is None or treated is None:
        return None
    strength_u = strength_on_u(source.strength_u, source.reference_time, treated)
    factor = source.strength_u / strength_u
    return Decay(treated=treated, strength_u=strength_u, factor=factor, total_s=brachy.total_time_s * factor)


def decay_cautions(brachy: BrachyPlan, treated: datetime | None) -> tuple[Caution, ...]:
    """Return the strength at treatment and what the afterloader makes of the plan's times, or why that is not known.

    Parameters
    ----------
    brachy : BrachyPlan
    treated : datetime or None
        When the plan is delivered.
    """
    if brachy.source.reference_time is None:
        return (caution("reference-date-not-stated"),)
    decay = decay_to(brachy, treated)
    if decay is None:
        return ()
    said = caution(
        "times-of-another-day",
        moment=f"{decay.treated:%Y-%m-%d %H:%M}",
        strength_u=decay.strength_u,
        factor=decay.factor,
        total_s=decay.total_s,
    )
    return (said,)


def files_table(check: SecondCheck, brachy: BrachyPlan, files: CheckedFiles) -> dict[str, object]:
    """Return plan, source and channels as check.json states them.

    Parameters
    ----------
    check : SecondCheck
    brachy : BrachyPlan
    files : CheckedFiles
    """
    decay = decay_to(brachy, files.treated)
    when = brachy.source.reference_time
    return {
        "files": dict(files.sha256),
        "patient": files.patient,
        "plan": files.label,
        "treatment_type": brachy.treatment_type,
        "dialect": brachy.dialect,
        "fractions": brachy.fractions,
        "pulses": brachy.pulses,
        "prescription_gy": brachy.prescription_gy,
        "total_time_s": brachy.total_time_s,
        "source": {
            "name": check.source.name,
            "model": check.source.model,
            "citation": check.source.citation,
            "named_in_file": brachy.source.text,
            "strength_u": brachy.source.strength_u,
            "reference_time": None if when is None else when.isoformat(),
            "half_life_days": brachy.source.half_life_days,
        },
        "treatment": None
        if decay is None
        else {
            "time": decay.treated.isoformat(),
            "strength_u": decay.strength_u,
            "factor": decay.factor,
            "total_time_s": decay.total_s,
        },
        "channels": [_channel_table(channel) for channel in brachy.channels],
    }


def _channel_table(channel: Channel) -> dict[str, object]:
    return {
        "number": channel.number,
        "setup": channel.setup_number,
        "total_time_s": channel.time_s,
        "pulses": channel.pulses,
        "axis_from": channel.axis_from,
        "dwells": [
            {
                "relative_mm": float(channel.relative_mm[k]),
                "position_mm": channel.positions_mm[k].tolist(),
                "time_s": float(channel.times_s[k]),
                "axis": channel.axes[k].tolist(),
                "axis_error_deg": float(channel.axis_error_deg[k]),
            }
            for k in range(len(channel.times_s))
        ],
    }


def dwell_rows(channel: Channel, fitted: Sequence[GroupTime] = ()) -> list[dict[str, object]]:
    """Return the dwells that have a time, in the plan or in the dose of the TPS; times are those of one pulse.

    Parameters
    ----------
    channel : Channel
    fitted : sequence of GroupTime
        Of each dwell, in the order of the channel.
    """
    rows: list[dict[str, object]] = []
    for k, seconds in enumerate(channel.times_s):
        told = bool(fitted) and fitted[k].is_told
        if seconds > 0 or told:
            rows.append(
                {
                    "along": f"{channel.relative_mm[k]:.1f}",
                    "place": ", ".join(f"{x:.1f}" for x in channel.positions_mm[k]),
                    "seconds": f"{seconds:.2f}",
                    "axis": _degrees(float(channel.axis_error_deg[k])),
                    "in_dose": _fitted_text(fitted[k], channel.pulses) if fitted else "",
                    "told": told,
                }
            )
    return rows


def _degrees(error_deg: float) -> str:
    return "unknown" if np.isnan(error_deg) else f"±{error_deg:.0f}" if error_deg >= 0.5 else "0"


def _fitted_text(dwell: GroupTime, pulses: int) -> str:
    """Return a time with its standard error; nothing where the grid does not tell it at all."""
    if not dwell.error_s < dwell.compared_s:
        return ""
    return f"{dwell.in_dose_s / pulses + 0.0:.2f} ± {dwell.error_s / pulses:.2f}"


def assumptions(check: SecondCheck, brachy: BrachyPlan, media: MediaCheck | None = None) -> list[str]:
    """Return what the verdict rests on, in sentences.

    Parameters
    ----------
    check : SecondCheck
    brachy : BrachyPlan
    media : MediaCheck, optional
    """
    pulses = f", all {brachy.pulses} pulses" if brachy.pulses > 1 else ""
    of = f" of {brachy.fractions}" if brachy.fractions > 1 else ""
    lines = [
        "Dose is to water in water, by TG-43: neither tissue, air nor applicators are modelled."
        if media is None
        else f"Judged by {media.nearer}. TG-43 is dose to water in water; D_m,m is dose to the medium, with media and "
        "densities from CT and structures and without applicators.",
        f"Doses and times are those of one fraction{of}{pulses}.",
        "Times are for the strength that the file states; nothing is decayed before the dose is computed.",
        f"Sources: {check.tip.text}.",
        _axes(brachy),
        "The dose of the moving source is not included."
        if brachy.transit is None
        else f"The dose of the moving source is included: {brachy.transit.speed_mm_per_s:g} mm/s, as the file says.",
    ]
    if check.grid is not None:
        is_prescription = check.grid.normal_gy == brachy.prescription_gy
        of = "the prescription" if is_prescription else "the dose of the grid's hottest thousandth"
        share = 100 * check.tolerances.threshold_frac
        lines.append(
            f"Voxels are judged where either dose is above {check.grid.threshold_gy:.3g} Gy, {share:g} % of {of} "
            f"({check.grid.normal_gy:.4g} Gy)."
        )
        if check.grid.left_out:
            lines.append(
                f"{check.grid.left_out} voxels where both doses reach the full scale of the TPS's grid are left out."
            )
        if check.grid.unwritten_zyx.any():
            lines.append(f"{int(check.grid.unwritten_zyx.sum())} voxels of 0 Gy beside dwells are left out.")
    if any(row.kind == "dvh" for row in check.rows):
        lines.append(
            "DVH metrics are judged with both doses on the TPS's grid, read between its voxel centres in the same way. "
            "Exact points show what the grid's voxels hide; they are not judged."
        )
    return lines


def _axes(brachy: BrachyPlan) -> str:
    origins = sorted({channel.axis_from for channel in brachy.channels if len(channel.times_s)})
    errors = np.concatenate([channel.axis_error_deg for channel in brachy.channels] or [np.empty(0)])
    known = errors[np.isfinite(errors)]
    largest = f", uncertain by up to {known.max():.0f} degrees" if len(known) and known.max() >= 1.0 else ""
    return f"Directions of the sources come from: {', '.join(origins)}{largest}."


_LIMIT_NAMES = {
    "trak_frac": "Total reference air kerma",
    "point_frac": "Reference points",
    "median_frac": "Median of the dose grid",
    "dvh_frac": "DVH metrics",
    "dwell_frac": "Dwell times that the dose grid has",
    "stored_dvh_frac": "DVHs in the file of the dose",
    "time_frac": "Delivered times",
}


def limit_rows(check: SecondCheck) -> list[tuple[str, str, str]]:
    """Return what is judged, its limit, and where the limit comes from.

    Parameters
    ----------
    check : SecondCheck
    """
    limits = check.tolerances
    rows = [(_LIMIT_NAMES[key], limits.limit(key).text, limits.basis(key)) for key in LIMITS]
    rows += [
        (f"DVH metrics of structures like {pattern}", f"{100 * frac:g} %", limits.basis("structures"))
        for pattern, frac in limits.structures.items()
    ]
    rows += [
        ("Reference points within 10 mm of a dwell, or", f"{limits.point_mm:g} mm", limits.basis("point_mm")),
        ("Voxels with gamma at most 1", f"{100 * limits.gamma_pass_frac:g} %", limits.basis("gamma_pass_frac")),
        ("Gamma", limits.gamma.text, limits.basis("gamma")),
        ("Threshold", f"{100 * limits.threshold_frac:g} % of the prescription", limits.basis("threshold_frac")),
    ]
    if limits.warn:
        words = "; ".join(f"{_LIMIT_NAMES[key]} from {100 * frac:g} %" for key, frac in limits.warn.items())
        rows.append(("Warnings", words, limits.basis("warn")))
    return rows
