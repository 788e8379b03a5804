"""Sample points of structures, for dosimetry and not for display."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from hdrplan.arrays import BoolArray, FloatArray, IntArray, freeze
from hdrplan.brief import brief_repr
from hdrplan.dose.cubes import Cubes, cover, halved, joined
from hdrplan.dose.held import held_points
from hdrplan.dose.shape import Shape, shape_of
from hdrplan.errors import InputError, among
from hdrplan.geometry import Structure, rim_mm, without
from hdrplan.threads import over_each

__all__ = ["MAX_POINTS", "SPACING_MM", "SamplePoints", "sample_points"]

# Edge of the cells in a CTV and in organs next to it: 0.1 cc is then a hundred points.
SPACING_MM = 1.0
# Per structure. A CTV of 12 cm is sampled at 2.5 mm with it, the demo's 47 cc keeps 1 mm.
MAX_POINTS = 80_000
# A structure is never sampled with fewer cells than about this many, however far away it is.
_MINIMUM_CELLS = 1000
# A cube is halved where it is nearer to a CTV than this many of its edges. In an inverse-square field the curvature
# that the cube's middle misses is then below (1 / 5)^2 / 4 = 1 % of the dose, and falls with distance.
_EDGES_AWAY = 5.0
# The largest cubes have 2^3 times the smallest edge.
_HALVINGS = 3
# Of an organ, no cube is larger than this fraction of the volume that lies nearer to the CTVs, or of the smallest
# volume that doses are asked for: D0.1cc and D2cc are hundreds of points wherever the organ lies. Beyond some distance
# the dose is less steep, and fewer points say it as well.
_CUBES_NEARER, _CUBES_FAR = 600.0, 60.0
_STEEP_MM = 10.0
_SMALLEST_CC = 0.1
_HALF_DIAGONAL = 0.87
# The healthy organ is judged by its mean and by large volumes: cubes twice as large.
_HEALTHY_COARSER = 2.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
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
    shapes : tuple of Shape
        What was sampled: for those who need it finer, and for the proof at every point.
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
    shapes: tuple[Shape, ...] = ()

    __repr__ = brief_repr

    def __post_init__(self) -> None:
        freeze(self, "start", (None,), dtype=np.int64)
        freeze(self, "points_mm", (None, 3))
        freeze(self, "volume_cc", (None,))
        freeze(self, "on_surface", (None,), dtype=np.bool_)
        freeze(self, "spacing_mm", (None,))
        freeze(self, "mask_cc", (None,))

    def rows(self, name: str) -> slice:
        """Return the rows of one structure."""
        k = self._at(name)
        return slice(int(self.start[k]), int(self.start[k + 1]))

    def shape(self, name: str) -> Shape:
        """Return the shape of one structure, which all of its points belong to."""
        return self.shapes[self._at(name)]

    def only(self, names: Collection[str]) -> SamplePoints:
        """Return the points of some structures, in the order that they have here."""
        kept = [k for k, name in enumerate(self.names) if name in names]
        if len(kept) == len(self.names):
            return self
        rows = np.concatenate([np.arange(self.start[k], self.start[k + 1]) for k in kept])
        return SamplePoints(
            names=tuple(self.names[k] for k in kept),
            roles=tuple(self.roles[k] for k in kept),
            start=np.cumsum([0, *(self.start[k + 1] - self.start[k] for k in kept)]),
            points_mm=self.points_mm[rows],
            volume_cc=self.volume_cc[rows],
            on_surface=self.on_surface[rows],
            spacing_mm=self.spacing_mm[kept],
            mask_cc=self.mask_cc[kept],
            method=self.method,
            shapes=tuple(self.shapes[k] for k in kept if self.shapes),
        )

    def joined(self, others: Sequence[SamplePoints]) -> SamplePoints:
        """Return these points and those of other structures, in this order."""
        if not others:
            return self
        all_ = (self, *others)
        sizes = np.concatenate([np.diff(points.start) for points in all_])
        return SamplePoints(
            names=tuple(name for points in all_ for name in points.names),
            roles=tuple(role for points in all_ for role in points.roles),
            start=np.concatenate(([0], np.cumsum(sizes))),
            points_mm=np.concatenate([points.points_mm for points in all_]),
            volume_cc=np.concatenate([points.volume_cc for points in all_]),
            on_surface=np.concatenate([points.on_surface for points in all_]),
            spacing_mm=np.concatenate([points.spacing_mm for points in all_]),
            mask_cc=np.concatenate([points.mask_cc for points in all_]),
            method=self.method,
            shapes=tuple(shape for points in all_ for shape in points.shapes),
        )

    def _at(self, name: str) -> int:
        if name not in self.names:
            raise InputError(f"no structure is named {name!r}", remedy=among(name, self.names))
        return self.names.index(name)

    def __len__(self) -> int:
        return len(self.points_mm)


def sample_points(
    structures: Sequence[Structure],
    *,
    spacing_mm: float = SPACING_MM,
    max_points: int = MAX_POINTS,
    healthy: str | None = None,
    shapes: Mapping[str, Shape] | None = None,
) -> SamplePoints:
    """Sample structures for dosimetry: inside with volumes, and on the surface.

    Each structure's mask is smoothed to the shape behind it (:mod:`hdrplan.dose.shape`) and divided into cubes of
    ``spacing_mm``; farther from the CTVs the cubes double, and double again, but where little of an organ lies nearer
    to them the cubes are smaller. A cube that the surface cuts stands for its part inside and has its point in the
    middle of that part. The volumes are scaled to the mask's volume exactly. One more point lies on the surface for
    each cube at the surface, with volume 0. To those of a CTV come the mask's voxel centres close by, for a tip may be
    finer than the cubes. Every point belongs to the shape (:meth:`hdrplan.dose.Shape.holds`).

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
    shapes : mapping, optional
        Name -> shape, of those structures whose shape is known already.

    Raises
    ------
    InputError
        No structures, a spacing or count that cannot be, an unknown healthy organ.

    Examples
    --------
    >>> import numpy as np
    >>> from hdrplan.dose import sample_points
    >>> from hdrplan.geometry import Grid, Structure
    >>> grid = Grid(shape_zyx=(10, 10, 10), origin_mm=[0, 0, 0], spacing_mm=[2, 2, 2])
    >>> cube = Structure(name="cube", role="CTV", grid=grid, mask_zyx=np.ones((10, 10, 10)))
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
        raise InputError(f"no structure is named {healthy!r}", remedy=among(healthy, (s.name for s in structures)))
    ctvs = [s for s in structures if s.role == "CTV"]
    # Larger leaves than the usual 16 answer 300,000 questions a sixth sooner.
    near = cKDTree(np.concatenate([rim_mm(s) for s in ctvs]), leafsize=32) if ctvs else None
    wanted = [without(s, ctvs) if s.name == healthy else s for s in structures]
    known = shapes or {}

    def sample(structure: Structure) -> _Sampled:
        shape = known[structure.name] if structure.name in known else shape_of(structure)
        own = None if structure.role == "CTV" else near
        return _sample(structure, shape, own, spacing_mm, max_points, is_healthy=structure.name == healthy)

    sampled = over_each(sample, wanted, size=lambda s: s.mask_zyx.size)
    return SamplePoints(
        names=tuple(s.name for s in structures),
        roles=tuple(s.role for s in structures),
        start=np.cumsum([0, *(len(s.volume_cc) for s in sampled)]),
        points_mm=np.concatenate([s.points_mm for s in sampled]),
        volume_cc=np.concatenate([s.volume_cc for s in sampled]),
        on_surface=np.concatenate([s.volume_cc == 0 for s in sampled]),
        spacing_mm=np.array([s.spacing_mm for s in sampled]),
        mask_cc=np.array([s.mask_cc for s in sampled]),
        shapes=tuple(s.shape for s in sampled),
        method=_method(spacing_mm, max_points, healthy),
    )


