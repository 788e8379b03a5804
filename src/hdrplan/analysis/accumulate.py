"""Dose of a lesion over several sessions: voxel by voxel where the frames match, otherwise bounds that must hold.

Sessions weeks apart add up in EQD2, voxel by voxel. Where only each session's DVH numbers are known, the true sum lies
between two bounds; the lower one is what the analyses use, as the single-session dose of the same EQD2.

References
----------
Fowler JF, Br J Radiol 1989;62:679, DOI 10.1259/0007-1285-62-740-679 (BED).
Embrechts P, Puccetti G, Rueschendorf L, J Banking Finance 2013;37:2750, DOI 10.1016/j.jbankfin.2013.03.020 (bounds of
    a sum whose parts are known only by their distributions).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray
from hdrplan.errors import InputError
from hdrplan.geometry import Volume
from hdrplan.metrics import dvh, eqd2_gy

__all__ = ["accumulated_eqd2_gy", "d100_bounds", "dose_in_session", "lower_bounds", "single_session_gy"]

# Percent of the volume that receives at least the dose of each column.
_PERCENT = {"d100_gy": 100.0, "d98_gy": 98.0, "d95_gy": 95.0, "d90_gy": 90.0, "d50_gy": 50.0, "d2_gy": 2.0}


def single_session_gy(eqd2: npt.ArrayLike, alpha_beta_gy: float) -> FloatArray:
    """Return the dose of one session that has the given EQD2: the inverse of :func:`hdrplan.metrics.eqd2_gy`."""
    bed = np.asarray(eqd2, dtype=np.float64) * (1.0 + 2.0 / alpha_beta_gy)
    return np.asarray(alpha_beta_gy / 2.0 * (np.sqrt(1.0 + 4.0 * bed / alpha_beta_gy) - 1.0))


def _eqd2(dose_gy: float, alpha_beta_gy: float) -> float:
    return float(eqd2_gy(dose_gy, alpha_beta_gy))


def lower_bounds(sessions: Sequence[Mapping[str, float]], alpha_beta_gy: float) -> dict[str, float]:
    """Return lower bounds of a lesion's metrics over its sessions, as doses of one session.

    D_x of the sum is at least D_x of one session plus the minimum doses of the others; V_x at least the largest V_x of
    one session. A metric that any session lacks is left out.

    Parameters
    ----------
    sessions : sequence of mapping
        Metrics of each session, with ``d100_gy``.
    alpha_beta_gy : float

    Returns
    -------
    dict of str to float
    """
    if len(sessions) == 1:
        return dict(sessions[0])
    minima = [_eqd2(s["d100_gy"], alpha_beta_gy) for s in sessions]
    common = set.intersection(*(set(s) for s in sessions))
    bounds: dict[str, float] = {}
    for name in common:
        if name in _PERCENT:
            each = [_eqd2(s[name], alpha_beta_gy) + sum(minima) - m for s, m in zip(sessions, minima, strict=True)]
            bounds[name] = float(single_session_gy(max(each), alpha_beta_gy))
        else:
            bounds[name] = max(s[name] for s in sessions)
    return bounds


def d100_bounds(sessions: Sequence[Mapping[str, float]], alpha_beta_gy: float) -> tuple[float, float]:
    """Return bounds of D100 of the sum in EQD2 (Gy); the upper one is infinite if D100 alone is known.

    A fraction p of the volume gets at most D_(1-p) in session i; fractions q get more than D_q in the others. Where p
    exceeds the sum of the q, some voxel gets at most the sum of these doses.
    """
    low = sum(_eqd2(s["d100_gy"], alpha_beta_gy) for s in sessions)
    best = float("inf")
    known = [[(_PERCENT[n], _eqd2(s[n], alpha_beta_gy)) for n in _PERCENT if n in s] for s in sessions]
    for choice in product(*known):
        for i, (percent, dose) in enumerate(choice):
            hot = sum(q for j, (q, _) in enumerate(choice) if j != i)
            if 100.0 - percent > hot:
                best = min(best, dose + sum(d for j, (_, d) in enumerate(choice) if j != i))
    return low, low if len(sessions) == 1 else best


def accumulated_eqd2_gy(
    doses_gy: Sequence[npt.ArrayLike], volume_cc: npt.ArrayLike, alpha_beta_gy: float
) -> dict[str, float]:
    """Return metrics of the voxel-wise sum of sessions in EQD2, with the single-session dose of each.

    Parameters
    ----------
    doses_gy : sequence of (n,) array
        Dose of each session in the same tissue points (frames matched or resampled through a transform).
    volume_cc : (n,) array
        Volume of each point.
    alpha_beta_gy : float

    Returns
    -------
    dict of str to float
        ``d100_gy`` and its kind as single-session doses, ``eqd2_d100_gy`` and its kind in EQD2.

    Raises
    ------
    InputError
        A session without a dose in every point.
    """
    volume = np.asarray(volume_cc, dtype=np.float64)
    total = np.zeros(volume.shape)
    for dose in doses_gy:
        values = np.asarray(dose, dtype=np.float64)
        if values.shape != volume.shape:
            raise InputError("every session needs a dose in every point", got=f"{values.shape} for {volume.shape}")
        total += eqd2_gy(values, alpha_beta_gy)
    curve = dvh(total, volume)
    metrics = {}
    for name, percent in _PERCENT.items():
        value = float(curve.dose_at_frac(percent / 100.0))
        metrics[f"eqd2_{name}"] = value
        metrics[name] = float(single_session_gy(value, alpha_beta_gy))
    return metrics


def dose_in_session(dose: Volume, points_mm: npt.ArrayLike, to_session: npt.ArrayLike | None = None) -> FloatArray:
    """Return a session's dose (Gy) at tissue points of the reference frame, trilinear between the voxel centres.

    Parameters
    ----------
    dose : Volume
        The session's dose in its own frame.
    points_mm : (n, 3) array
        Points in the reference frame, LPS.
    to_session : (4, 4) array, optional
        Affine transform of LPS positions from the reference frame to the session's; without it the frames are the same.

    Returns
    -------
    (n,) array

    Raises
    ------
    InputError
        A point lies outside the dose grid, or the transform is none.
    """
    points = np.asarray(points_mm, dtype=np.float64)
    if to_session is not None:
        matrix = np.asarray(to_session, dtype=np.float64)
        if matrix.shape != (4, 4) or not np.allclose(matrix[3], (0, 0, 0, 1)) or not abs(np.linalg.det(matrix)) > 1e-6:
            raise InputError("a transform is an invertible 4 x 4 matrix with last row 0 0 0 1", got=matrix.tolist())
        points = points @ matrix[:3, :3].T + matrix[:3, 3]
    outside = ~dose.grid.contains(points)
    if outside.any():
        raise InputError(
            "the dose grid must cover the lesion",
            got=f"{int(outside.sum())} of {len(points)} points outside",
            remedy="Check the transform, or export a larger dose grid.",
        )
    return dose.at(points)
