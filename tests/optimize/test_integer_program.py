"""The benchmark that asks an integer program for the optima under dose-volume goals, on its quickest hard case."""

import pytest
from benchmarks.integer_program import CASES, Small, agrees, result, table


def test_plan_and_bound_meet_at_the_optimum_of_an_integer_program():
    """The bound ended 0.5 % below the plan after 1,001 regions: it let four points of 0.125 cc be less than 0.5 cc."""
    case = Small(seed=4, organs=1, limit_frac=0.95, step_mm=5.0)
    assert case in CASES
    row = result(case)
    assert agrees(row)
    assert row["exact_gy"] == pytest.approx(row["plan_gy"], rel=2e-5)
    assert row["bound_gy"] >= row["plan_gy"] * (1 - 1.01e-3)
    assert row["regions"] < 20
    assert table([row]).endswith(f"| yes | {row['regions']} | {row['processor_s']:.0f} | {row['integer_s']:.0f} |")
    wrong = row | {"bound_gy": row["exact_gy"] * 1.001}
    assert not agrees(wrong)
    assert agrees(wrong | {"exact_gy": None})
