"""Synthetic implants in real CTs: catheters whose places are known, drawn as a scanner would show them.

There is no public CT of a liver with brachytherapy catheters. So tubes of 6F are drawn into the CT of a patient without
any: through the skin into the liver, clear of bones and lungs but beside them, bent a little, some crossing or touching
(2.2 mm between their middles), with their hubs in the air. Tubes differ in wall and filling; noise of a standard
deviation in HU, blurred as by a scanner's kernel, is added, and streaks where metal is in the tubes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage
from scipy.interpolate import RegularGridInterpolator

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.geometry import Catheter, Grid, Structure, Tube, Volume, with_tubes

__all__ = ["TUBES", "Implant", "Setting", "implant", "settings"]

# Wall and lumen in HU: air in plastic, solid plastic, contrast medium or saline in plastic with barium, a wire.
TUBES = {
    "air in a thin wall": Tube(wall_hu=300.0, lumen_hu=-1000.0),
    "air in a thick wall": Tube(lumen_mm=1.2, wall_hu=150.0, lumen_hu=-1000.0),
    "solid plastic": Tube(wall_hu=350.0, lumen_hu=350.0),
    "saline in a barium wall": Tube(wall_hu=900.0, lumen_hu=0.0),
    "guide wire": Tube(lumen_mm=0.9, wall_hu=200.0, lumen_hu=6000.0),
}
_APART_MM, _TIPS_MM = 2.2, 4.0
_ANGLES = 180


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What one implant is made of.

    Parameters
    ----------
    seed : int
    tube : str
        Key of ``TUBES``.
    spacing_mm : tuple of float
        Voxels along x, y, z.
    noise_hu : float
    catheters : int
    """

    seed: int
    tube: str
    spacing_mm: tuple[float, float, float]
    noise_hu: float
    catheters: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Implant:
    """A CT, and where the catheters in it are."""

    ct: Volume
    catheters: tuple[Catheter, ...]


