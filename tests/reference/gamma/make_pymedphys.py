"""Reference gammas by PyMedPhys 0.41.0 (Apache-2.0), an independent implementation: run in an environment that has it.

python make_pymedphys.py writes pymedphys_0_41_0.json beside this file. Shells are searched every 1/40 of the distance
criterion; ours searches a lattice of the same step.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

SHAPE = (8, 9, 10)
SPACING_ZYX = (2.5, 2.0, 2.0)


def fields() -> tuple[np.ndarray, np.ndarray]:
    """Reference and evaluated dose: a smooth hill, and one moved by 0.6 mm with 2 % noise."""
    z, y, x = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]].astype(float)

    def hill(shift_mm: float) -> np.ndarray:
        far = ((x - 4.3) * 2.0 - shift_mm) ** 2 + ((y - 4.1) * 2.0) ** 2 + ((z - 3.6) * 2.5) ** 2
        return 2000.0 / (far + 30.0)

    noise = np.random.default_rng(21).standard_normal(SHAPE)
    return hill(0.0), (hill(0.6) * (1 + 0.02 * noise)).astype(np.float32).astype(float)


def main() -> None:
    """Compute and write."""
    import pymedphys

    reference, evaluated = fields()
    axes = tuple(np.arange(n) * step for n, step in zip(SHAPE, SPACING_ZYX, strict=True))
    gamma = pymedphys.gamma(
        axes,
        reference,
        axes,
        evaluated,
        dose_percent_threshold=2,
        distance_mm_threshold=1,
        lower_percent_dose_cutoff=0,
        interp_fraction=40,
        max_gamma=1.5,
        local_gamma=True,
        quiet=True,
    )
    text = json.dumps({"pymedphys": pymedphys.__version__, "gamma": np.round(gamma, 5).ravel().tolist()})
    (Path(__file__).parent / "pymedphys_0_41_0.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
