"""Random shapes and implants: no point colder than proven, no plan below the bound, by other code than that of hdrplan.

The larger run is ``python -m benchmarks.shape_attack``.
"""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.shape_attack import SOURCE, STRENGTH_U, attack, rates

from hdrplan.dose import dose_rate
from hdrplan.geometry import Dwells
from hdrplan.sources import load_source
from tolerances import FLOAT32_SUM


def test_the_dose_of_the_attack_is_that_of_the_engine() -> None:
    rng, source = np.random.default_rng(2), load_source(SOURCE)
    axes = rng.normal(size=(6, 3))
    dwells = Dwells(
        positions_mm=rng.uniform(-20.0, 20.0, (6, 3)),
        axes=axes / np.linalg.norm(axes, axis=1)[:, None],
        catheter=np.zeros(6, dtype=int),
        offset_mm=np.arange(6.0),
        catheter_names=("c",),
    )
    points = rng.uniform(-30.0, 30.0, (500, 3))
    points = points[np.linalg.norm(points[:, None] - dwells.positions_mm, axis=2).min(axis=1) > 4.0]
    engine = dose_rate(dwells, points, source, strength_u=STRENGTH_U).gy_per_s
    np.testing.assert_allclose(rates(dwells, points, source), engine, rtol=1e-9)


# Sample points that lay outside the shape put the bound of 11 (a cone) 2.2 % and that of 14 (a plate) 2.5 % above plans
# that the proof accepted. 2 is a horseshoe on voxels of three edges, 8 has two parts on voxels of 5 mm.
@pytest.mark.parametrize("seed", [2, 8, 11, 14])
def test_an_attack_finds_nothing(seed: int) -> None:
    found = attack(seed, count=1500)
    assert found["outside"] == 0
    assert found["proven"]
    assert found["proven_gy"] >= 20.0 * (1 - 1e-9)
    assert found["coldest_gy"] >= found["proven_gy"] * (1 - FLOAT32_SUM)
    # What is proven of random times lies below every known point, and asking for more is refused.
    assert found["random_refused"]
    assert found["random_proven_frac"] <= 1 + FLOAT32_SUM
    # A plan that the proof accepts cannot lie below the bound; and the attack comes close enough to tell.
    assert found["rival_over_bound"] >= -FLOAT32_SUM
    assert found["rival_over_bound"] < 0.005
