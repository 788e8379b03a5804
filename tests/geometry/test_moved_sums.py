"""Sums under a moved shape, against the sums themselves."""

import subprocess
import sys

import numpy as np
import pytest

from hdrplan.geometry import moved_sums


@pytest.mark.parametrize(
    ("field_zyx", "shape_zyx"), [((7, 11, 6), (3, 4, 1)), ((5, 5, 5), (5, 5, 5)), ((13, 2, 1), (2, 1, 1))]
)
def test_equal_the_sums_at_every_place(field_zyx: tuple[int, ...], shape_zyx: tuple[int, ...]) -> None:
    rng = np.random.default_rng(sum(field_zyx))
    fields = [rng.normal(size=field_zyx), rng.random(field_zyx) > 0.5]
    shapes = [rng.random(shape_zyx) > 0.3, rng.normal(size=shape_zyx)]
    sums = moved_sums(fields, shapes)
    places = tuple(n - m + 1 for n, m in zip(field_zyx, shape_zyx, strict=True))
    assert sums.shape == (2, 2, *places)
    for place in np.ndindex(places):
        window = tuple(slice(k, k + m) for k, m in zip(place, shape_zyx, strict=True))
        direct = [[float((field[window] * shape).sum()) for shape in shapes] for field in fields]
        assert np.allclose(sums[(..., *place)], direct, rtol=0, atol=1e-12)


def test_a_plan_does_not_load_the_statistics_of_scipy() -> None:
    code = "import sys, hdrplan.workflow.plan, hdrplan.io.case.read, hdrplan.report.plan; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"scipy.ndimage", "hdrplan.plausibility.lesions"} <= set(loaded)
    assert not {"scipy.stats", "scipy.signal", "scipy.optimize", "matplotlib"} & set(loaded)
