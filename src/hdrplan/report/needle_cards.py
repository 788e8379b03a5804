"""A card for each planned needle: where it enters, how deep it goes, at which angles, and what lies along it."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.geometry import Catheter, Structure
from hdrplan.plan import Case, organ_of
from hdrplan.report.needle_slices import ASPECT, draw_needle
from hdrplan.workflow import PlaceResult

__all__ = ["NeedleCard", "axial_angle", "entry_text", "needle_cards"]

# What is in sight in every slice and never moves; without one of these, the first CTV is the landmark.
_LANDMARKS = ("spinal cord", "spine")
_ENDS = (("right", "left"), ("anterior", "posterior"), ("inferior", "superior"))


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedleCard:
    """What an interventionalist needs of one needle.

    Parameters
    ----------
    number : int
        From 1, as in the pictures.
    name : str
    facts : tuple of (label, text)
    picture : str
        PNG of the plane along the needle, base64.
    """

    number: int
    name: str
    facts: tuple[tuple[str, str], ...]
    picture: str


def needle_cards(result: PlaceResult) -> list[NeedleCard]:
    """Return a card for each catheter: those that are in, those chosen, and the next one with errors foreseen."""
    rows: list[int | None] = [*(None for _ in range(result.n_given)), *result.order]
    slants_deg = [None if row is None else float(result.trajectories.slant_deg[row]) for row in rows]
    cards = [
        _card(result, k, catheter, slants_deg[k], result.nearest_mm[k])
        for k, catheter in enumerate(result.case.catheters)
    ]
    found = result.foreseen
    if found is not None and found.among(result.case.catheters) is None:
        slant_deg = float(found.paths.slant_deg[found.foresight.best.path])
        named = replace(found.catheter, name="next, errors foreseen (not in this plan)")
        cards.append(_card(result, len(cards), named, slant_deg, found.nearest_mm))
    return cards


def _card(
    result: PlaceResult, k: int, catheter: Catheter, slant_deg: float | None, near_mm: Mapping[str, float]
) -> NeedleCard:
    """Return the card of one catheter; one without an angle to the skin is in the patient."""
    entry, tip = catheter.points_mm[0], catheter.points_mm[-1]
    length_mm = np.linalg.norm(tip - entry)
    planned = slant_deg is not None
    facts = (
        ("Skin entry" if planned else "Hub (in the patient)", entry_text(result.case, entry)),
        ("Depth", f"{length_mm:.0f} mm from {'skin' if planned else 'hub'} to tip"),
        ("In the axial plane", axial_angle(tip - entry)),
        ("Out of the axial plane", _tilt(tip - entry)),
        *((("To the skin's normal", f"{slant_deg:.0f}°"),) if planned else ()),
        ("Nearest", ", ".join(f"{name} {mm:.1f} mm" for name, mm in near_mm.items()) or "no obstacle"),
        ("Entry, tip (LPS, mm)", f"{_place(entry)}; {_place(tip)}"),
    )
    return NeedleCard(number=k + 1, name=catheter.name, facts=facts, picture=_picture(result, catheter, k))


def entry_text(case: Case, entry_mm: FloatArray) -> str:
    """Say where a needle enters: the slice, and millimetres from a landmark that is seen in it.

    Parameters
    ----------
    case : Case
    entry_mm : (3,) array
        LPS.
    """
    parts = [f"slice z = {entry_mm[2]:.1f} mm"]
    if case.ct is not None and np.abs(case.ct.grid.direction[:2, 2]).max() < 1e-6:
        slices = case.ct.grid.shape_zyx[0]
        row = int(np.clip(np.rint(case.ct.grid.index(entry_mm[None])[0, 2]), 0, slices - 1))
        from_below = row + 1 if case.ct.grid.direction[2, 2] > 0 else slices - row
        parts[0] += f" ({from_below} of {slices}, from inferior)"
    ctv = case.ctvs[0]
    parts.append(f"{_apart(entry_mm - ctv.centre_mm, (2,))} of the middle of {ctv.name}")
    landmark = next((s for name in _LANDMARKS for s in case.structures if organ_of(s.name) == name), None)
    middle = ctv.centre_mm if landmark is None else _middle_at(landmark, float(entry_mm[2]))
    name = f"the middle of {ctv.name}" if landmark is None else landmark.name
    parts.append(f"{_apart(entry_mm - middle, (0, 1))} of {name}")
    return ", ".join(parts)


def axial_angle(along_mm: FloatArray) -> str:
    """Angle of a needle in the axial plane, as a gantry or a protractor on the skin shows it.

    Parameters
    ----------
    along_mm : (3,) array
        From entry to tip, LPS.
    """
    if np.hypot(along_mm[0], along_mm[1]) < 1e-6:
        return "none: the needle is perpendicular to it"
    degrees = np.degrees(np.arctan2(abs(along_mm[0]), abs(along_mm[1])))
    down = "posterior" if along_mm[1] >= 0 else "anterior"
    side = f" toward the patient's {'left' if along_mm[0] > 0 else 'right'}" if degrees >= 0.5 else ""
    return f"{degrees:.0f}° from the vertical{side}, going {down}"


def _tilt(along_mm: FloatArray) -> str:
    degrees = np.degrees(np.arcsin(along_mm[2] / np.linalg.norm(along_mm)))
    if abs(degrees) < 0.5:
        return "0°: the whole needle lies in one slice"
    return f"{abs(degrees):.0f}° toward {_ENDS[2][int(degrees > 0)]}"


def _apart(shift_mm: FloatArray, axes: tuple[int, ...]) -> str:
    return " and ".join(f"{abs(shift_mm[k]):.0f} mm {_ENDS[k][int(shift_mm[k] > 0)]}" for k in axes)


def _middle_at(structure: Structure, z_mm: float) -> FloatArray:
    """Middle of a structure in the slice nearest to a height."""
    voxels = structure.voxels_mm
    nearest = np.abs(voxels[:, 2] - z_mm)
    return np.asarray(voxels[nearest <= nearest.min() + 1e-6].mean(axis=0))


def _place(at_mm: FloatArray) -> str:
    return " ".join(f"{v:.1f}" for v in at_mm)


def _picture(result: PlaceResult, catheter: Catheter, k: int) -> str:
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with rc_context({"font.size": 8.0, "svg.hashsalt": "hdrplan"}):
        figure = Figure(figsize=(4.1 * ASPECT, 4.1), dpi=110)
        FigureCanvasAgg(figure)
        draw_needle(figure.add_axes((0.0, 0.0, 1.0, 1.0)), result, catheter, k)
        content = io.BytesIO()
        figure.savefig(content, format="png")
    return base64.b64encode(content.getvalue()).decode("ascii")
