"""Source files nobody meant: each is refused in one clear line, or is a source with sound tables."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdrplan.errors import FormatError, HdrPlanError
from hdrplan.io import read_source
from hdrplan.sources import TG43Source, user_source
from source_book import record, write_xlsx

BASE = record("gammamed-plus")
FIXTURE = Path(__file__).parent / "data" / "estro_layout.xls"
HOSTILE: list[Any] = [
    None, True, 0, -1, 0.35, 180, 1e-300, 1e300, 10**400, float("nan"), float("inf"), "", "1.0", "\u0000\n",
    [], [[]], {}, [None],
]  # fmt: skip


def sound(source: TG43Source) -> None:
    """Whatever is let in has finite, positive, ordered tables."""
    for table in (source.radial_dose, source.anisotropy):
        assert np.isfinite(table).all()
        assert (table > 0.0).all()
    for axis in (source.radial_r_mm, source.anisotropy_r_mm, source.anisotropy_theta_rad):
        assert (np.diff(axis) > 0.0).all()
    assert source.radial_r_mm[-1] >= 200.0
    assert 2e-6 < source.dose_rate_constant_gy_per_s_per_u < 4e-6


def refused_or_sound(read: Any) -> bool:
    """Whether it was refused; fails on any other exception, a long or a broken line."""
    said = ""
    try:
        sound(read())
    except HdrPlanError as error:
        said = str(error)
    assert "\n" not in said
    assert not said or 10 < len(said) < 600
    return bool(said)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths to all entries, at every depth."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield (*path, key)
        yield from places(entry, (*path, key))


# Every key, and of each table its first cells: all cells alike would drown the rest.
PLACES = [p for p in places(BASE) if all(not isinstance(key, int) or key < 3 for key in p)]


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(HOSTILE)), min_size=1, max_size=3))
def test_records_with_hostile_entries(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    spoilt = copy.deepcopy(BASE)
    for path, value in changes:
        target = spoilt
        try:
            for key in path[:-1]:
                target = target[key]
            target[path[-1]] = copy.deepcopy(value)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    refused_or_sound(lambda: user_source(spoilt, where="hostile.json"))


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Cut, overwrite or take out bytes."""
    spoilt = bytearray(content)
    way = rng.random()
    if way < 0.2:
        return bytes(spoilt[: rng.randrange(len(spoilt))])
    for _ in range(rng.choice([1, 2, 8, 64])):
        spoilt[rng.randrange(len(spoilt))] = rng.choice([rng.randrange(256), *b'0.-,;"e\n'])
    if way > 0.85:
        start = rng.randrange(len(spoilt))
        del spoilt[start : start + rng.randrange(1, 200)]
    return bytes(spoilt)


def test_damaged_json(tmp_path: Path) -> None:
    rng, path, text = random.Random(1), tmp_path / "a.json", json.dumps(BASE).encode()
    refused = 0
    for _ in range(150):
        path.write_bytes(damaged(text, rng))
        refused += refused_or_sound(lambda: read_source(path))
    assert refused > 75


def test_damaged_csv(tmp_path: Path) -> None:
    rng = random.Random(2)
    f = BASE["anisotropy"]
    g_rows = [f"{r},{g}" for r, g in zip(BASE["radial_dose"]["r_cm"], BASE["radial_dose"]["g"], strict=True)]
    head = ["# dose_rate_constant_cgy_per_h_per_u = 1.1165", "# active_length_cm = 0.35", "r_cm,g"]
    f_rows = [",".join(map(str, [t, *row])) for t, row in zip(f["theta_deg"], f["f"], strict=True)]
    tables = {
        "a_g.csv": "\n".join([*head, *g_rows]),
        "a_F.csv": "\n".join([",".join(map(str, ["", *f["r_cm"]])), *f_rows]),
    }
    refused = 0
    for _ in range(150):
        for name, text in tables.items():
            (tmp_path / name).write_bytes(damaged(text.encode(), rng) if rng.random() < 0.6 else text.encode())
        refused += refused_or_sound(lambda: read_source(tmp_path / "a_g.csv"))
    assert refused > 50


@pytest.mark.parametrize("ending", ["xlsx", "xls"])
def test_damaged_workbook(ending: str, tmp_path: Path) -> None:
    """Also the kinds of damage that make the compiled reader panic: it runs in a process of its own."""
    rng = random.Random(3)
    whole = FIXTURE.read_bytes() if ending == "xls" else write_xlsx(tmp_path / "whole.xlsx", BASE).read_bytes()
    path = tmp_path / f"a.{ending}"
    for _ in range(20):
        path.write_bytes(damaged(whole, rng))
        refused_or_sound(lambda: read_source(path))


def test_workbook_with_one_cell_at_the_far_corner(tmp_path: Path) -> None:
    """17 thousand million cells lie between the two: refused, not tried."""
    import openpyxl

    book = openpyxl.Workbook()
    book.active["A1"], book.active["XFD1048576"] = 1, 2
    book.save(tmp_path / "corner.xlsx")
    with pytest.raises(FormatError, match="damaged file, another kind, or too large"):
        read_source(tmp_path / "corner.xlsx")
