"""Strength: decay, apparent activity, and the slips of units that must not pass."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hdrplan.errors import InputError
from hdrplan.sources import (
    ApparentActivity,
    Calibration,
    Strength,
    checked_strength_u,
    load_source,
    strength_from_activity_u,
    strength_from_text,
    strength_on_u,
)

START = datetime(2026, 1, 5, 8, 30)


def test_one_half_life_halves() -> None:
    half_life = load_source().half_life_days
    assert half_life == 73.83
    later = START + timedelta(days=half_life)
    assert strength_on_u(40700.0, START, later, half_life_days=half_life) == pytest.approx(20350.0, rel=1e-12)
    # The certificate's reference date may lie after the treatment.
    assert strength_on_u(20350.0, later, START, half_life_days=half_life) == pytest.approx(40700.0, rel=1e-12)


def test_hours_count() -> None:
    # One day is 0.934 %: ln 2 / 73.83.
    assert strength_on_u(40700.0, START, START + timedelta(hours=12)) == pytest.approx(40700.0 * 0.995317, rel=1e-6)


def test_published_half_lives_differ_by_a_fiftieth_of_a_percent_over_90_days() -> None:
    later = START + timedelta(days=90)
    a, b = (strength_on_u(40700.0, START, later, half_life_days=t) for t in (73.83, 73.81))
    assert abs(a / b - 1.0) == pytest.approx(2.3e-4, rel=0.02)


def test_ten_curie_apparent_are_40700_u() -> None:
    assert strength_from_activity_u(10.0, "Ci") == pytest.approx(40700.0, rel=1e-12)
    assert strength_from_activity_u(370.0, "GBq") == pytest.approx(40700.0, rel=1e-12)
    assert strength_from_activity_u(10.0, "Ci", u_per_mci=4.0354) == pytest.approx(40354.0, rel=1e-12)


def test_contained_activity_is_refused() -> None:
    with pytest.raises(InputError, match="contained"):
        strength_from_activity_u(11.2, "Ci", u_per_mci=3.637)
    for text in ("11.2 Ci", "11.2 Ci contained"):
        with pytest.raises(InputError, match="must say that it is the apparent one"):
            strength_from_text(text)


@pytest.mark.parametrize(
    "text", ["40700", "40700 U", " 4.07e4 u", "10 Ci apparent", "370 GBq apparent", "40700 µGy m²/h", "40.7 mGy m2/h"]
)
def test_text(text: str) -> None:
    assert strength_from_text(text).value_u == pytest.approx(40700.0, rel=1e-12)


@pytest.mark.parametrize("text", ["", "U", "40700 kg", "1-2", "nan", "40,700", "10 Ci apparent today"])
def test_text_that_is_no_strength(text: str) -> None:
    with pytest.raises(InputError) as refused:
        strength_from_text(text)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (10.0, "10 Ci apparent"),
        (0.0407, "40700 U"),
        (-1.0, "between 100"),
        (float("nan"), "number"),
        (4.07e6, "between"),
    ],
)
def test_slips(value: float, says: str) -> None:
    with pytest.raises(InputError, match=says):
        checked_strength_u(value)


def test_dates_that_cannot_be_right() -> None:
    with pytest.raises(InputError, match="time zone"):
        strength_on_u(40700.0, START, START.replace(tzinfo=UTC))
    with pytest.raises(InputError, match="Check the year"):
        strength_on_u(40700.0, START, START.replace(year=2028))
    with pytest.raises(InputError, match="half-life"):
        strength_on_u(40700.0, START, START, half_life_days=73.83 * 24)
    with pytest.raises(InputError, match="between 100"):
        strength_on_u(1000.0, START, START + timedelta(days=390))


def test_a_strength_is_that_of_its_facts() -> None:
    calibration = Calibration(40700.0, START)
    strength = Strength.decayed(calibration, START + timedelta(days=73.83))
    assert strength.value_u == pytest.approx(20350.0, rel=1e-12)
    assert strength.decay_factor == pytest.approx(0.5, rel=1e-12)
    assert Strength(40700.0).decay_factor == 1.0
    with pytest.raises(InputError, match="must be the 20350 U of its calibration"):
        Strength(40700.0, strength.time, calibration)
    with pytest.raises(InputError, match="needs the time of treatment"):
        Strength(40700.0, origin=calibration)


def test_text_keeps_an_activity() -> None:
    assert strength_from_text("370 GBq apparent").origin == ApparentActivity(pytest.approx(1e4))
    assert strength_from_text("40700 U") == Strength(40700.0)


@pytest.mark.parametrize("value_u", [-5.0, 0.0, 99.0, 100_001.0, float("nan")])
def test_a_strength_that_no_source_has(value_u: float) -> None:
    with pytest.raises(InputError):
        Strength(value_u)
