"""``python -m benchmarks.dvh_unseen``: DVHs of solids at random axes and slices, which no constant was chosen on.

Ellipsoids, tori, cylinders and cones of random size lie at random angles; slices are 1 to 3 mm apart and begin
anywhere. The dose rises by 1 Gy per mm along a random axis. The truth comes from a lattice of a million points and more
in the solid's own frame. The share of an edge that hdrplan reads between two planes is tried at other values beside its
own, to show what it decides.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import contourpy
import numpy as np
import numpy.typing as npt

import hdrplan
from hdrplan.dose import outline_layers
from hdrplan.geometry import Grid, Outline, Volume
from hdrplan.workflow import DVHOptions

Array = npt.NDArray[np.float64]
FRACTIONS = (0.99, 0.95, 0.5, 0.05, 0.01)
SHARES = (0.0, 0.25, 0.5, 1.0)
PAGE = Path(__file__).resolve().parents[1] / "docs" / "measurements" / "dvh.md"
# Middle of a solid, Gy.
MIDDLE_GY = 30.0
_LATTICE, _PIXEL_MM, _VOXEL_MM, _REACH_MM = 160, 0.2, 2.0, 26.0


def ellipsoid(rng: np.random.Generator) -> tuple[Callable[[Array], Array], Array]:
    """Level in the solid's frame, positive inside, and half of the size of a box round it."""
    half = rng.uniform(7.0, 15.0, 3)
    return lambda at: 1.0 - np.sqrt(((at / half) ** 2).sum(axis=-1)), half


def torus(rng: np.random.Generator) -> tuple[Callable[[Array], Array], Array]:
    """As :func:`ellipsoid`."""
    large, small = rng.uniform(8.0, 11.0), rng.uniform(3.0, 5.0)
    half = np.array([large + small, large + small, small])
    return lambda at: small - np.hypot(np.hypot(at[..., 0], at[..., 1]) - large, at[..., 2]), half


def cylinder(rng: np.random.Generator) -> tuple[Callable[[Array], Array], Array]:
    """As :func:`ellipsoid`."""
    radius, tall = rng.uniform(6.0, 13.0, 2)
    half = np.array([radius, radius, tall])
    return lambda at: np.minimum(radius - np.hypot(at[..., 0], at[..., 1]), tall - np.abs(at[..., 2])), half


def cone(rng: np.random.Generator) -> tuple[Callable[[Array], Array], Array]:
    """As :func:`ellipsoid`."""
    radius, tall = rng.uniform(8.0, 13.0, 2)

    def level(at: Array) -> Array:
        side = radius * (tall - at[..., 2]) / (2 * tall) - np.hypot(at[..., 0], at[..., 1])
        return np.asarray(np.minimum(side, at[..., 2] + tall))

    return level, np.array([radius, radius, tall])


SOLIDS = {"ellipsoids": ellipsoid, "tori": torus, "cylinders": cylinder, "cones": cone}


def axes_of(rng: np.random.Generator) -> Array:
    """Return a rotation, all alike likely."""
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return np.asarray(q * np.linalg.det(q))


def truth(level: Callable[[Array], Array], half: Array, along: Array) -> Array:
    """Volume (cc), D99 to D1 and mean in a dose that rises along a direction of the solid's frame."""
    steps = (np.arange(_LATTICE) + 0.5) / _LATTICE * 2 - 1
    volume, gy = 0.0, []
    for x in steps:
        at = np.stack(np.meshgrid([x], steps, steps, indexing="ij"), axis=-1).reshape(-1, 3) * half
        inside = level(at) >= 0
        gy.append(MIDDLE_GY + at[inside] @ along)
        volume += float(inside.sum())
    dose = np.sort(np.concatenate(gy))[::-1]
    at_frac = dose[np.minimum((np.array(FRACTIONS) * len(dose)).astype(int), len(dose) - 1)]
    return np.array([volume * float(np.prod(2 * half / _LATTICE)) / 1000.0, *at_frac, float(dose.mean())])


