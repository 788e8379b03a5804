"""Colours: told apart by colour-blind readers, seen on CT and on paper."""

from __future__ import annotations

from collections.abc import Iterable
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
# Okabe and Ito, "Color Universal Design", https://jfly.uni-koeln.de/color/: eight colours for all readers.
OKABE_ITO = ("#000000", "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")
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


def ciede2000(first: np.ndarray, second: np.ndarray) -> float:
    """Sharma, Wu, Dalal 2005, doi 10.1002/col.20070, equations 2 to 22."""
    (l1, a1, b1), (l2, a2, b2) = first, second
    mean = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    stretch = 1.5 - 0.5 * np.sqrt(mean**7 / (mean**7 + 25.0**7))
    c1, c2 = np.hypot(stretch * a1, b1), np.hypot(stretch * a2, b2)
    h1, h2 = (np.degrees(np.arctan2(b, stretch * a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0.0
    hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    light, chroma, angle = (l1 + l2) / 2, (c1 + c2) / 2, h1 + turn / 2 if c1 * c2 else h1 + h2
    waves = ((-0.17, 1, -30), (0.24, 2, 0), (0.32, 3, 6), (-0.20, 4, -63))
    t = 1 + sum(size * np.cos(np.radians(times * angle + shift)) for size, times, shift in waves)
    in_l = (l2 - l1) / (1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2))
    in_c, in_h = (c2 - c1) / (1 + 0.045 * chroma), hue / (1 + 0.015 * chroma * t)
    angle_deg = 60 * np.exp(-(((angle % 360 - 275) / 25) ** 2))
    turned = -2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7)) * np.sin(np.radians(angle_deg))
    return float(np.sqrt(in_l**2 + in_c**2 + in_h**2 + turned * in_c * in_h))


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, -1.0, 2.0), (50.0, 0.0, 0.0), 2.3669),
        ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0011), 7.2195),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_distance_is_that_of_the_published_pairs(first, second, distance):
    assert ciede2000(np.array(first), np.array(second)) == pytest.approx(distance, abs=5e-5)


def as_seen(sight: str, colour: str) -> np.ndarray:
    return cielab(np.clip(SIGHT[sight] @ linear(colour), 0.0, 1.0))


def nearest(sight: str, pairs: Iterable[tuple[str, str]]) -> float:
    return min(ciede2000(as_seen(sight, a), as_seen(sight, b)) for a, b in pairs)


@pytest.mark.parametrize("sight", SIGHT)
def test_any_two_colours_are_told_apart_as_well_as_those_made_for_all_readers(sight):
    yardstick = min(nearest(s, combinations(OKABE_ITO, 2)) for s in SIGHT)
    assert nearest(sight, combinations((*CTV_COLOURS, *OTHER_COLOURS, *ISODOSE_COLOURS), 2)) >= yardstick


def test_the_yardstick_refuses_colours_that_were_not_made_for_all_readers():
    # The ten colours that matplotlib draws with unless told otherwise.
    usual = (
        "#1f77b4",
        "#ff7f0e",
        "#2ca02c",
        "#d62728",
        "#9467bd",
        "#8c564b",
        "#e377c2",
        "#7f7f7f",
        "#bcbd22",
        "#17becf",
    )
    yardstick = min(nearest(s, combinations(OKABE_ITO, 2)) for s in SIGHT)
    assert min(nearest(s, combinations(usual, 2)) for s in SIGHT) < yardstick / 2


@pytest.mark.parametrize("colour", [*CTV_COLOURS, *OTHER_COLOURS])
def test_structures_are_seen_on_paper_and_on_dark_ct(colour):
    # WCAG 2.1, success criterion 1.4.11: 3 for graphical objects.
    assert contrast(colour, "#ffffff") >= 3.0
    assert contrast(colour, "#000000") >= 3.0
    # Fat at -100 HU in a window from -160 to 240 HU: 15 % of full scale.
    assert contrast(colour, "#262626") >= 3.0


def test_the_liver_is_the_brightest_on_dark_ct():
    liver = styles_of({"liver": "OAR"})["liver"]["colour"]
    assert contrast(liver, "#262626") == max(contrast(colour, "#262626") for colour in (*CTV_COLOURS, *OTHER_COLOURS))
    assert contrast(liver, "#262626") > 4.5


def test_fourteen_colours_are_distinct_whatever_their_dashes():
    assert len({*CTV_COLOURS, *OTHER_COLOURS, *ISODOSE_COLOURS}) == 14


@pytest.mark.parametrize("colour", ISODOSE_COLOURS)
def test_isodoses_are_seen_on_ct(colour):
    assert contrast(colour, "#0b0f14") > 3.6


def test_fifteen_organs_look_different():
    roles = {"lesion": "CTV"} | {f"organ {k}": "OAR" for k in range(15)}
    looks = {(style["colour"], tuple(style["dash"])) for style in styles_of(roles).values()}
    assert len(looks) == 16


@pytest.mark.parametrize(
    "side_by_side",
    [
        *(
            ("liver", other)
            for other in ("kidney_right", "gallbladder", "stomach", "lungs", "colon", "duodenum", "ribs")
        ),
        ("liver", "inferior_vena_cava"),
        ("liver", "heart"),
        ("spleen", "kidney_left"),
        ("spleen", "stomach"),
        ("kidney_right", "duodenum"),
        ("kidney_right", "colon"),
        ("lungs", "ribs"),
        ("lungs", "heart"),
    ],
)
def test_organs_that_lie_side_by_side_differ_in_colour(side_by_side):
    first, second = styles_of(dict.fromkeys(side_by_side, "OAR")).values()
    assert first["colour"] != second["colour"]


def test_an_organ_at_risk_keeps_its_look_whatever_else_is_drawn():
    alone = styles_of({"stomach": "OAR"})["stomach"]
    assert styles_of({"spleen": "other", "lesion": "CTV", "stomach": "OAR"})["stomach"] == alone
