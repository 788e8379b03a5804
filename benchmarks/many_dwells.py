"""Random sessions of several CTVs with hundreds of dwells: what large sessions do differently is at work in them.

``python -m benchmarks.many_dwells [-n 40] [--first-seed 0]`` plans them and looks in each CTV for a point colder than
the bound of D100: 60,000 random points, and from the coldest 300 of them ways down. ``python -m benchmarks.plan_attack
--many`` has their folders checked by other code, which takes minutes each. From 300 dwells on each CTV is planned by
itself first, points that are nearly cold join, and programs begin where the last one ended. Half of the cases keep
their rates in single precision, which only much larger ones do by themselves; two thirds have room for few of the
bounds that are kept.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.odd_shapes import FORMS
from benchmarks.record import command_line, measured
from hdrplan.dose import Shape, dose_at_points, kept_bounds, rate_blocks, shape_of
from hdrplan.errors import HdrPlanError
from hdrplan.geometry import Grid, Volume
from hdrplan.io import read_case, write_volume
from hdrplan.optimize import EveryPoint
from hdrplan.options import PlanOptions
from hdrplan.workflow import plan_case

__all__ = ["many_case", "many_flags"]

_LIVER, _ORGAN, _FIRST_CTV = 1, 2, 3
_HALF_MM = np.array([80.0, 60.0, 50.0])
_SPACINGS_MM = ((1.0, 1.0, 1.0), (1.0, 1.0, 2.5), (0.8, 0.8, 3.0), (2.0, 2.0, 2.0))
# Middles of lesions, mm; those of two of them touch or not, as their forms are.
_MIDDLES_MM = ((-38.0, -12.0, 0.0), (0.0, 16.0, 8.0), (36.0, -10.0, -6.0), (-4.0, -24.0, -14.0))
_LEAST_DWELLS = 300
_POINTS, _WAYS, _WAY_STEPS_MM, _TRIES = 60_000, 300, (1.0, 0.3, 0.1, 0.03, 0.01), 12
_SINGLE_FROM, _KEPT_BYTES = rate_blocks.SINGLE_FROM_BYTES, (115 << 20, 2 << 20, 1 << 16)

_HEAD = """name = "many dwells"
ct = "ct.nii.gz"
catheters = "catheters.json"
healthy = "liver"
[source]
name = "gammamed-12i"
strength_u = 40700.0
[dwells]
step_mm = 1.0
[[structures]]
file = "labels.nii.gz"
names = "labels.json"
"""


def many_case(folder: Path, rng: np.random.Generator) -> list[str]:
    """Write a random case; return the names of its CTVs.

    Parameters
    ----------
    folder : Path
        Made here.
    rng : Generator
        Also says in which precision rates are kept, and how many bounds are.
    """
    rate_blocks.SINGLE_FROM_BYTES = 0 if rng.random() < 0.5 else _SINGLE_FROM
    kept_bounds._KEPT_BYTES = int(rng.choice(_KEPT_BYTES))
    spacing = np.array(_SPACINGS_MM[rng.integers(len(_SPACINGS_MM))])
    shape_xyz = np.ceil(2 * _HALF_MM / spacing).astype(int)
    grid = Grid(shape_zyx=tuple(shape_xyz[::-1].tolist()), origin_mm=-spacing * (shape_xyz - 1) / 2, spacing_mm=spacing)
    mm = grid.points_mm().reshape(*grid.shape_zyx, 3)
    labels = np.zeros(grid.shape_zyx, dtype=np.uint8)
    labels[np.linalg.norm(mm / _HALF_MM, axis=-1) < 0.97] = _LIVER
    ctvs: list[str] = []
    lines: list[list[list[float]]] = []
    for k, middle in enumerate(_MIDDLES_MM[: int(rng.integers(2, 5))]):
        inside = _lesion(mm - middle, rng) & (labels < _FIRST_CTV)
        if not inside.any():
            continue
        labels[inside] = _FIRST_CTV + k
        ctvs.append(f"ctv {k + 1}")
        lines += _catheters(mm[inside], rng)
    # 10 mm of catheter lie outside on either side of a lesion; the rest of the dwells are made by more of them.
    while 20 * len(lines) < _LEAST_DWELLS:
        lines += _catheters(mm[labels >= _FIRST_CTV], rng)
    away = rng.normal(size=3) * (1.0, 1.0, 0.4)
    ball = np.linalg.norm(mm - 40.0 * away / np.linalg.norm(away), axis=-1) < rng.uniform(6.0, 12.0)
    labels[ball & (labels < _FIRST_CTV)] = _ORGAN
    folder.mkdir()
    write_volume(folder / "ct.nii.gz", Volume(grid, np.zeros(grid.shape_zyx, dtype=np.int16)))
    write_volume(folder / "labels.nii.gz", Volume(grid, labels))
    present = {_LIVER: "liver", _ORGAN: "organ"} | {_FIRST_CTV + int(name[4:]) - 1: name for name in ctvs}
    (folder / "labels.json").write_text(json.dumps(present))
    rows = [{"name": f"c{k}", "hub_to_tip_mm_lps": line} for k, line in enumerate(lines)]
    (folder / "catheters.json").write_text(json.dumps(rows))
    (folder / "case.toml").write_text(_case_toml(ctvs, rng))
    return ctvs


def _lesion(mm: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return where an ellipsoid is, as most lesions are, or an odd form."""
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    if rng.random() < 0.6:
        return np.linalg.norm(mm @ turn / rng.uniform(7.0, 15.0, 3), axis=-1) <= 1.0
    inside = FORMS[str(rng.choice(list(FORMS)))](*np.moveaxis(mm @ turn, -1, 0))
    return inside if inside.sum() >= 8 else np.linalg.norm(mm, axis=-1) < 6.0