def settings(count: int, first: int = 0) -> list[Setting]:
    """Return ``count`` settings from a seed on: two of three at slices of 1 mm, the others at 0.6 to 5 mm."""
    made = []
    for seed in range(first, first + count):
        rng = np.random.default_rng(seed)
        thick = 1.0 if seed % 3 < 2 else [0.6, 1.5, 2.0, 3.0, 5.0][seed // 3 % 5]
        plane = float(rng.choice([0.7, 0.8, 0.9]))
        made.append(
            Setting(
                seed=seed,
                tube=list(TUBES)[seed % len(TUBES)],
                spacing_mm=(plane, plane, thick),
                noise_hu=float(rng.choice([10, 15, 20, 25])),
                catheters=int(rng.integers(2, 8)),
            )
        )
    return made


def implant(ct: Volume, liver: Structure, bones: Sequence[Structure], setting: Setting) -> Implant:
    """Draw an implant into a CT.

    Parameters
    ----------
    ct : Volume
    liver : Structure
    bones : sequence of Structure
        What no catheter goes through.
    setting : Setting
    """
    rng = np.random.default_rng(setting.seed)
    catheters = _catheters(ct, liver, bones, rng, setting.catheters)
    fine = resampled(ct, setting.spacing_mm)
    tube = TUBES[setting.tube]
    drawn = with_tubes(fine, catheters, tube)
    noise = ndimage.gaussian_filter(
        rng.standard_normal(drawn.values_zyx.shape, dtype=np.float32), [0.0, *(0.5 / fine.grid.spacing_mm[1::-1])]
    )
    values = drawn.values_zyx + noise * np.float32(setting.noise_hu / noise.std())
    if tube.lumen_hu > 3071:
        values += _streaks(fine.grid, catheters)
    return Implant(ct=Volume(fine.grid, np.clip(values, -1024, 3071).astype(np.int16)), catheters=catheters)


def resampled(ct: Volume, spacing_mm: Sequence[float]) -> Volume:
    """Return the CT on other voxels, trilinear."""
    old = ct.grid
    count = np.floor((np.array(old.shape_zyx[::-1]) - 1) * old.spacing_mm / spacing_mm).astype(int) + 1
    grid = replace(old, shape_zyx=tuple(count[::-1].tolist()), spacing_mm=np.array(spacing_mm, dtype=float))
    axes = [np.arange(n) for n in old.shape_zyx]
    read = RegularGridInterpolator(axes, ct.values_zyx.astype(np.float32))
    z, y, x = (
        np.arange(n) * new / was
        for n, new, was in zip(grid.shape_zyx, grid.spacing_mm[::-1], old.spacing_mm[::-1], strict=True)
    )
    plane = np.stack(np.meshgrid(y, x, indexing="ij"), axis=-1)
    layers = [read(np.concatenate((np.full((*plane.shape[:2], 1), at), plane), axis=-1)) for at in z]
    return Volume(grid, np.stack(layers).astype(np.float32))


def _catheters(
    ct: Volume, liver: Structure, bones: Sequence[Structure], rng: np.random.Generator, count: int
) -> tuple[Catheter, ...]:
    """Return catheters from the air into the liver, most of them nearly parallel, none through another."""
    body = _body(ct)
    kept: list[FloatArray] = []
    directions: list[FloatArray] = []
    centre = _deep_point(liver, rng)
    for _ in range(20_000):
        if len(kept) == count:
            break
        tip = centre + rng.normal(0.0, 8.0, 3)
        azimuth, elevation = rng.uniform(-0.7 * np.pi, 0.7 * np.pi), np.deg2rad(rng.uniform(-25.0, 25.0))
        out = np.array([-np.cos(azimuth), np.sin(azimuth), np.tan(elevation)])
        if directions and rng.random() < 0.8:
            out = directions[0] + rng.normal(0.0, 0.06, 3)
        out /= np.linalg.norm(out)
        line = _from_skin(ct, body, [liver, *bones], tip, out, rng)
        if line is None or any(_nearest(line, other) < _APART_MM for other in kept):
            continue
        if any(min(_nearest(line[-1:], other), _nearest(other[-1:], line)) < _TIPS_MM for other in kept):
            continue
        kept.append(line)
        directions.append(out)
    return tuple(Catheter(f"true_{k}", line) for k, line in enumerate(kept, start=1))


def _from_skin(
    ct: Volume, body: BoolArray, organs: Sequence[Structure], tip: FloatArray, out: FloatArray, rng: np.random.Generator
) -> FloatArray | None:
    """Return a bent line, hub first, from 30 to 80 mm outside the skin; None where the way is barred."""
    liver, *bones = organs
    ray = tip + np.arange(0.0, 260.0)[:, None] * out
    inside = ct.grid.contains(ray)
    ray = ray[: int(np.argmin(inside))] if not inside.all() else ray
    if len(ray) < 60 or not _has(liver, ray[:1])[0]:
        return None
    at = np.rint(ct.grid.index(ray)).astype(int)
    within = body[at[:, 2], at[:, 1], at[:, 0]]
    if within.all() or not within[0]:
        return None
    skin = int(np.flatnonzero(within).max()) + 1
    if skin < 50 or skin + 12 > len(ray) or any(_has(bone, ray[:skin]).any() for bone in bones):
        return None
    share = np.linspace(1.0, 0.0, 60)[:, None]
    side = np.cross(out, rng.normal(size=3))
    bow = rng.uniform(-4.0, 4.0) * side / np.linalg.norm(side)
    return np.asarray(tip + share * (skin + rng.uniform(30.0, 80.0)) * out + 4.0 * share * (1.0 - share) * bow)


def _body(ct: Volume) -> BoolArray:
    dense = ndimage.binary_opening(ct.values_zyx > -300, iterations=2)
    labels, _ = ndimage.label(dense)
    body = labels == int(np.bincount(labels.ravel())[1:].argmax()) + 1
    for layer in body:
        layer[:] = ndimage.binary_fill_holes(layer)
    return np.asarray(body)


def _deep_point(liver: Structure, rng: np.random.Generator) -> FloatArray:
    deep = ndimage.distance_transform_edt(liver.mask_zyx, liver.grid.spacing_mm[::-1]) > 12.0
    voxels = np.argwhere(deep)
    return liver.grid.world(voxels[rng.integers(len(voxels))][::-1])


def _has(structure: Structure, points_mm: FloatArray) -> BoolArray:
    at = np.rint(structure.grid.index(points_mm)).astype(int)
    inside = ((at >= 0) & (at < structure.grid.shape_zyx[::-1])).all(axis=1)
    at = np.clip(at, 0, np.array(structure.grid.shape_zyx[::-1]) - 1)
    return np.asarray(inside & structure.mask_zyx[at[:, 2], at[:, 1], at[:, 0]])


def _nearest(points_mm: FloatArray, line_mm: FloatArray) -> float:
    """Distance between points and a polyline, to a tenth of a mm."""
    share = np.linspace(0.0, len(line_mm) - 1.0, 1200)
    dense = np.stack([np.interp(share, np.arange(len(line_mm)), line_mm[:, k]) for k in range(3)], axis=1)
    return float(np.linalg.norm(points_mm[:, None] - dense, axis=2).min())


def _streaks(grid: Grid, catheters: Sequence[Catheter]) -> FloatArray:
    """HU of streaks from beam hardening: the square of what metal attenuates, projected back, slice by slice.

    Scaled so that the darkest of all slices, 4 mm and more from the metal, has -100 HU.
    """
    lines = np.concatenate(
        [np.linspace(a, b, 8) for c in catheters for a, b in zip(c.points_mm, c.points_mm[1:], strict=False)]
    )
    at = grid.index(lines)
    nz, ny, nx = grid.shape_zyx
    found = np.zeros(grid.shape_zyx, dtype=np.float32)
    y, x = np.meshgrid(np.arange(0, ny, 2), np.arange(0, nx, 2), indexing="ij")
    bins = np.arange(-600, 601)
    ramp = np.abs(np.fft.fftfreq(len(bins)))
    for z in np.unique(np.rint(at[:, 2]).astype(int)):
        if not 0 <= z < nz:
            continue
        metal = at[np.rint(at[:, 2]).astype(int) == z][:, :2] - [nx / 2, ny / 2]
        back = np.zeros(x.shape)
        for turn in np.linspace(0.0, np.pi, _ANGLES, endpoint=False):
            across = np.array([np.cos(turn), np.sin(turn)])
            hidden = np.histogram(metal @ across, bins=len(bins), range=(-600.5, 600.5))[0].astype(float)
            error = -(ndimage.gaussian_filter1d(hidden, 1.0) ** 2)
            sharp = np.fft.ifft(np.fft.fft(error) * ramp).real
            back += np.interp((x - nx / 2) * across[0] + (y - ny / 2) * across[1], bins, sharp)
        found[z] = ndimage.zoom(back, 2, order=1)[:ny, :nx]
    tips = np.rint(at).astype(int)
    tips = tips[((tips >= 0) & (tips < [nx, ny, nz])).all(axis=1)]
    free = np.ones(grid.shape_zyx, dtype=bool)
    free[tuple(tips.T[::-1])] = False
    away = ndimage.distance_transform_edt(free, grid.spacing_mm[::-1])
    darkest = float(found[away >= 4.0].min())
    return np.asarray(found * np.float32(100.0 / abs(darkest)) if darkest < 0 else found)
