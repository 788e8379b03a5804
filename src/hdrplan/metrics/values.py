"""The numbers that a plan is judged by: of a target, of an organ, of one goal, and how sure D100 is.

Fractions are 0 to 1 here (``v100_frac``); percent exists in the outputs only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.errors import InputError
from hdrplan.metrics.dvh import DVH, dvh
from hdrplan.metrics.indices import dose_homogeneity_index

__all__ = ["D100Sampling", "d100_sampling", "metric_value", "organ_metrics", "target_metrics"]


def metric_value(
    curve: DVH, kind: str, at: float = 0.0, *, unit: str = "Gy", prescription_gy: float | None = None
) -> float:
    """Return the value of one dose-volume metric, in the words of a goal.

    Parameters
    ----------
    curve : DVH
    kind : str
        ``dose_at_frac`` (D98: ``at`` 0.98), ``dose_at_cc`` (D1cc: ``at`` 1), ``volume_at_gy`` (V10Gy),
        ``volume_at_frac`` (V150: ``at`` 1.5 of the prescription), ``dose_mean``, ``dose_max``, ``dose_min``.
    at : float
        Volume fraction, cc, Gy or fraction of the prescription.
    unit : {"Gy", "frac", "cc"}
        Volumes come as a fraction, or in cc where ``unit`` is "cc".
    prescription_gy : float or None
        Needed for ``volume_at_frac``.

    Returns
    -------
    float

    Raises
    ------
    InputError
        Unknown kind; no prescription where one is needed.
    """
    if kind == "volume_at_frac":
        if prescription_gy is None:
            raise InputError("a volume at percent of the prescription needs a prescription", got="none")
        at, kind = at * prescription_gy, "volume_at_gy"
    if kind == "volume_at_gy":
        return float(curve.volume_at_gy(at)) if unit == "cc" else float(curve.volume_frac_at_gy(at))
    if kind == "dose_at_frac":
        return curve.dose_at_frac(at)
    if kind == "dose_at_cc":
        return curve.dose_at_cc(at)
    named = {"dose_mean": curve.mean_gy, "dose_max": curve.max_gy, "dose_min": curve.min_gy}
    if kind not in named:
        raise InputError("expected a kind of dose-volume metric", got=repr(kind))
    return named[kind]


def target_metrics(curve: DVH, prescription_gy: float) -> dict[str, float]:
    """Return D100, D99, D98, D95, D90, D50, D2, V100, V150, V200, minimum, maximum and mean dose, DHI of a CTV.

    Raises
    ------
    InputError
        A prescription that is not positive.

    References
    ----------
    ICRU report 89, J ICRU 2013;13(1-2). Kovacs G et al., GEC/ESTRO-EAU recommendations, Radiother Oncol 2005;74:137
    (V100, V150, V200, D90).
    """
    if not prescription_gy > 0:
        raise InputError("prescription must be above 0 Gy", got=prescription_gy)
    values = {f"d{percent}_gy": curve.dose_at_frac(percent / 100) for percent in (100, 99, 98, 95, 90, 50, 2)}
    for percent in (100, 150, 200):
        values[f"v{percent}_frac"] = float(curve.volume_frac_at_gy(prescription_gy * percent / 100))
    values |= {"min_gy": curve.min_gy, "mean_gy": curve.mean_gy, "max_gy": curve.max_gy}
    values["dhi"] = dose_homogeneity_index(values["v100_frac"], values["v150_frac"])
    return values


def organ_metrics(curve: DVH) -> dict[str, float]:
    """Return D0.1cc, D1cc, D2cc, maximum, mean and minimum dose, V5Gy and V10Gy (cc and fraction) of an organ at risk.

    D_cc is NaN where the organ is smaller than the volume asked for.

    References
    ----------
    ICRU report 89 (D_0.1cm3, D_2cm3). V5Gy and V10Gy of the liver: Radiat Oncol 2020, doi 10.1186/s13014-020-01492-9.
    """
    values = {
        "d0_1cc_gy": curve.dose_at_cc(0.1),
        "d1cc_gy": curve.dose_at_cc(1.0),
        "d2cc_gy": curve.dose_at_cc(2.0),
        "max_gy": curve.max_gy,
        "mean_gy": curve.mean_gy,
        "min_gy": curve.min_gy,
    }
    for dose_gy in (5, 10):
        values[f"v{dose_gy}gy_cc"] = float(curve.volume_at_gy(dose_gy))
        values[f"v{dose_gy}gy_frac"] = float(curve.volume_frac_at_gy(dose_gy))
    return values


@dataclass(frozen=True, slots=True)
class D100Sampling:
    """How D100 depends on the sampling.

    Parameters
    ----------
    d100_gy : float
        Over all points, the surface included.
    inside_gy : float
        Over the points inside only, as voxel centres would say.
    half_gy : float
        At half the density: the half of the points that lacks the coldest one.
    """

    d100_gy: float
    inside_gy: float
    half_gy: float

    @property
    def sensitivity_gy(self) -> float:
        """What halving the density changes.

        Near a smooth minimum the error falls with the square of the spacing. Half as many points on a surface are
        spaced by sqrt(2): the change on halving is then as large as the error that remains.
        """
        return self.half_gy - self.d100_gy


def d100_sampling(dose_gy: npt.ArrayLike, volume_cc: npt.ArrayLike) -> D100Sampling:
    """Return D100 of one CTV with its sampling sensitivity.

    Parameters
    ----------
    dose_gy : (n,) array
        All points of the structure, in the order of sampling.
    volume_cc : (n,) array
        0 on the surface.
    """
    dose = np.asarray(dose_gy, dtype=np.float64)
    interior = np.asarray(volume_cc, dtype=np.float64) > 0
    d100_gy = dvh(dose, volume_cc).min_gy
    inside_gy = float(dose[interior].min())
    surface = np.flatnonzero(~interior)
    # Every other point, surface and inside apart: neighbours in the list are neighbours in space.
    halves = [np.concatenate((np.flatnonzero(interior)[k::2], surface[k::2])) for k in (0, 1)]
    return D100Sampling(d100_gy, inside_gy, max(float(dose[half].min()) for half in halves if len(half)))
