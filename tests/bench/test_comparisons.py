"""What the benchmark times is right: the same table feeds both."""

from __future__ import annotations

import numpy as np
import pytest

from hdrplan.bench import COMPARISONS, SIZES, Comparison, bench, deviation, problem
from hdrplan.bench.comparisons import sampled_voxels
from hdrplan.errors import HdrPlanError


@pytest.mark.parametrize("size", ["small", "common"])
@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda c: c.name)
def test_every_comparison_keeps_its_bound(comparison: Comparison, size: str) -> None:
    p = problem(size)
    if (p.field_pairs if comparison.kind == "field" else p.matrix_pairs) > comparison.maximum_pairs:
        pytest.skip("takes too long on this size; the benchmark leaves it out too")
    error = deviation(comparison, p, comparison.run(p))
    assert error.places > 1000
    assert error.largest <= comparison.bound


def test_a_wrong_result_is_seen() -> None:
    comparison, p = COMPARISONS[-1], problem("small")
    result = np.array(comparison.run(p))
    x, y, z = sampled_voxels(p)[0]
    result[z, y, x] *= 1.01
    assert deviation(comparison, p, result).largest == pytest.approx(0.01, rel=0.1)


def test_nothing_wrong_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Comparison(name="wrong", kind="field", run=lambda p: 1.01 * COMPARISONS[-1].run(p), bound=1e-3)
    monkeypatch.setattr("hdrplan.bench.measure.COMPARISONS", (wrong,))
    with pytest.raises(HdrPlanError, match="wrong must agree"):
        bench(["small"], seconds=0.0, start_up=False)


def test_sizes_are_what_they_say() -> None:
    common, huge = problem("common"), problem("huge")
    assert set(SIZES) == {"small", "common", "large", "huge"}
    assert (common.grid.shape_zyx, len(common.dwells)) == ((128, 128, 128), 60)
    assert (huge.grid.shape_zyx, len(huge.dwells)) == ((256, 256, 256), 195)


def test_bench_table() -> None:
    table = bench(["small"], seconds=0.0, start_up=False)
    names = {run["comparison"] for run in table["runs"]}
    assert names == {c.name for c in COMPARISONS}
    assert all(run["cpu_s"] > 0.0 and run["deviation"]["largest"] <= run["bound"] for run in table["runs"])
    assert table["limits"]["1"]["flops"] > 1e8
