"""Whether catheters can be real: they come from outside, bend gently, and no two are at one place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from scipy.spatial import cKDTree

from hdrplan.arrays import FloatArray
from hdrplan.cautions import Caution, caution
from hdrplan.errors import InputError
from hdrplan.geometry import Catheter, Structure, Volume, inside
from hdrplan.plan import Tissue, anatomy_of
from hdrplan.plausibility.images import Skin
from hdrplan.plausibility.sample import sampled_mm

__all__ = ["along", "doubts_of_catheters", "doubts_of_punctures", "may_be_punctured"]

# 6 French: 1 French is 1/3 mm.
WIDTH_MM = 2.0
_SAME_MM = 1.5
# Directions are those of chords of this length; digitised points jitter by a millimetre.
_CHORD_MM = 10.0
_RADIUS_MM = 10.0
_ZIGZAG = 1.5
# Neighbouring segments that turn by more than this go back where they came from.
_BACK_DEG = 135.0
# Ends whose distances to the CTV differ by less leave open which is the tip; depths below the skin are known to 5 mm.
_EQUAL_MM = 10.0
_DEEPER_MM = 10.0
# Tips end at the far side of the CTV or beyond it; two dwell steps before it, its far end gets its dose from afar.
_SHORT_MM = 10.0
_BESIDE_MM = 5.0
# A catheter that ends farther away is not meant for the CTV that it points at.
_AIM_MM = 100.0
# What is not punctured on purpose: bone stops the needle, the others bleed, leak or collapse. Its length inside is
# measured at points a quarter of a millimetre apart.
_NOT_PUNCTURED: tuple[Tissue, ...] = (
    "bone", "lung", "bowel", "gallbladder", "heart", "great vessel", "spinal cord"
)  # fmt: skip
_FINE_MM = 0.25
# A voxel: shorter ways graze the surface of a structure that is itself drawn to a voxel.
_THROUGH_MM = 2.0


def doubts_of_catheters(
    catheters: Sequence[Catheter], structures: Sequence[Structure], ct: Volume | None, *, where: object = None
) -> list[Caution]:
    """Say what is odd about catheters, alone and two by two.

    Parameters
    ----------
    catheters : sequence of Catheter
        Hub first.
    structures : sequence of Structure
        CTVs and organs.
    ct : Volume or None
        HU; shows the skin.
    where : object
        What messages name.

    Raises
    ------
    InputError
        One catheter twice, a path that turns back on itself.
    """
    doubts: list[Caution] = []
    ctvs = [s for s in structures if s.role == "CTV"]
    samples = [along(catheter) for catheter in catheters]
    for catheter, points_mm in zip(catheters, samples, strict=True):
        _refuse_return(catheter, where)
        doubts += [*_zigzag(catheter), *_kink(catheter, points_mm)]
    if catheters and ctvs:
        targets = np.concatenate([sampled_mm(ctv, 2000) for ctv in ctvs])
        doubts += [*_directions(catheters, targets, ct), *_short(catheters, ctvs)]
    doubts += [*_numbers(catheters), *_names(catheters), *doubts_of_punctures(catheters, structures)]
    return [*doubts, *_pairs(catheters, samples, where)]


def may_be_punctured(name: str) -> bool:
    """Whether a structure's name leaves open that a needle may pass through it: it says no tissue that must not be."""
    row = anatomy_of(name)
    return row is None or row.tissue not in _NOT_PUNCTURED


def doubts_of_punctures(catheters: Sequence[Catheter], structures: Sequence[Structure]) -> list[Caution]:
    """Say which catheters pass through what nobody punctures on purpose, and for how long.

    Parameters
    ----------
    catheters : sequence of Catheter
    structures : sequence of Structure
        With or without a role in the case: a needle hurts them all the same.
    """
    doubts = []
    for structure in structures:
        if structure.role == "CTV" or may_be_punctured(structure.name):
            continue
        for catheter in catheters:
            points_mm = along(catheter, _FINE_MM)
            mm = float(inside(structure, points_mm).mean()) * catheter.length_mm
            if mm >= _THROUGH_MM:
                doubts.append(caution("catheter-through-organ", name=catheter.name, organ=structure.name, mm=mm))
    return doubts


