"""Points of a DVH that the page draws: far enough apart to be seen, by the definition in arrays."""

import numpy as np

from hdrplan.report.data import Curve
from hdrplan.report.svg import thinned


def test_points_that_are_kept_are_those_of_the_definition() -> None:
    rng = np.random.default_rng(5)
    for n, gy_max, apart_px in ((400, 50.0, 0.5), (400, 50.0, 0.05), (30, 200.0, 8.0)):
        dose = np.sort(np.concatenate(([0.0], rng.uniform(0.0, 90.0, n))))
        frac = np.sort(np.concatenate(([1.0], rng.uniform(0.0, 1.0, n))))[::-1]
        found = thinned(Curve(name="a", role="CTV", dose_gy=dose, volume_frac=frac, volume_cc=1.0), gy_max, apart_px)
        whole = np.column_stack((dose, frac))[dose <= gy_max]
        if dose[-1] > gy_max:
            whole = np.vstack((whole, [gy_max, np.interp(gy_max, dose, frac)]))
        pixels, kept = whole * [720 / gy_max, 340], [0]
        for k in range(1, len(whole) - 1):
            if np.abs(pixels[k] - pixels[kept[-1]]).max() >= apart_px:
                kept.append(k)
        np.testing.assert_array_equal(found, whole[[*kept, len(whole) - 1]])
        assert 2 < len(found) <= len(whole)
