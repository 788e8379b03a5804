"""Make this folder's data: python phantoms/water-one-dwell/make.py. Nothing is random.

One dwell of 100 s in endless water, source along +z, 40,700 U. Points: the reference point of TG-43 (1 cm, 90 degrees),
others at 90 degrees, pairs that mirror or turn onto each other, and one on the axis ahead of the tip.
"""

from __future__ import annotations

from pathlib import Path

from hdrplan.sources import load_source

HERE = Path(__file__).parent
STRENGTH_U, TIME_S = 40700.0, 100.0
POINTS = [
    (10, 0, 0),
    (0, 10, 0),
    (-6, 8, 0),
    (20, 0, 0),
    (50, 0, 0),
    (12, 5, 20),
    (5, -12, 20),
    (12, 5, -20),
    (0, 0, 30),
]


def main() -> None:
    """Write dwells, points, and what TG-43 says of them without tables."""
    (HERE / "dwells.csv").write_text(f"x_mm,y_mm,z_mm,tip_x,tip_y,tip_z,time_s\n0,0,0,0,0,1,{TIME_S:g}\n")
    rows = "".join(f"{x},{y},{z}\n" for x, y, z in POINTS)
    (HERE / "points.csv").write_text("x_mm,y_mm,z_mm\n" + rows)
    source = load_source("gammamed-12i")
    reference_gy = source.dose_rate_constant_gy_per_s_per_u * STRENGTH_U * TIME_S
    (HERE / "facts.toml").write_text(
        "# TG-43U1: dose at the reference point (1 cm, 90 degrees) = Lambda x S_K x t, for there every factor is 1.\n"
        'source = "gammamed-12i"\n'
        f"strength_u = {STRENGTH_U!r}\n"
        f"reference_dose_gy = {reference_gy!r}\n"
        "# Rows of points.csv (first is 0) that a turn about the source's axis takes onto each other.\n"
        "equal_rows = [[0, 1, 2], [5, 6]]\n"
    )


main()