def _method(spacing_mm: float, max_points: int, healthy: str | None) -> str:
    rest = f"; {healthy} without the CTVs, in cubes twice as large." if healthy else "."
    return (
        "Smooth shapes behind the masks (sections interpolated between thick slices), divided into cubes of "
        f"{spacing_mm:g} mm that double with the distance from the CTVs; in an organ none is larger than "
        f"1/{_CUBES_NEARER:g} (far away 1/{_CUBES_FAR:g}) of the volume nearer to them; about {max_points} a structure "
        f"at most; volumes scaled to the masks; one more point on the surface for each cube there{rest}"
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sampled:
    points_mm: FloatArray
    volume_cc: FloatArray
    spacing_mm: float
    mask_cc: float
    shape: Shape


def _sample(
    structure: Structure, shape: Shape, near: cKDTree | None, spacing_mm: float, max_points: int, *, is_healthy: bool
) -> _Sampled:
    spacing_mm *= _HEALTHY_COARSER if is_healthy else 1.0
    # Cubes at the surface must not be larger than the band in which distances are known; nor so large far away that
    # fewer than the minimum number of them are left.
    coarsest_mm = (structure.volume_cc * 1000.0 / _MINIMUM_CELLS) ** (1 / 3)
    edge_mm, largest_mm = min(spacing_mm, coarsest_mm), min(1.5 * shape.reach_mm, coarsest_mm)
    while True:
        cubes = _divided(shape, near, edge_mm, largest_mm)
        if near is not None and not is_healthy:
            cubes = _graded(shape, near, cubes, edge_mm / 2)
        if len(cubes) <= max_points:
            break
        edge_mm *= max(1.05, (len(cubes) / max_points) ** (1 / 3))
    held = held_points(shape, cubes)
    surface = held.surface_mm
    if near is None:
        # Tips finer than the cubes: voxel centres close to a CTV's surface count as well. They belong to the shape.
        rim = rim_mm(structure)
        surface = np.concatenate((surface, rim[np.abs(shape.distance_mm(rim)[0]) < edge_mm / 4]))
    return _Sampled(
        points_mm=np.concatenate((held.inner_mm, surface)),
        volume_cc=np.concatenate(
            (held.volume_mm3 * (structure.volume_cc / held.volume_mm3.sum()), np.zeros(len(surface)))
        ),
        spacing_mm=edge_mm,
        mask_cc=structure.volume_cc,
        shape=shape,
    )


def _divided(shape: Shape, near: cKDTree | None, edge_mm: float, largest_mm: float) -> Cubes:
    """Cubes of ``edge_mm``, larger ones far from the CTVs."""
    cubes = cover(shape, edge_mm * 2**_HALVINGS)
    done = []
    for _ in range(_HALVINGS):
        fine = np.ones(len(cubes), dtype=np.bool_)
        if near is not None and len(cubes) and cubes.edge_mm[0] <= largest_mm:
            reach_mm = _EDGES_AWAY * float(cubes.edge_mm[0])
            fine = np.isfinite(near.query(cubes.centre_mm, distance_upper_bound=reach_mm)[0])
        done.append(cubes[~fine])
        cubes = halved(shape, cubes[fine])
    return joined([*done, cubes])


def _graded(shape: Shape, near: cKDTree, cubes: Cubes, smallest_mm: float) -> Cubes:
    """Halve cubes that are large for the volume that lies nearer to the CTVs, down to ``smallest_mm``."""
    away, _ = near.query(cubes.centre_mm)
    while True:
        order = np.argsort(away, kind="stable")
        cumulative = np.concatenate(([0.0], np.cumsum(cubes.volume_mm3[order])))
        # Up to the cube's nearest corner: cubes of two sizes side by side at an isodose would count what the larger
        # hold on its hot side as cold.
        nearer = cumulative[np.searchsorted(away[order], away - _HALF_DIAGONAL * cubes.edge_mm)]
        count = np.clip(_CUBES_NEARER * (_STEEP_MM / np.maximum(away, 1.0)) ** 2, _CUBES_FAR, _CUBES_NEARER)
        fine = cubes.edge_mm3 > np.maximum(nearer, _SMALLEST_CC * 1000.0) / count
        fine &= cubes.edge_mm > 1.01 * smallest_mm
        if not fine.any():
            return cubes
        halves = halved(shape, cubes[fine])
        cubes = joined([cubes[~fine], halves])
        away = np.concatenate((away[~fine], near.query(halves.centre_mm)[0]))
