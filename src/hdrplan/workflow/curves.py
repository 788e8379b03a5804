"""The DVHs of all structures of a plan."""

from __future__ import annotations

from hdrplan.arrays import FloatArray
from hdrplan.dose import SamplePoints
from hdrplan.metrics import DVH, dvh
from hdrplan.threads import over_each

__all__ = ["curves_of"]


def curves_of(dose_gy: FloatArray, points: SamplePoints) -> dict[str, DVH]:
    """Return the DVH of every structure.

    Parameters
    ----------
    dose_gy : (n_points,) array
    points : SamplePoints
    """

    def curve(name: str) -> DVH:
        rows = points.rows(name)
        return dvh(dose_gy[rows], points.volume_cc[rows])

    found = over_each(curve, points.names, size=lambda name: points.rows(name).stop - points.rows(name).start)
    return dict(zip(points.names, found, strict=True))