def contours(level: Callable[[Array], Array], axes: Array, slice_mm: float, first_mm: float) -> tuple[Array, ...]:
    """Outlines of the sections in slices."""
    flat = np.arange(-_REACH_MM + 4, _REACH_MM - 4 + _PIXEL_MM / 2, _PIXEL_MM)
    loops = []
    for z in np.arange(first_mm, _REACH_MM, slice_mm):
        y, x = np.meshgrid(flat, flat, indexing="ij")
        plane = level(np.stack((x, y, np.full_like(x, z)), axis=-1) @ axes)
        lines = [np.asarray(line)[:-1] for line in contourpy.contour_generator(flat, flat, plane).lines(0.0)]
        loops += [np.column_stack((line, np.full(len(line), z))) for line in lines if len(line) > 7]
    return tuple(loops)


def errors_of(rng: np.random.Generator, make: Callable[..., tuple[Callable[[Array], Array], Array]]) -> Array:
    """Errors of one solid in percent for each share: volume, and the worst of D99 to D1 and mean, (shares, 2)."""
    level, half = make(rng)
    axes, along = axes_of(rng), axes_of(rng)[0]
    slice_mm = float(rng.uniform(1.0, 3.0))
    outline = Outline("solid", contours(level, axes, slice_mm, -_REACH_MM + float(rng.uniform(0.0, slice_mm))))
    n = 2 * int(_REACH_MM / _VOXEL_MM) + 1
    at = (np.arange(n) - n // 2) * _VOXEL_MM
    z, y, x = np.meshgrid(at, at, at, indexing="ij")
    grid = Grid(shape_zyx=(n, n, n), origin_mm=np.full(3, at[0]), spacing_mm=np.full(3, _VOXEL_MM))
    dose = Volume(grid, np.maximum(MIDDLE_GY + x * along[0] + y * along[1] + z * along[2], 0.0))
    options = DVHOptions(metrics=("D99", "D95", "D50", "D5", "D1", "Dmean"), errors=False)
    # Patient = axes @ own, so that own = patient @ axes.
    want, rows, own_share = truth(level, half, along @ axes), [], outline_layers._SHARP_FRAC
    for share in SHARES:
        outline_layers._SHARP_FRAC = share
        found = hdrplan.dvh(dose, [outline], options).structures[0]
        off = 100 * np.abs(np.array([found.volume_cc, *(m.value for m in found.metrics)]) / want - 1)
        rows.append((off[0], off[1:].max()))
    outline_layers._SHARP_FRAC = own_share
    return np.array(rows)


def main() -> None:
    """Measure, print, and write the table into the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=10, help="solids of each kind")
    parser.add_argument("--write", action="store_true", help="write the table into docs/measurements/dvh.md")
    words = parser.parse_args()
    shares = " | ".join(f"share {share:g}" for share in SHARES)
    lines = [f"| {words.each} of each | volume: median, worst | {shares} |", "|---|---|" + "---|" * len(SHARES)]
    for number, (name, make) in enumerate(SOLIDS.items()):
        off = np.array([errors_of(np.random.default_rng((number, k)), make) for k in range(words.each)])
        own = off[:, SHARES.index(outline_layers._SHARP_FRAC)]
        cells = [f"{np.median(own[:, 0]):.2f} %, {own[:, 0].max():.2f} %"]
        cells += [f"{np.median(off[:, k, 1]):.2f} %, {off[:, k, 1].max():.2f} %" for k in range(len(SHARES))]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
        print("\n".join(lines) if number == 0 else lines[-1], flush=True)
    if words.write:
        text = PAGE.read_text(encoding="utf-8")
        head, rest = text.split("<!-- unseen -->")[0], text.split("<!-- end of unseen -->")[1]
        body = "\n".join(lines)
        PAGE.write_text(f"{head}<!-- unseen -->\n{body}\n<!-- end of unseen -->{rest}", encoding="utf-8")


if __name__ == "__main__":
    main()
