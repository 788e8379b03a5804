"""DVH, indices and linear-quadratic doses as their papers define them."""

from __future__ import annotations

import math

import numpy as np


def volume_at_gy(dose_gy: np.ndarray, volume_cc: np.ndarray, level_gy: float) -> float:
    """Sum over the points that reach the level."""
    return sum(v for d, v in zip(dose_gy, volume_cc, strict=True) if d >= level_gy)


def dose_at_cc(dose_gy: np.ndarray, volume_cc: np.ndarray, wanted_cc: float) -> float:
    """Hottest points first until their volume is reached."""
    total = 0.0
    for d, v in sorted(zip(dose_gy.tolist(), volume_cc.tolist(), strict=True), reverse=True):
        total += v
        if total >= wanted_cc:
            return d
    return math.nan


def dose_at_frac(dose_gy: np.ndarray, volume_cc: np.ndarray, part: float) -> float:
    """D_x; D100 is the least dose of any point, with volume or without."""
    return float(min(dose_gy)) if part == 1.0 else dose_at_cc(dose_gy, volume_cc, part * sum(volume_cc))


def mean_gy(dose_gy: np.ndarray, volume_cc: np.ndarray) -> float:
    """Weighted by volume."""
    return sum(d * v for d, v in zip(dose_gy, volume_cc, strict=True)) / sum(volume_cc)


def geud_gy(dose_gy: np.ndarray, volume_cc: np.ndarray, a: float) -> float:
    """The power mean of the doses with the fractions of the volume as weights."""
    total = sum(volume_cc)
    return sum(v / total * d**a for d, v in zip(dose_gy, volume_cc, strict=True) if v > 0) ** (1 / a)


def indices(target: np.ndarray, dose_gy: np.ndarray, voxel_cc: float, reference_gy: float) -> dict[str, float]:
    """All indices of one plan on one grid, counted voxel by voxel.

    ``target`` marks the target's voxels; a voxel belongs to an isodose if its dose reaches it.
    """
    cc = {"target": 0.0, "both": 0.0, "reference": 0.0, "outside": 0.0, "v150": 0.0, "v200": 0.0}
    for inside, dose in zip(target.ravel(), dose_gy.ravel(), strict=True):
        cc["target"] += voxel_cc * inside
        cc["reference"] += voxel_cc * (dose >= reference_gy)
        cc["both"] += voxel_cc * (inside and dose >= reference_gy)
        cc["outside"] += voxel_cc * (not inside and dose >= reference_gy)
        cc["v150"] += voxel_cc * (inside and dose >= 1.5 * reference_gy)
        cc["v200"] += voxel_cc * (inside and dose >= 2.0 * reference_gy)
    return cc | {
        "coverage_index": cc["both"] / cc["target"],
        "healthy_tissue_conformity_index": cc["both"] / cc["reference"],
        "conformal_index": cc["both"] / cc["target"] * cc["both"] / cc["reference"],
        "pitv": cc["reference"] / cc["target"],
        "dose_homogeneity_index": (cc["both"] - cc["v150"]) / cc["both"],
        "dose_nonuniformity_ratio": cc["v150"] / cc["both"],
        "external_volume_index": cc["outside"] / cc["target"],
        "overdose_index": cc["v200"] / cc["both"],
    }


def protraction_factor(duration_s: float, repair_half_time_s: float, n: int = 400) -> float:
    """Lea and Catcheside's double integral of damage that meets damage not yet repaired, by the midpoint rule.

    G = 2 / T^2 int_0^T dt int_0^t exp(-mu (t - s)) ds for a constant dose rate.
    """
    mu, h = math.log(2.0) / repair_half_time_s, duration_s / n
    at = (np.arange(n) + 0.5) * h
    total = 0.0
    for k, t in enumerate(at):
        # The last strip of the triangle is half a step wide, its middle a quarter of a step away.
        total += sum(math.exp(-mu * (t - s)) for s in at[:k]) * h * h + math.exp(-mu * h / 4) * h * h / 2
    return 2.0 * total / duration_s**2


def bed_gy(dose_gy: float, alpha_beta_gy: float, fractions: int, protraction: float) -> float:
    """Effect of every fraction in turn, over alpha: d + G d^2 / (alpha / beta) (Fowler 1989, Dale 1985)."""
    total = 0.0
    for _ in range(fractions):
        d = dose_gy / fractions
        total += d + protraction * d * d / alpha_beta_gy
    return total


def eqd2_gy(dose_gy: float, alpha_beta_gy: float, fractions: int, protraction: float) -> float:
    """The number of 2 Gy fractions with the same effect, times 2 Gy (Bentzen 2012)."""
    return 2.0 * bed_gy(dose_gy, alpha_beta_gy, fractions, protraction) / bed_gy(2.0, alpha_beta_gy, 1, 1.0)


def half_d100_gy(dose_gy: np.ndarray, volume_cc: np.ndarray) -> float:
    """D100 of the better half when every other point is left out, points inside and on the surface counted apart."""
    inner = [d for d, v in zip(dose_gy, volume_cc, strict=True) if v > 0]
    outer = [d for d, v in zip(dose_gy, volume_cc, strict=True) if not v > 0]
    halves = [inner[k::2] + outer[k::2] for k in (0, 1)]
    return max(min(half) for half in halves if half)
