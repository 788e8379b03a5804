"""The door of TOML and JSON: each look-up gives its type or one clear line."""

from __future__ import annotations

import json
import tomllib
from datetime import datetime

import numpy as np
import pytest

from hdrplan.door import Entries, as_array
from hdrplan.errors import FormatError

TOML = """
name = "liver"
blank = " "
step_mm = 5
far = inf
huge = HUGE
local = true
level = 2
organs = ["stomach", "colon"]
on = 2024-05-31
at = 2024-05-31T12:00:00
text_at = "2024-05-31T12:00"
points = [[0.0, 1.0, 2.0], [3, 4, 5]]
ragged = [[0.0, 1.0, 2.0], [3, 4]]
[source]
strength_u = 40700.0
[[goals]]
goal = "D1cc <= 14 Gy"
[[goals]]
goal = 5
"""
ENTRIES = Entries(tomllib.loads(TOML.replace("HUGE", "1" + 400 * "0")), "case.toml")


def test_values_come_out_as_what_they_are() -> None:
    assert ENTRIES.text("name") == "liver"
    assert ENTRIES.text("absent", "default") == "default"
    assert ENTRIES.text_or_none("absent") is None
    assert ENTRIES.choice("name", ("liver", "lung")) == "liver"
    assert ENTRIES.number("step_mm", between=(0.5, 50.0)) == 5.0
    assert isinstance(ENTRIES.number("step_mm"), float)
    assert ENTRIES.number("absent", default=2.5) == 2.5
    assert ENTRIES.whole("level", between=(0, 100)) == 2
    assert ENTRIES.flag("local") is True
    assert ENTRIES.flag("absent", False) is False
    assert ENTRIES.texts("organs") == ("stomach", "colon")
    assert ENTRIES.moment("on") == datetime(2024, 5, 31)
    assert ENTRIES.moment("at") == ENTRIES.moment("text_at") == datetime(2024, 5, 31, 12)
    assert ENTRIES.table("source").number("strength_u") == 40700.0
    assert list(ENTRIES.table("absent", {})) == []
    assert [list(goal) for goal in ENTRIES.tables("goals")] == [["goal"], ["goal"]]
    np.testing.assert_array_equal(ENTRIES.array("points", (None, 3)), [[0, 1, 2], [3, 4, 5]])
    assert as_array([], "points", "x", shape=(None, 3)).shape == (0, 3)


@pytest.mark.parametrize(
    ("look_up", "says"),
    [
        (lambda e: e.text("step_mm"), "case.toml: step_mm must be text, got 5"),
        (lambda e: e.text("blank"), "case.toml: blank must be text, got ' '"),
        (lambda e: e.text("absent"), "case.toml: absent must be text, got none"),
        (lambda e: e.choice("name", ("lung", "kidney")), "case.toml: name must be one of lung, kidney, got 'liver'"),
        (lambda e: e.number("name"), "case.toml: name must be a finite number, got 'liver'"),
        (lambda e: e.number("local"), "case.toml: local must be a finite number, got True"),
        (lambda e: e.number("far", unit="mm"), "case.toml: far must be a finite number in mm, got inf"),
        (lambda e: e.number("huge"), "case.toml: huge must be a finite number, got a number of more than 300 digits"),
        (
            lambda e: e.number("step_mm", unit="mm", between=(0.1, 2)),
            "case.toml: step_mm must lie between 0.1 and 2 mm, got 5",
        ),
        (lambda e: e.number("step_mm", between=(6, float("inf"))), "case.toml: step_mm must be at least 6, got 5"),
        (lambda e: e.whole("level", between=(0, 1)), "case.toml: level must be a whole number from 0 to 1, got 2"),
        (lambda e: e.whole("local", between=(0, 1)), "local must be a whole number from 0 to 1, got True"),
        (lambda e: e.flag("level"), "case.toml: level must be true or false, got 2"),
        (lambda e: e.moment("name"), "name must be a date and time such as 2024-05-31T12:00:00, got 'liver'"),
        (lambda e: e.items("name"), "case.toml: name must be a list, got 'liver'"),
        (lambda e: e.texts("points"), "case.toml: each of points must be text, got [0.0, 1.0, 2.0]"),
        (lambda e: e.table("name"), "case.toml: name must be a table, got 'liver'"),
        (lambda e: e.table("source").number("name"), "case.toml, source: name must be a finite number, got none"),
        (lambda e: e.tables("goals")[1].text("goal"), "case.toml, goals 2: goal must be text, got 5"),
        (lambda e: e.tables("organs"), "case.toml: organs 1 must be a table, got 'stomach'"),
        (lambda e: e.array("ragged", (None, 3)), "case.toml: ragged[1] must hold 3 numbers, got [3, 4]"),
        (lambda e: e.array("ragged", (None, None)), "case.toml: ragged must hold n x n numbers"),
        (lambda e: e.array("organs", (None,)), "case.toml: organs[0] must be a finite number, got 'stomach'"),
        (
            lambda e: e.table("source").refuse_unknown(("strength", "name")),
            "case.toml, source: known keys are name, strength, got strength_u. Did you mean strength?",
        ),
    ],
)
def test_a_refusal_names_place_key_expectation_and_value(look_up, says: str) -> None:
    with pytest.raises(FormatError) as refusal:
        look_up(ENTRIES)
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_json_passes_the_same_door() -> None:
    entries = Entries(json.loads('{"r_cm": [1, 2.5], "nan": NaN, "none": null}'), "source.json")
    np.testing.assert_array_equal(entries.array("r_cm", (None,)), [1.0, 2.5])
    assert entries.text_or_none("none") is None
    with pytest.raises(FormatError, match="nan must be a finite number, got nan"):
        entries.number("nan")
