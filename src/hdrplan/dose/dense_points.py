"""Points that fill a structure evenly: for doses that were stored on a grid, where a point costs nearly nothing.

Each layer of a structure is cut into rows and each row into cells of about one length, exactly as long as the section
is wide there. A cell has one point at an irregular place in it: a regular one would make steps in the DVH wherever the
dose changes along an axis. Points on the surface count for the minimum and the maximum.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, IntArray, freeze
from hdrplan.dose.outline_field import spans_of
from hdrplan.dose.outline_layers import Layers
from hdrplan.kernels.planar import fill_cells
from hdrplan.kernels.sections import cells_inside, layer_spans

__all__ = ["DensePoints", "points_of_layers", "split"]

# Fractional parts of the multiples of these fill the unit interval evenly, and independently of each other (Roberts's
# R2 sequence: powers of the inverse of the plastic number; the golden ratio for a single one).
_GOLDEN, _R2_FIRST, _R2_SECOND = 0.6180339887498949, 0.7548776662466927, 0.5698402909980532

# Cells are longer along their row than across it: along the row the section's width is exact.
_CELL = np.array([1.6, 1 / 1.6])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DensePoints:
    """Points of one structure, in a frame of its own.

    Parameters
    ----------
    at : (n, 3) array
        Pixel coordinates x and y, and height.
    volume_cc : (n,) array
        Of each point's cell; 0 on the surface.
    place, edges : (m, 3) arrays
        Middles and edges of the cells, in the same units: those of the first m points, the others lie on the surface.
    layer : (m,) array
        Number of the layer that each cell belongs to.
    layers : Layers
    whole_rows : bool
        Sections change from row to row of pixels and not between.
    to_lps : (3, 4) array
        LPS in mm = ``to_lps[:, :3] @ at + to_lps[:, 3]``.
    """

    at: FloatArray
    volume_cc: FloatArray
    place: FloatArray
    edges: FloatArray
    layer: IntArray
    layers: Layers
    whole_rows: bool
    to_lps: FloatArray

    def __post_init__(self) -> None:
        freeze(self, "at", (None, 3))
        freeze(self, "volume_cc", (len(self.at),))

    def __len__(self) -> int:
        return len(self.at)

    @property
    def points_mm(self) -> FloatArray:
        """LPS positions, (n, 3)."""
        return np.asarray(self.at @ self.to_lps[:, :3].T + self.to_lps[:, 3])

    def thinned(self, step: int) -> DensePoints:
        """Return every ``step``-th point, for the volume of all."""
        m = len(self.place)
        volume = self.volume_cc[::step]
        total = float(volume.sum())
        return replace(
            self,
            at=self.at[::step],
            volume_cc=volume * (float(self.volume_cc.sum()) / total if total > 0 else 1.0),
            place=self.place[:m:step],
            edges=self.edges[:m:step],
            layer=self.layer[:m:step],
        )


def points_of_layers(layers: Layers, to_lps: FloatArray, spacing_mm: float, *, whole_rows: bool = False) -> DensePoints:
    """Fill layers with points.

    Parameters
    ----------
    layers : Layers
    to_lps : (3, 4) array
        From pixel coordinates and height to LPS in mm.
    spacing_mm : float
        About the edge of a cell.
    whole_rows : bool
        The section changes from row to row of pixels and not between: voxels as boxes.
    """
    step = spacing_mm * _CELL / np.linalg.norm(to_lps[:, :2], axis=0)
    slabs = np.column_stack((layers.faces_mm, layers.shift))
    spans = np.empty((4 * len(layers) * (int(layers.levels.shape[1] / step[1]) + 1), 6))
    count = layer_spans(layers.levels, layers.places, slabs, step[1], whole_rows, spans)
    if count > len(spans):
        spans = np.empty((count, 6))
        layer_spans(layers.levels, layers.places, slabs, step[1], whole_rows, spans)
    spans = spans[:count]
    middle = (spans[:, 3] + spans[:, 4]) / 2
    surface = [np.column_stack((spans[:, x], spans[:, 0], middle)) for x in (1, 2)]
    surface += [_face(layers, k, step) for k in np.flatnonzero(np.isfinite(layers.end_mm)).tolist()]
    cells = _cells(spans, step)
    to_cc = float(np.prod(np.linalg.norm(to_lps[:, :3], axis=0))) / 1000.0
    return DensePoints(
        at=np.concatenate((cells[:, :3], *surface)),
        volume_cc=np.concatenate((cells[:, 10] * to_cc, np.zeros(sum(map(len, surface))))),
        place=cells[:, 3:6],
        edges=cells[:, 6:9],
        layer=cells[:, 9].astype(np.int64),
        layers=layers,
        whole_rows=whole_rows,
        to_lps=to_lps,
    )


def _face(layers: Layers, k: int, step: FloatArray) -> FloatArray:
    """Points on the face with which a structure ends: the deepest one, and rows and columns of it where it is flat."""
    flat_level, shift = layers.levels[layers.places[k, 0]], float(layers.shift[k])
    y, x = np.unravel_index(int(flat_level.argmax()), flat_level.shape)
    points = [np.array([[float(x), float(y)]])]
    if not layers.is_tip[k]:
        for level, along in ((flat_level, (0, 1)), (np.ascontiguousarray(flat_level.T), (1, 0))):
            spans = spans_of(level, np.arange(0.0, level.shape[0] - 1.0, min(step[along[1]], 1.0)), shift)
            count, which, rank = _divided(spans[:, 2] - spans[:, 1], step[along[0]])
            part = rank / np.maximum(count[which] - 1, 1)
            across = spans[which, 1] + (spans[which, 2] - spans[which, 1]) * part
            points.append(np.column_stack((across, spans[which, 0]))[:, list(along)])
    flat = np.concatenate(points)
    return np.column_stack((flat, np.full(len(flat), layers.end_mm[k])))


def _divided(lengths: FloatArray, step: float) -> tuple[IntArray, IntArray, IntArray]:
    """Return the number of cells of each span, and for each cell its span and its rank in it."""
    count = np.maximum(1, np.rint(lengths / step)).astype(np.int64)
    which = np.repeat(np.arange(len(count)), count)
    rank = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    return count, which, rank


def _cells(spans: FloatArray, step: FloatArray) -> FloatArray:
    """Return the point, the middle and the edges of each cell, its layer and its volume in its own units, (n, 11)."""
    r2 = np.array([_R2_FIRST, _R2_SECOND])
    out = np.empty((fill_cells(spans, step[0], step[1], r2, np.empty((0, 11))), 11))
    fill_cells(spans, step[0], step[1], r2, out)
    return out


def split(points: DensePoints, chosen: BoolArray, n_per_edge: int) -> tuple[FloatArray, FloatArray]:
    """Divide the cells of some points: places and volumes of those of the smaller cells that lie inside.

    Parameters
    ----------
    points : DensePoints
    chosen : (n,) bool array
        None on the surface.
    n_per_edge : int
        Each cell becomes the third power of this many.

    Returns
    -------
    at : (m, 3) array
        In the frame of the points.
    volume_cc : (m,) array
    """
    offset = (np.arange(n_per_edge) + 0.5) / n_per_edge - 0.5
    inner = np.stack(np.meshgrid(offset, offset, offset, indexing="ij"), axis=-1).reshape(-1, 3)
    cells = np.flatnonzero(chosen)
    edges = points.edges[cells]
    at = points.place[cells][:, None, :] + inner * edges[:, None, :]
    # One shift for each cell: the smaller points of neighbouring cells do not line up.
    rank = np.arange(len(at))[:, None]
    at += (((rank * [_R2_FIRST, _R2_SECOND, _GOLDEN]) % 1.0 - 0.5) * edges / n_per_edge)[:, None, :]
    inside = np.empty(at.shape[:2], dtype=np.bool_)
    layers = points.layers
    which = np.ascontiguousarray(layers.places[:, 0])
    cells_inside(layers.levels, which, layers.shift, points.layer[cells], at, points.whole_rows, inside)
    volume_cc = np.repeat(points.volume_cc[cells] / n_per_edge**3, n_per_edge**3)[inside.ravel()]
    # A cell is as long as the section is wide in the middle of its row: what one has beyond the surface others lack.
    return at[inside], volume_cc * (float(points.volume_cc[cells].sum()) / max(float(volume_cc.sum()), 1e-12))