def _catheters(places_mm: np.ndarray, rng: np.random.Generator) -> list[list[list[float]]]:
    """Return nearly parallel catheters through points of a lesion, hub to tip."""
    main = rng.normal(size=3)
    lines = []
    for _ in range(int(rng.integers(3, 7))):
        axis = main / np.linalg.norm(main) + 0.1 * rng.normal(size=3)
        axis /= np.linalg.norm(axis)
        at = places_mm[rng.integers(len(places_mm))]
        lines.append([(at - 45.0 * axis).tolist(), (at + rng.uniform(6.0, 14.0) * axis).tolist()])
    return lines


def _case_toml(ctvs: list[str], rng: np.random.Generator) -> str:
    goals = [("organ", f"D1cc <= {rng.uniform(4.0, 14.0):.1f} Gy", int(rng.integers(2)))]
    if rng.random() < 0.5:
        goals += [("liver", f"V10Gy <= {rng.uniform(15.0, 60.0):.0f} %", 1)]
    text = _HEAD + '[roles]\nliver = "other"\norgan = "OAR"\n' + "".join(f'"{name}" = "CTV"\n' for name in ctvs)
    text += "[prescription_gy]\n" + "".join(f'"{name}" = {rng.choice([15.0, 20.0, 25.0])}\n' for name in ctvs)
    for structure, goal, level in goals:
        text += f'[[goals]]\nstructure = "{structure}"\ngoal = "{goal}"\nlevel = {level}\nsource = "attack"\n'
    return text


def many_flags(rng: np.random.Generator) -> list[str]:
    """Options of a plan, few of them: what is attacked is the search for the best times."""
    flags = ["--proof", "3", "--time-step", str(rng.choice(["0.1", "0"]))]
    return [*flags, "--transit-speed", "100"] if rng.random() < 0.2 else flags


def coldest_gy(shape: Shape, dose_gy: Callable[[np.ndarray], np.ndarray], rng: np.random.Generator) -> float:
    """Return the lowest dose of a dense search of a structure: random points, and ways down from the coldest.

    Parameters
    ----------
    shape : Shape
    dose_gy : callable
        Of points, (n, 3) in mm.
    rng : Generator
    """
    grid = shape.grid
    size = np.array(shape.level_zyx.shape[::-1]) - 1.0
    drawn = grid.world(rng.uniform(0.0, 1.0, (_POINTS, 3)) * size)
    at = drawn[shape.holds(drawn)]
    gy = dose_gy(at)
    order = np.argsort(gy)[:_WAYS]
    at, gy = at[order], gy[order]
    for step_mm in _WAY_STEPS_MM:
        for _ in range(_TRIES):
            there = at + step_mm * rng.normal(size=at.shape)
            held = shape.holds(there)
            new = np.full(len(at), np.inf)
            new[held] = dose_gy(there[held])
            better = new < gy
            at[better], gy[better] = there[better], new[better]
    return float(gy.min())


def searched(seed: int) -> dict:
    """Plan one case, and look for a colder point in each CTV than is proven."""
    rng = np.random.default_rng(seed)
    work = Path(tempfile.mkdtemp(prefix="many-dwells-"))
    try:
        names = many_case(work / "case", rng)
        file = read_case(work / "case")
        options = PlanOptions(**file.options, proof_s=3.0)
        single = rate_blocks.SINGLE_FROM_BYTES == 0
        row: dict = {"seed": seed, "ctvs": len(names), "single": single}
        try:
            result = plan_case(file.case, file.goals, file.source, file.strength, options=options)
        except HdrPlanError as error:
            return row | {"refused": str(error)}
    finally:
        shutil.rmtree(work)
    plan = result.plan

    def dose_gy(points_mm: np.ndarray) -> np.ndarray:
        return dose_at_points(plan.dwells, plan.times_s, points_mm, plan.source, strength_u=plan.strength_u).gy

    proven = {note.structure: note.minimum_gy for note in result.optimum.notes if isinstance(note, EveryPoint)}
    finished = [note.finished for note in result.optimum.notes if isinstance(note, EveryPoint)]
    found = {name: coldest_gy(shape_of(file.case.structure(name)), dose_gy, rng) for name in names}
    over = {name: found[name] / proven[name] - 1.0 for name in names}
    return row | {
        "dwells": len(plan.dwells),
        "finished": sum(finished),
        "found_over_proven": over,
        "false": [name for name in names if over[name] < -1e-9],
    }


def main() -> None:
    parser = command_line(__doc__, "many_dwells")
    parser.add_argument("-n", type=int, default=40)
    parser.add_argument("--first-seed", type=int, default=0)
    given = parser.parse_args()
    seeds = range(given.first_seed, given.first_seed + given.n)
    rows = [r for r in measured(given, (partial(searched, seed) for seed in seeds))["rows"] if "dwells" in r]
    over = [x for r in rows for x in r["found_over_proven"].values()]
    print(
        f"{len(rows)} plans, {sum(r['single'] for r in rows)} of them with rates in single precision; "
        f"{min(r['dwells'] for r in rows)} to {max(r['dwells'] for r in rows)} dwells; {len(over)} CTVs, "
        f"{sum(r['finished'] for r in rows)} proven; colder than proven: {sum(len(r['false']) for r in rows)}; "
        f"coldest point found above the bound by {100 * min(over):.4f} to {100 * max(over):.3f} %"
    )


if __name__ == "__main__":
    main()