def _names(catheters: Sequence[Catheter]) -> list[Caution]:
    """Say which names differ in capitals, blanks, signs and leading zeros alone."""
    plain: dict[str, str] = {}
    doubts = []
    for catheter in catheters:
        words = re.sub(r"\b0+(?=\d)|(?<=\D)0+(?=\d)", "", catheter.name.casefold())
        first = plain.setdefault(re.sub(r"[\W_]+", "", words), catheter.name)
        if first != catheter.name:
            doubts.append(caution("catheter-names-alike", first=first, second=catheter.name))
    return doubts


def _numbers(catheters: Sequence[Catheter]) -> list[Caution]:
    """Say which numbers are missing where all catheters have one name but for their numbers."""
    parts = [re.fullmatch(r"(.*?)(\d+)", catheter.name) for catheter in catheters]
    if len(parts) < 2 or len({part and part[1] for part in parts}) != 1 or parts[0] is None:
        return []
    numbers = {int(part[2]) for part in parts if part}
    missing = sorted(set(range(min(numbers), max(numbers))) - numbers)
    if not missing or len(missing) >= len(numbers):
        return []
    said = ", ".join(map(str, missing[:5]))
    return [caution("catheter-number-missing", first=min(numbers), last=max(numbers), missing=said)]


def along(catheter: Catheter, step_mm: float = 1.0) -> FloatArray:
    """Points along the polyline from hub to tip, a millimetre apart, the corners aside."""
    path = catheter.points_mm
    reached = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))))
    at = np.linspace(0.0, reached[-1], max(2, int(reached[-1] / step_mm) + 1))
    return np.column_stack([np.interp(at, reached, path[:, k]) for k in range(3)])


def _refuse_return(catheter: Catheter, where: object) -> None:
    step = np.diff(catheter.points_mm, axis=0)
    step /= np.linalg.norm(step, axis=1, keepdims=True)
    turn_deg = np.degrees(np.arccos(np.clip((step[1:] * step[:-1]).sum(axis=1), -1.0, 1.0)))
    # Jitter of points closer than the catheter is wide is no turn.
    long = np.linalg.norm(np.diff(catheter.points_mm, axis=0), axis=1) > WIDTH_MM
    back = np.flatnonzero((turn_deg > _BACK_DEG) & long[1:] & long[:-1])
    if len(back):
        raise InputError(
            "a catheter does not turn back on itself",
            got=f"a turn of {turn_deg[back[0]]:.0f} degrees at point {back[0] + 2}",
            where=catheter.name if where is None else f"{where}, {catheter.name}",
            remedy="Put its points in order from hub to tip; does the file hold two catheters under one name?",
        )


def _zigzag(catheter: Catheter) -> list[Caution]:
    between = float(np.linalg.norm(catheter.points_mm[-1] - catheter.points_mm[0]))
    factor = catheter.length_mm / max(between, 1e-6)
    return [caution("catheter-zigzag", name=catheter.name, factor=factor)] if factor > _ZIGZAG else []


def _kink(catheter: Catheter, points_mm: FloatArray) -> list[Caution]:
    step_mm = catheter.length_mm / (len(points_mm) - 1)
    n = round(_CHORD_MM / step_mm)
    if len(points_mm) <= 2 * n:
        return []
    back, ahead = points_mm[n:-n] - points_mm[: -2 * n], points_mm[2 * n :] - points_mm[n:-n]
    lengths = np.linalg.norm(back, axis=1) * np.linalg.norm(ahead, axis=1)
    cosine = (back * ahead).sum(axis=1) / np.maximum(lengths, 1e-9)
    turn = np.arccos(np.clip(cosine, -1.0, 1.0))
    worst = int(turn.argmax())
    # Chords of a circle turn by their length over its radius.
    radius_mm = _CHORD_MM / max(float(turn[worst]), 1e-9)
    if radius_mm >= _RADIUS_MM:
        return []
    from_tip_mm = catheter.length_mm - (worst + n) * step_mm
    return [caution("catheter-kinked", name=catheter.name, radius_mm=radius_mm, at_mm=from_tip_mm)]


