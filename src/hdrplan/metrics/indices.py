"""Conformity and homogeneity of a plan.

Symbols: PTV the target's volume, PTV_ref the part of it that receives the reference (prescription) dose, V_ref the
volume of tissue of any kind that receives it.

References
----------
Baltas D et al., A conformal index (COIN) to evaluate implant quality and dose specification in brachytherapy,
    Int J Radiat Oncol Biol Phys 1998;40:515.
van 't Riet A et al., A conformation number to quantify the degree of conformality in brachytherapy and external beam
    irradiation: application to the prostate, Int J Radiat Oncol Biol Phys 1997;37:731 (CN, COIN without organs).
Paddick I, A simple scoring ratio to index the conformity of radiosurgical treatment plans,
    J Neurosurg 2000;93(Suppl 3):219. The same number as COIN without organs.
Shaw E et al., Radiation Therapy Oncology Group: radiosurgery quality assurance guidelines,
    Int J Radiat Oncol Biol Phys 1993;27:1231 (PITV).
Lomax NJ, Scheib SG, Quantifying the degree of conformity in radiosurgery treatment planning,
    Int J Radiat Oncol Biol Phys 2003;55:1409 (healthy tissue conformity index).
Meertens H et al., Evaluation and optimization of interstitial brachytherapy dose distributions, in: Mould RF et al.,
    Brachytherapy from radium to optimization, Veenendaal: Nucletron 1994;300 (coverage, EI, OI).
Saw CB, Suntharalingam N, Quantitative assessment of interstitial implants, Int J Radiat Oncol Biol Phys 1991;20:135.
Wu A, Ulin K, Sternick ES, A dose homogeneity index for evaluating Ir-192 interstitial breast implants, Med Phys
    1988;15:104.
"""

from __future__ import annotations

from collections.abc import Sequence

from hdrplan.errors import InputError

__all__ = [
    "conformal_index",
    "coverage_index",
    "dose_homogeneity_index",
    "dose_nonuniformity_ratio",
    "external_volume_index",
    "healthy_tissue_conformity_index",
    "overdose_index",
    "pitv",
]


def coverage_index(target_reference_cc: float, target_cc: float) -> float:
    """Return CI = PTV_ref / PTV: the fraction of the target that receives the reference dose.

    References
    ----------
    Meertens H et al., 1994 (see above); c1 of Baltas D et al., Int J Radiat Oncol Biol Phys 1998;40:515.
    """
    return _fraction(
        target_reference_cc, target_cc, "the target's volume inside the reference isodose", "the target's volume"
    )


def healthy_tissue_conformity_index(target_reference_cc: float, reference_cc: float) -> float:
    """Return HTCI = PTV_ref / V_ref: the fraction of the reference isodose that lies in the target.

    References
    ----------
    Lomax NJ, Scheib SG, Int J Radiat Oncol Biol Phys 2003;55:1409; c2 of Baltas D et al., ibid. 1998;40:515.
    """
    if reference_cc == 0:
        return 0.0
    return _fraction(
        target_reference_cc, reference_cc, "the target's volume inside the reference isodose", "the reference isodose"
    )


def conformal_index(
    target_reference_cc: float, target_cc: float, reference_cc: float, *, organs_beyond_limit_frac: Sequence[float] = ()
) -> float:
    """Return COIN = CI x HTCI, times (1 - fraction beyond its critical dose) of every organ given (Baltas 1998).

    Parameters
    ----------
    target_reference_cc : float
        PTV_ref.
    target_cc : float
        PTV.
    reference_cc : float
        V_ref, in all tissue: from the dose grid.
    organs_beyond_limit_frac : sequence of float
        Fraction of each organ that receives more than its critical dose; none gives the index without organs.

    Returns
    -------
    float

    Raises
    ------
    InputError
        A volume inside another that is larger than it, a fraction outside 0 to 1.

    References
    ----------
    Baltas D et al., Int J Radiat Oncol Biol Phys 1998;40:515.
    """
    index = coverage_index(target_reference_cc, target_cc) * healthy_tissue_conformity_index(
        target_reference_cc, reference_cc
    )
    for fraction in organs_beyond_limit_frac:
        if not 0.0 <= fraction <= 1.0:
            raise InputError("the part of an organ must lie between 0 and 1", got=fraction)
        index *= 1.0 - fraction
    return index


def pitv(reference_cc: float, target_cc: float) -> float:
    """Return PITV = V_ref / PTV, the conformity index of RTOG (Shaw 1993): 1 is best, but says nothing of where."""
    return _ratio(reference_cc, target_cc, "the target's volume")


def dose_homogeneity_index(v100_cc: float, v150_cc: float) -> float:
    """Return DHI = (V100 - V150) / V100 of the target (Wu 1988); 0 where nothing receives the prescription."""
    return 1.0 - dose_nonuniformity_ratio(v100_cc, v150_cc) if v100_cc > 0 else 0.0


def dose_nonuniformity_ratio(v100_cc: float, v150_cc: float) -> float:
    """Return DNR = V150 / V100 of the target (Saw and Suntharalingam 1991)."""
    return _fraction(v150_cc, v100_cc, "V150", "V100")


def external_volume_index(normal_reference_cc: float, target_cc: float) -> float:
    """Return EI: normal tissue inside the reference isodose, per volume of target (Meertens 1994)."""
    return _ratio(normal_reference_cc, target_cc, "the target's volume")


def overdose_index(v200_cc: float, v100_cc: float) -> float:
    """Return OI = V200 / V100 of the target (Meertens 1994)."""
    return _fraction(v200_cc, v100_cc, "V200", "V100")


def _ratio(volume_cc: float, whole_cc: float, whole_is: str) -> float:
    if not whole_cc > 0:
        raise InputError(f"{whole_is} must be above 0 cc", got=whole_cc)
    if not volume_cc >= 0:
        raise InputError("a volume must not be negative (cc)", got=volume_cc)
    return volume_cc / whole_cc


def _fraction(volume_cc: float, whole_cc: float, volume_is: str, whole_is: str) -> float:
    # 1e-9: both are sums of the same weights in another order.
    if volume_cc > whole_cc * (1.0 + 1e-9):
        raise InputError(f"{volume_is} must not be larger than {whole_is} (cc)", got=f"{volume_cc:g} > {whole_cc:g}")
    return min(_ratio(volume_cc, whole_cc, whole_is), 1.0)
