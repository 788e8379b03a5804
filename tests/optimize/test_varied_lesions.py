"""A few lesions of benchmarks/certificates.py, on coarse points: every certificate agrees with another solver."""

from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("which", [0, 2, 5, 9])
def test_certificate_agrees_with_another_solver(which, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    assert (ROOT / "benchmarks" / "certificates.py").is_file()
    from benchmarks.certificates import result
    from benchmarks.lesions import varied

    row = result(replace(varied(24)[which], liver_mm=6.0, point_mm=2.0))
    assert row["violation_frac"] == 0.0
    # Price of the stated slacks; larger where a lowered prescription leaves next to no plan to choose from.
    assert row["gap_frac"] < (5e-6 if row["status"] == "prescription lowered" else 1e-6)
    assert row["other_solver_difference_frac"] < 1e-6
