"""Sample points of structures, for dosimetry and not for display."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter
from scipy.spatial import cKDTree

from hdrplan.arrays import BoolArray, FloatArray, IntArray, freeze
from hdrplan.dose.shape import UNKNOWN_MM, Shape, shape_of
from hdrplan.errors import InputError
from hdrplan.geometry import Structure, rim_mm, without
from hdrplan.threads import over_rows

__all__ = ["MAX_POINTS", "SPACING_MM", "SamplePoints", "sample_points"]

# Edge of the cells in a CTV and in organs next to it: 0.1 cc is then a hundred points.
SPACING_MM = 1.0
# Per structure. A CTV of 12 cm is sampled at 2.5 mm with it, the demo's 47 cc keeps 1 mm.
MAX_POINTS = 80_000
# A structure is never sampled with fewer cells than about this many, however far away it is.
_LEAST_CELLS = 1000
# A cube is halved where it is nearer to a CTV than this many of its edges. In an inverse-square field the curvature
# that the cube's middle misses is then below (1 / 5)^2 / 4 = 1 % of the dose, and falls with distance.
_EDGES_AWAY = 5.0
# The largest cubes have 2^3 times the least edge.
_HALVINGS = 3
# Halvings of about 10 mm to find the surface's level: 1e-5 mm.
_BISECTIONS = 20
# The part of an organ that lies nearest to the CTVs has cubes of half the edge: D0.1cc is then many hundred points.
_NEAREST_CC = 0.5
# The healthy organ is judged by its mean and by large volumes: cubes twice as large.
_HEALTHY_COARSER = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class SamplePoints:
    """Points of all structures, structure by structure.

    Parameters
    ----------
    names : tuple of str
    roles : tuple of str
    start : (n_structures + 1,) int array
        Rows ``start[k]:start[k + 1]`` belong to structure k.
    points_mm : (n, 3) array
    volume_cc : (n,) array
        Volume that each point stands for; 0 on the surface. Sums to the structure's volume.
    on_surface : (n,) bool array
        Points on the structure's surface: they count for D100, minimum and maximum, not for volumes.
    spacing_mm : (n_structures,) array
        Edge of the sub-voxels of each structure (the coarsest axis).
    mask_cc : (n_structures,) array
        Volume of the mask, for comparison.
    method : str
        One sentence for the report.
    """

    names: tuple[str, ...]
    roles: tuple[str, ...]
    start: IntArray
    points_mm: FloatArray
    volume_cc: FloatArray
    on_surface: BoolArray
    spacing_mm: FloatArray
    mask_cc: FloatArray
    method: str = ""

    def __post_init__(self) -> None:
        freeze(self, "start", (None,), dtype=np.int64)
        freeze(self, "points_mm", (None, 3))
        freeze(self, "volume_cc", (None,))
        freeze(self, "on_surface", (None,), dtype=np.bool_)
        freeze(self, "spacing_mm", (None,))
        freeze(self, "mask_cc", (None,))

    def rows(self, name: str) -> slice:
        """Return the rows of one structure."""
        if name not in self.names:
            raise InputError(f"no structure is named {name!r}", remedy=f"There are: {', '.join(self.names)}.")
        k = self.names.index(name)
        return slice(int(self.start[k]), int(self.start[k + 1]))

    def __len__(self) -> int:
        return len(self.points_mm)


def sample_points(
    structures: Sequence[Structure],
    *,
    spacing_mm: float = SPACING_MM,
    max_points: int = MAX_POINTS,
    healthy: str | None = None,
) -> SamplePoints:
    """Sample structures for dosimetry: inside with volumes, and on the surface.

    Each structure's mask is smoothed to the shape behind it (:mod:`hdrplan.dose.shape`) and divided into cubes of
    ``spacing_mm``; farther from the CTVs the cubes double, and double again. A cube that the surface cuts stands for
    its part inside and has its point in the middle of that part. The volumes are scaled to the mask's volume exactly.
    One more point lies on the surface for each cube at the surface, with volume 0. To those of a CTV come the
    mask's voxel centres close by, for a tip may be finer than the cubes.

    Parameters
    ----------
    structures : sequence of Structure
        Each on a grid of its own, cropped or oblique as it may be.
    spacing_mm : float
        Edge of the smallest cubes.
    max_points : int
        Most points inside one structure; larger ones are sampled coarser, and ``spacing_mm`` of the result says so.
    healthy : str or None
        Name of the organ that is sampled without the CTVs, under its own name (liver minus CTVs).

    Raises
    ------
    InputError
        No structures, a spacing or count that cannot be, an unknown healthy organ.

    Examples
    --------
    >>> import numpy as np
    >>> from hdrplan.dose import sample_points
    >>> from hdrplan.geometry import Grid, Structure
    >>> cube = Structure("cube", "CTV", Grid((10, 10, 10), [0, 0, 0], [2, 2, 2]), np.ones((10, 10, 10)))
    >>> points = sample_points([cube], spacing_mm=2.0)
    >>> round(float(points.volume_cc.sum()), 9)
    8.0
    """
    if not structures:
        raise InputError("at least one structure is needed", got=0)
    # 0.1 to 20 mm: below is a billion points, above no organ is resolved.
    if not 0.1 <= spacing_mm <= 20.0:
        raise InputError("spacing_mm must lie between 0.1 and 20 mm", got=f"{spacing_mm:g}")
    if max_points < 100:
        raise InputError("max_points must be at least 100", got=max_points)
    if healthy is not None and healthy not in [s.name for s in structures]:
        raise InputError(
            f"no structure is named {healthy!r}", remedy=f"There are: {', '.join(s.name for s in structures)}."
        )
    ctvs = [s for s in structures if s.role == "CTV"]
    near = cKDTree(np.concatenate([rim_mm(s) for s in ctvs])) if ctvs else None
    wanted = [without(s, ctvs) if s.name == healthy else s for s in structures]
    parts = [
        _sample(
            structure,
            shape,
            None if structure.role == "CTV" else near,
            spacing_mm * (_HEALTHY_COARSER if structure.name == healthy else 1.0),
            max_points,
        )
        for structure, shape in zip(wanted, _shapes(wanted), strict=True)
    ]
    return SamplePoints(
        names=tuple(s.name for s in structures),
        roles=tuple(s.role for s in structures),
        start=np.cumsum([0, *(len(part.volume_cc) for part in parts)]),
        points_mm=np.concatenate([part.points_mm for part in parts]),
        volume_cc=np.concatenate([part.volume_cc for part in parts]),
        on_surface=np.concatenate([part.volume_cc == 0 for part in parts]),
        spacing_mm=np.array([part.spacing_mm for part in parts]),
        mask_cc=np.array([part.mask_cc for part in parts]),
        method=_method(spacing_mm, max_points, healthy),
    )


def _method(spacing_mm: float, max_points: int, healthy: str | None) -> str:
    return (
        "Smooth shapes behind the masks (sections interpolated between thick slices), divided into cubes of "
        f"{spacing_mm:g} mm that double with the distance from the CTVs and are halved in the nearest {_NEAREST_CC:g} "
        f"cc of an organ, at most about {max_points} a structure; volumes scaled to the masks; one more point on the "
        "surface for each cube there" + (f"; {healthy} without the CTVs, in cubes twice as large." if healthy else ".")
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    points_mm: FloatArray
    volume_cc: FloatArray
    spacing_mm: float
    mask_cc: float


def _shapes(structures: Sequence[Structure]) -> list[Shape]:
    shapes: dict[int, Shape] = {}

    def block(first: int, last: int) -> None:
        for k in range(first, last):
            shapes[k] = shape_of(structures[k])

    over_rows(block, len(structures), smallest=1)
    return [shapes[k] for k in range(len(structures))]


def _sample(structure: Structure, shape: Shape, near: cKDTree | None, spacing_mm: float, max_points: int) -> _Part:
    volume_mm3 = structure.volume_cc * 1000.0
    # Cubes at the surface must not be larger than the band in which distances are known; nor so large far away that
    # fewer than the least number of them are left.
    least_mm = (volume_mm3 / _LEAST_CELLS) ** (1 / 3)
    edge_mm, largest_mm = min(spacing_mm, least_mm), min(1.5 * shape.reach_mm, least_mm)
    while True:
        centre, edge = _cells(shape, near, edge_mm, largest_mm)
        if len(centre) <= max_points:
            break
        edge_mm *= max(1.05, (len(centre) / max_points) ** (1 / 3))
    distance, inward = shape.distance_mm(centre)
    level = _level_mm(distance, edge, volume_mm3)
    part = np.clip(0.5 + (distance - level) / edge, 0.0, 1.0)
    # The middle of the part inside lies (1 - part) / 2 edges inward of the cube's centre.
    kept = part > 1e-6
    middle = centre + ((1.0 - part) * edge / 2)[:, None] * inward
    volume = part * edge**3
    at_surface = np.abs(distance - level) <= edge / 2
    surface = centre[at_surface]
    for _ in range(3):
        gap, slope = shape.distance_mm(surface)
        surface = surface - ((gap - level) * (np.abs(gap) < UNKNOWN_MM))[:, None] * slope
    # Where the shape is thinner than its steps the search may not end on the surface.
    surface = surface[np.abs(shape.distance_mm(surface)[0] - level) < edge_mm / 4]
    if near is None:
        # Tips finer than the cubes: voxel centres close to a CTV's surface count as well.
        rim = rim_mm(structure)
        surface = np.concatenate((surface, rim[shape.distance_mm(rim)[0] - level < edge_mm / 4]))
    return _Part(
        np.concatenate((middle[kept], surface)),
        np.concatenate((volume[kept] * (structure.volume_cc / volume[kept].sum()), np.zeros(len(surface)))),
        edge_mm,
        structure.volume_cc,
    )


def _cells(shape: Shape, near: cKDTree | None, edge_mm: float, largest_mm: float) -> tuple[FloatArray, FloatArray]:
    """Centres and edges of cubes that cover the shape, by halving: every cube that may touch it."""
    edge = edge_mm * 2**_HALVINGS
    grid = shape.grid
    extent = grid.spacing_mm * grid.shape_zyx[::-1]
    count = np.ceil(extent / edge).astype(int)
    first = (extent - count * edge) / 2 - grid.spacing_mm / 2 + edge / 2
    z, y, x = np.meshgrid(*(np.arange(n) for n in count[::-1]), indexing="ij")
    centre = grid.origin_mm + (first + np.stack((x, y, z), axis=-1).reshape(-1, 3) * edge) @ grid.direction.T
    centre = centre[_may_touch(shape, centre, edge)]
    corner = np.stack(np.meshgrid([-0.25, 0.25], [-0.25, 0.25], [-0.25, 0.25], indexing="ij"), axis=-1).reshape(8, 3)
    done_centre, done_edge = [], []
    for level in range(_HALVINGS, -1, -1):
        if level == 0:
            fine = np.zeros(len(centre), dtype=np.bool_)
        elif near is None or edge > largest_mm:
            fine = np.ones(len(centre), dtype=np.bool_)
        else:
            fine = np.isfinite(near.query(centre, distance_upper_bound=_EDGES_AWAY * edge)[0])
        done_centre.append(centre[~fine])
        done_edge.append(np.full(int((~fine).sum()), edge))
        centre = (centre[fine][:, None, :] + (corner * edge) @ grid.direction.T).reshape(-1, 3)
        edge /= 2
    centre, edges = np.concatenate(done_centre), np.concatenate(done_edge)
    distance, _ = shape.distance_mm(centre)
    # The surface of a small shape lies up to half a voxel beyond its zero, for the volume's sake.
    touch = distance > -edges - 0.5 * grid.spacing_mm.max()
    centre, edges, distance = centre[touch], edges[touch], distance[touch]
    if near is None:
        return centre, edges
    part = np.clip(0.5 + distance / edges, 0.0, 1.0) * edges**3
    # The nearest cubes are among the smallest, where these are enough.
    smallest = np.flatnonzero(edges == edges.min())
    if part[smallest].sum() < _NEAREST_CC * 1000.0:
        smallest = np.arange(len(edges))
    order = smallest[np.argsort(near.query(centre[smallest])[0], kind="stable")]
    nearest = order[: 1 + int(np.searchsorted(np.cumsum(part[order]), _NEAREST_CC * 1000.0))]
    others = np.ones(len(centre), dtype=np.bool_)
    others[nearest] = False
    halves = (centre[nearest][:, None, :] + edges[nearest][:, None, None] * (corner @ grid.direction.T)).reshape(-1, 3)
    return (
        np.concatenate((centre[others], halves)),
        np.concatenate((edges[others], np.repeat(edges[nearest] / 2, len(corner)))),
    )


def _level_mm(distance: FloatArray, edge: FloatArray, volume_mm3: float) -> float:
    """Distance at which the surface has to lie for the shape to have the mask's volume: by bisection."""
    unknown = np.abs(distance) >= UNKNOWN_MM
    wanted = volume_mm3 - float((edge[unknown & (distance > 0)] ** 3).sum())
    distance, edge = distance[~unknown], edge[~unknown]
    cube = edge**3
    low, high = float((distance - edge).min(initial=0.0)), float((distance + edge).max(initial=0.0))
    for _ in range(_BISECTIONS):
        level = (low + high) / 2
        if float((np.clip(0.5 + (distance - level) / edge, 0.0, 1.0) * cube).sum()) > wanted:
            low = level
        else:
            high = level
    return low


def _may_touch(shape: Shape, centre_mm: FloatArray, edge_mm: float) -> BoolArray:
    """Whether a voxel on the inside of the shape lies within reach of each cube."""
    grid = shape.grid
    reach = np.ceil(edge_mm / 2 / grid.spacing_mm).astype(int) + 2
    near = maximum_filter((shape.level_zyx > 0).view(np.uint8), size=tuple(2 * reach[::-1] + 1), mode="nearest")
    last = np.array(grid.shape_zyx[::-1]) - 1
    x, y, z = np.clip(np.rint(grid.index(centre_mm)).astype(int), 0, last).T
    return np.asarray(near[z, y, x] > 0)