def _directions(catheters: Sequence[Catheter], targets: FloatArray, ct: Volume | None) -> list[Caution]:
    """Say which tips lie nearer to the skin than their hubs, where the CTV does not tell hub and tip apart."""
    tree = cKDTree(targets)
    ends = np.array([catheter.points_mm[[0, -1]] for catheter in catheters])
    away = tree.query(ends.reshape(-1, 3))[0].reshape(-1, 2)
    hub_nearer = away[:, 0] + _EQUAL_MM < away[:, 1]
    doubts = [caution("catheter-hub-first", name=c.name) for c, odd in zip(catheters, hub_nearer, strict=True) if odd]
    skin = Skin(ct) if ct is not None else None
    if skin is None or not skin.exists:
        return doubts
    depth = skin.depth_mm(ends.reshape(-1, 3)).reshape(-1, 2)
    for k, catheter in enumerate(catheters):
        if hub_nearer[k]:
            continue
        hub_mm, tip_mm = float(depth[k, 0]), float(depth[k, 1])
        if tip_mm + _DEEPER_MM < hub_mm and away[k, 1] + _EQUAL_MM >= away[k, 0]:
            doubts.append(caution("catheter-tip-at-skin", name=catheter.name, tip_mm=tip_mm, hub_mm=hub_mm))
        elif tip_mm == 0.0:
            doubts.append(caution("catheter-tip-in-air", name=catheter.name))
    return doubts


def _short(catheters: Sequence[Catheter], ctvs: Sequence[Structure]) -> list[Caution]:
    """Say which CTVs reach on beyond the tips of all their catheters, along these."""
    doubts = []
    for ctv in ctvs:
        voxels_mm = sampled_mm(ctv, 5000)
        tree = cKDTree(voxels_mm)
        beyond: list[float] = []
        for catheter in catheters:
            points_mm = along(catheter)
            # The last centimetre tells where the catheter would go on.
            axis = points_mm[-1] - points_mm[max(0, len(points_mm) - 11)]
            from_tip = voxels_mm - points_mm[-1]
            along_mm = from_tip @ (axis / np.linalg.norm(axis))
            on_line = np.linalg.norm(from_tip, axis=1) ** 2 - along_mm**2 < _BESIDE_MM**2
            if (on_line & (along_mm > 0.0) & (along_mm < _AIM_MM)).any():
                beyond.append(float(along_mm[on_line].max()))
            elif tree.query(points_mm)[0].min() < _BESIDE_MM:
                beyond.append(0.0)
        if beyond and min(beyond) > _SHORT_MM:
            doubts.append(caution("catheters-end-short", ctv=ctv.name, mm=min(beyond)))
    return doubts


def _pairs(catheters: Sequence[Catheter], samples: Sequence[FloatArray], where: object) -> list[Caution]:
    doubts: list[Caution] = []
    boxes = [(points.min(axis=0) - WIDTH_MM, points.max(axis=0) + WIDTH_MM) for points in samples]
    trees = [cKDTree(points) for points in samples]
    for i, j in combinations(range(len(catheters)), 2):
        if (boxes[i][0] > boxes[j][1]).any() or (boxes[j][0] > boxes[i][1]).any():
            continue
        names = {"first": catheters[i].name, "second": catheters[j].name}
        short, tree = (i, trees[j]) if catheters[i].length_mm <= catheters[j].length_mm else (j, trees[i])
        apart = tree.query(samples[short])[0]
        if apart.max() < 0.01:
            raise InputError(
                "each catheter must occur once",
                got=f"{names['first']} and {names['second']} at one place",
                where=where,
                remedy="Leave one of them out.",
            )
        # Samples are a millimetre apart: two lines that cross lie within half of that of some pair of samples.
        if apart.max() < _SAME_MM:
            doubts.append(caution("catheters-doubled", **names, mm=float(apart.max())))
        elif apart.min() < WIDTH_MM + 0.75:
            nearest_mm = _apart_mm(catheters[i], catheters[j])
            if nearest_mm < WIDTH_MM:
                doubts.append(caution("catheters-cross", **names, mm=nearest_mm))
    return doubts


def _apart_mm(first: Catheter, second: Catheter) -> float:
    """Smallest distance of two polylines, to a tenth of a millimetre."""
    return float(cKDTree(along(first, 0.1)).query(along(second, 0.1))[0].min())
