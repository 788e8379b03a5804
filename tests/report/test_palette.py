"""Colours: told apart by colour-blind readers, seen on CT and on paper."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from hdrplan.report.palette import CTV_COLOURS, ISODOSE_COLOURS, OTHER_COLOURS, styles_of

# Machado et al. 2009, doi 10.1109/TVCG.2009.113, severity 1, on linear RGB.
SIGHT = {
    "full": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
# sRGB to CIE XYZ, D65 (IEC 61966-2-1).
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def linear(colour: str) -> np.ndarray:
    rgb = np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def cielab(rgb: np.ndarray) -> np.ndarray:
    x = np.maximum(XYZ @ rgb / [0.95047, 1.0, 1.08883], 0.0)
    f = np.where(x > 0.008856, np.cbrt(x), 7.787 * x + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(first: str, second: str) -> float:
    low, high = sorted(float(XYZ[1] @ linear(colour)) for colour in (first, second))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("colours", [ISODOSE_COLOURS, (CTV_COLOURS[0], *OTHER_COLOURS)], ids=["isodoses", "structures"])
def test_any_two_are_told_apart(sight, colours):
    seen = [cielab(np.clip(SIGHT[sight] @ linear(c), 0.0, 1.0)) for c in colours]
    # A distance of 2.3 is just noticed side by side; thin lines apart need about ten times that.
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 20.0


@pytest.mark.parametrize("colour", [*CTV_COLOURS, *OTHER_COLOURS])
def test_structures_are_seen_on_paper_and_on_ct(colour):
    assert contrast(colour, "#ffffff") > 2.6
    assert contrast(colour, "#0b0f14") > 3.6


@pytest.mark.parametrize("colour", ISODOSE_COLOURS)
def test_isodoses_are_seen_on_ct(colour):
    assert contrast(colour, "#0b0f14") > 3.6


def test_fifteen_organs_look_different():
    roles = {"lesion": "CTV"} | {f"organ {k}": "OAR" for k in range(15)}
    looks = {(style["colour"], tuple(style["dash"])) for style in styles_of(roles).values()}
    assert len(looks) == 16


def test_an_organ_at_risk_keeps_its_look_whatever_else_is_drawn():
    alone = styles_of({"stomach": "OAR"})["stomach"]
    assert styles_of({"spleen": "other", "lesion": "CTV", "stomach": "OAR"})["stomach"] == alone
