"""Every packaged source loads, is complete, and is found by its names."""

from __future__ import annotations

import numpy as np
import pytest

from hdrplan.errors import InputError
from hdrplan.sources import load_source, source_aliases, source_names


@pytest.mark.parametrize("name", source_names())
def test_loads_complete(name: str) -> None:
    source = load_source(name)
    assert source.name == name
    assert source.citation
    assert source.provenance
    assert np.interp(10.0, source.radial_r_mm, source.radial_dose) == pytest.approx(1.0, abs=1e-6)
    assert source.radial_r_mm[-1] >= 200.0
    assert source.anisotropy_r_mm[-1] >= 200.0
    assert source.anisotropy_theta_rad[0] == 0.0
    assert source.anisotropy_theta_rad[-1] == pytest.approx(np.pi)
    assert (source.anisotropy > 0.0).all()


def test_default_is_the_gammamed_12i() -> None:
    assert load_source() is load_source("gammamed-12i")
    assert source_names()[0] == "gammamed-12i"
    # 1.117 cGy / h / U, published
    assert load_source().dose_rate_constant_gy_per_s_per_u == pytest.approx(1.117 / 100.0 / 3600.0, rel=1e-12)
    assert load_source().active_length_mm == pytest.approx(3.5)


@pytest.mark.parametrize(
    ("said", "meant"), [("GammaMed_12i", "gammamed-12i"), ("microselectron V2r", "microselectron-v2"), ("M19", "m-19")]
)
def test_aliases(said: str, meant: str) -> None:
    assert load_source(said).name == meant


def test_aliases_do_not_hide_names() -> None:
    assert not set(source_aliases()) & set(source_names())


def test_unknown_name_tells_the_nearest() -> None:
    with pytest.raises(InputError, match=r"unknown source, got 'gamamed-12i'\. Did you mean gammamed-12i"):
        load_source("gamamed-12i")
    with pytest.raises(InputError, match="Known sources: gammamed-12i"):
        load_source("zzz")
