"""What docs/reference/sources.md says of the published data themselves."""

from __future__ import annotations

import numpy as np

from hdrplan.geometry import Dwells
from hdrplan.sources import load_source, source_names
from hdrplan.validate.naive_tg43 import rates


def test_the_12i_is_high_at_one_centimetre() -> None:
    source = load_source("gammamed-12i")
    r_mm, g = source.radial_r_mm, source.radial_dose
    (value,) = g[r_mm == 10.0]
    for farthest_mm in (20.0, 30.0):
        beside = (r_mm >= 5.0) & (r_mm <= farthest_mm) & (r_mm != 10.0)
        for degree in (1, 2):
            smooth = np.polyval(np.polyfit(r_mm[beside], g[beside], degree), 10.0)
            assert 0.0038 < value / smooth - 1.0 < 0.0050


def test_two_data_sets_of_one_source_differ_little() -> None:
    names = [name for name in source_names() if f"{name}-clrp" in source_names()]
    assert len(names) == 6
    at_origin = Dwells(
        positions_mm=[[0.0, 0.0, 0.0]], axes=[[0.0, 0.0, 1.0]], catheter=[0], offset_mm=[0.0], catheter_names=("c",)
    )
    r_mm, theta = np.meshgrid(np.linspace(5.0, 50.0, 46), np.deg2rad(np.arange(20.0, 161.0, 5.0)))
    points = np.stack((r_mm * np.sin(theta), np.zeros_like(r_mm), r_mm * np.cos(theta)), axis=-1).reshape(-1, 3)
    constants, doses = list[float](), list[np.ndarray]()
    for name in names:
        consensus, clrp = load_source(name), load_source(f"{name}-clrp")
        constants.append(clrp.dose_rate_constant_gy_per_s_per_u / consensus.dose_rate_constant_gy_per_s_per_u - 1.0)
        doses.append((rates(at_origin, points, clrp, 1.0) / rates(at_origin, points, consensus, 1.0)).ravel() - 1.0)
    assert 0.0031 < max(map(abs, constants)) < 0.0032
    assert -0.0015 < np.mean(doses) < -0.0005
    assert 0.0025 < np.std(doses) < 0.0035
