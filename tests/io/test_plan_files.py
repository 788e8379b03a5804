"""plan.json: the source and the strength travel with the plan."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from demo_case import small_plan
from hdrplan.errors import FormatError, InputError
from hdrplan.io import read_plan, read_source, write_plan
from hdrplan.plan import Plan
from hdrplan.sources import (
    ApparentActivity,
    Calibration,
    Strength,
    TG43Source,
    load_source,
    packaged_sha256,
    source_names,
)


def there_and_back(folder: Path, plan: Plan) -> Plan:
    write_plan(folder / "plan.json", plan, "case")
    return read_plan(folder)


def assert_same(a: TG43Source, b: TG43Source) -> None:
    for field in fields(TG43Source):
        if field.name != "along_away":
            np.testing.assert_array_equal(getattr(a, field.name), getattr(b, field.name), err_msg=field.name)
    if a.along_away is None or b.along_away is None:
        assert a.along_away is b.along_away
        return
    for name in ("along_mm", "away_mm", "gy_per_s_per_u"):
        np.testing.assert_array_equal(getattr(a.along_away, name), getattr(b.along_away, name), err_msg=name)


@pytest.mark.parametrize("name", source_names())
def test_a_packaged_source_is_a_name_and_a_hash(name: str, tmp_path: Path) -> None:
    plan = replace(small_plan(), source=load_source(name))
    assert there_and_back(tmp_path, plan).source is plan.source
    stored = json.loads((tmp_path / "plan.json").read_text())["source"]
    assert stored == {"name": name, "sha256": packaged_sha256(name)}


@pytest.mark.parametrize("name", source_names())
def test_any_other_source_stands_in_the_plan_to_the_last_bit(name: str, tmp_path: Path) -> None:
    own = replace(load_source(name), name="mine", kind="user")
    assert_same(there_and_back(tmp_path, replace(small_plan(), source=own)).source, own)
    # Cut out of the plan, it is a source file.
    stored = json.loads((tmp_path / "plan.json").read_text())["source"]
    (tmp_path / "mine.json").write_text(json.dumps(stored), encoding="utf-8")
    assert_same(read_source(tmp_path / "mine.json"), own)


def test_a_source_that_only_has_the_name_of_a_packaged_one_is_not_taken_for_it(tmp_path: Path) -> None:
    own = replace(load_source(), active_length_mm=3.0)
    assert there_and_back(tmp_path, replace(small_plan(), source=own)).source.active_length_mm == 3.0


def test_every_packaged_source_has_its_own_hash() -> None:
    assert len({packaged_sha256(name) for name in source_names()}) == len(source_names())


@pytest.mark.parametrize(
    "strength",
    [
        Strength(40700.0),
        Strength(40700.0, datetime(2026, 2, 16, 14, 30, 5)),
        Strength.decayed(Calibration(43210.987, datetime(2026, 1, 5, 8, 30), 73.81), datetime(2026, 2, 16, 14, 0)),
        Strength.of_activity(ApparentActivity(9876.54321, 4.0354)),
    ],
)
def test_a_strength_keeps_the_facts_it_came_from(strength: Strength, tmp_path: Path) -> None:
    assert there_and_back(tmp_path, replace(small_plan(), strength=strength)).strength == strength


def test_a_plan_has_a_strength_that_a_source_can_have() -> None:
    with pytest.raises(InputError, match="between 100 and 100,000 U"):
        replace(small_plan(), strength=Strength(-5.0))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"radial_dose": [1.0]}, "radial_dose must have shape"),
        ({"radial_r_mm": [[0.0, 10.0]]}, r"radial_r_mm\[0\] must be a finite number"),
        ({"anisotropy_filled": [[0, 1]]}, "true and false"),
        ({"anisotropy_theta_rad": None}, "anisotropy_theta_rad must be a list"),
        ({"active_length_mm": 0.35e3}, "active_length_mm must lie between"),
        ({"kind": "own"}, "kind must be one of"),
        ({"capsule": {}}, "radius_mm must be a finite number"),
        ({"along_away": {"along_mm": [1.0], "away_mm": [1.0], "gy_per_s_per_u": [None]}}, "must be a list"),
        ({"along_away": {"along_mm": [1.0], "away_mm": [1.0], "gy_per_s_per_u": [[1.0, 2.0]]}}, "must have shape"),
    ],
)
def test_a_broken_source_in_a_plan_is_refused(change: dict[str, object], says: str, tmp_path: Path) -> None:
    write_plan(tmp_path / "plan.json", replace(small_plan(), source=replace(load_source(), name="mine")), "case")
    table = json.loads((tmp_path / "plan.json").read_text())
    table["source"] |= change
    (tmp_path / "plan.json").write_text(json.dumps(table), encoding="utf-8")
    with pytest.raises(FormatError, match=says) as refused:
        read_plan(tmp_path)
    assert "plan.json" in str(refused.value)
