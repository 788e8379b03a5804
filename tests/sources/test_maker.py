"""The packaged files are what tools/make_sources.py makes of the collected tables, to the byte."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hdrplan.sources import source_names
from tool_scripts import tool

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.shared
def test_packaged_files_are_made_by_the_maker(shared: Path) -> None:
    maker = tool("make_sources")
    assert {entry.name for entry in maker.ENTRIES} == set(source_names())
    for entry in maker.ENTRIES:
        made = maker.text_of(maker.record_of(entry, shared / "data" / "sources"))
        assert (maker.OUT / f"{entry.name}.json").read_text(encoding="utf-8") == made, entry.name


@pytest.mark.shared
def test_laws_of_far_water_are_made_by_their_maker(shared: Path) -> None:
    maker = tool("make_far_water")
    made, kept = maker.record_of(shared), json.loads(maker.OUT.read_text(encoding="utf-8"))
    assert made.keys() == kept.keys()
    np.testing.assert_allclose(made["g"], kept["g"], atol=2e-5)  # a fit: its last digit is the machine's
    assert made["anisotropy_a_cm"] == pytest.approx(kept["anisotropy_a_cm"], abs=0.11)


@pytest.mark.shared
def test_laws_fitted_to_10_cm_foretell_20_cm(shared: Path) -> None:
    """The numbers of docs/decisions/0010."""
    maker = tool("make_far_water")
    folder = shared / "data" / "sources"
    tables, spectrum = maker.tables_of(folder), maker.spectrum_of(folder)
    off = maker.g_errors_pct(tables, maker.fitted_build_up(tables, spectrum, 2.0, 10.0), spectrum, 10.0, 20.0)
    assert abs(off.mean()) < 0.6
    assert abs(off).max() < 0.9
    off = maker.f_errors_pct(tables, maker.fitted_a_cm(tables, (5.0,), 10.0), 10.0, 20.0)
    assert np.sqrt((off**2).mean()) < 1.1
    assert abs(off).max() < 5.6
