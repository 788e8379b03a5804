from __future__ import annotations

import pytest

from hdrplan.errors import InputError
from hdrplan.metrics import (
    conformal_index,
    coverage_index,
    dose_homogeneity_index,
    dose_nonuniformity_ratio,
    external_volume_index,
    healthy_tissue_conformity_index,
    overdose_index,
    pitv,
)


def test_one_implant_by_hand() -> None:
    # Target 40 cc, 36 cc of it inside the reference isodose of 48 cc; V150 18 cc, V200 9 cc.
    assert coverage_index(36, 40) == pytest.approx(0.9)
    assert healthy_tissue_conformity_index(36, 48) == pytest.approx(0.75)
    assert conformal_index(36, 40, 48) == pytest.approx(0.675)
    # Paddick 2000: TV_PIV^2 / (TV x PIV) is the same number.
    assert conformal_index(36, 40, 48) == pytest.approx(36**2 / (40 * 48))
    assert conformal_index(36, 40, 48, organs_beyond_limit_frac=[0.1, 0.5]) == pytest.approx(0.675 * 0.9 * 0.5)
    assert pitv(48, 40) == pytest.approx(1.2)
    assert external_volume_index(12, 40) == pytest.approx(0.3)
    assert dose_nonuniformity_ratio(36, 18) == pytest.approx(0.5)
    assert dose_homogeneity_index(36, 18) == pytest.approx(0.5)
    assert overdose_index(9, 36) == pytest.approx(0.25)


def test_perfect_and_absent_isodoses() -> None:
    assert conformal_index(40, 40, 40) == 1.0
    assert conformal_index(0, 40, 0) == 0.0
    assert dose_homogeneity_index(0, 0) == 0.0


def test_a_part_larger_than_its_whole_is_refused() -> None:
    with pytest.raises(InputError, match="must not be larger"):
        coverage_index(41, 40)
    with pytest.raises(InputError, match="must not be larger"):
        dose_homogeneity_index(10, 12)
    with pytest.raises(InputError, match="above 0 cc"):
        pitv(10, 0)
    with pytest.raises(InputError, match="between 0 and 1"):
        conformal_index(36, 40, 48, organs_beyond_limit_frac=[10.0])
    # The same weights summed in another order do not count as larger.
    assert coverage_index(40 * (1 + 1e-12), 40) == 1.0
