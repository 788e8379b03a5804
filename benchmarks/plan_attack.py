"""Search for a false statement in the folders of plans: random cases and options, each folder checked by other code.

``python -m benchmarks.plan_attack [-n 40] [--first-seed 0] [-o benchmarks/results/plan_attack.json]
[--write docs/measurements/optimiser.md] [--wide | --levels | --many]``

One or two odd lesions (plates, horseshoes, tips, needles, shells, rings), on voxels of 1 to 5 mm, an organ beside them,
one to three catheters each. Options at random: moving source, steps of 0.1 and 1 s or none, shortest dwells, ratios of
neighbouring times, other sources, fewest dwells, limits on the organ as Dmax, D1cc, D0.1cc or mean dose, some of them
so low that prescriptions give way, and conformity. ``hdrplan plan`` writes the folder; ``hdrplan validate CASE --plan``
computes all of it again, searches each lesion for points below the proven dose, and looks with a linear program of its
own for a plan below the stated bound. With ``--wide`` cases and options are those of
:mod:`benchmarks.wide_cases`: oblique grids far from zero, single voxels, sheets, touching CTVs, goals on CTVs; with
``--levels`` CTVs also have goals of several levels, beyond their prescription, and some prescriptions do not count;
with ``--many`` two to four CTVs have at least 300 dwells (:mod:`benchmarks.many_dwells`).
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from click.testing import CliRunner

from benchmarks.many_dwells import many_case, many_flags
from benchmarks.odd_shapes import FORMS
from benchmarks.record import command_line, measured, put_table
from benchmarks.wide_cases import levels_case, wide_case, wide_flags
from hdrplan.cli import cli
from hdrplan.errors import HdrPlanError
from hdrplan.geometry import Grid, Volume
from hdrplan.io import write_volume

_SPACINGS_MM = ((1.0, 1.0, 1.0), (1.0, 1.0, 2.5), (0.8, 0.8, 5.0), (2.0, 1.0, 4.0), (3.0, 3.0, 3.0))
_LIVER, _ORGAN, _FIRST_CTV = 1, 2, 3
_HALF_MM = np.array([62.0, 45.0, 42.0])

_HEAD = """name = "attack"
ct = "ct.nii.gz"
catheters = "catheters.json"
healthy = "liver"
[source]
name = "{source}"
strength_u = 40700.0
[dwells]
step_mm = 5.0
[[structures]]
file = "labels.nii.gz"
names = "labels.json"
"""


def write_case(folder: Path, rng: np.random.Generator) -> list[str]:
    """Write a random case; return the names of its CTVs."""
    spacing = np.array(_SPACINGS_MM[rng.integers(len(_SPACINGS_MM))])
    shape_xyz = np.ceil(2 * _HALF_MM / spacing).astype(int)
    grid = Grid(shape_zyx=tuple(shape_xyz[::-1].tolist()), origin_mm=-spacing * (shape_xyz - 1) / 2, spacing_mm=spacing)
    z, y, x = np.meshgrid(*(np.arange(n) for n in grid.shape_zyx), indexing="ij")
    mm = np.stack((x, y, z), axis=-1) * spacing + grid.origin_mm
    labels = np.zeros(grid.shape_zyx, dtype=np.uint8)
    labels[np.linalg.norm(mm / _HALF_MM, axis=-1) < 0.97] = _LIVER
    centres = [np.zeros(3)] if rng.random() < 0.6 else [np.array([-22.0, 0.0, 0.0]), np.array([22.0, 4.0, 2.0])]
    ctvs, catheters = [], []
    for k, centre in enumerate(centres):
        form = str(rng.choice(list(FORMS)))
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        inside = FORMS[form](*np.moveaxis((mm - centre) @ turn, -1, 0))
        if inside.sum() < 8:
            inside = np.linalg.norm(mm - centre, axis=-1) < 6.0
        labels[inside] = _FIRST_CTV + k
        ctvs.append(f"ctv {k + 1}")
        places = mm[inside]
        for _ in range(rng.integers(1, 4)):
            axis = rng.normal(size=3)
            axis /= np.linalg.norm(axis)
            at = places[rng.integers(len(places))]
            catheters.append([(at - 34.0 * axis).tolist(), at.tolist(), (at + rng.uniform(8.0, 16.0) * axis).tolist()])
    away = rng.normal(size=3) * (1.0, 1.0, 0.4)
    ball = np.linalg.norm(mm - 31.0 * away / np.linalg.norm(away), axis=-1) < rng.uniform(6.0, 11.0)
    labels[ball & (labels < _FIRST_CTV)] = _ORGAN
    folder.mkdir()
    write_volume(folder / "ct.nii.gz", Volume(grid, np.zeros(grid.shape_zyx, dtype=np.int16)))
    write_volume(folder / "labels.nii.gz", Volume(grid, labels))
    names = {_LIVER: "liver", _ORGAN: "organ"} | {_FIRST_CTV + k: name for k, name in enumerate(ctvs)}
    (folder / "labels.json").write_text(json.dumps(names))
    lines = [{"name": f"c{k}", "hub_to_tip_mm_lps": line} for k, line in enumerate(catheters)]
    (folder / "catheters.json").write_text(json.dumps(lines))
    (folder / "case.toml").write_text(_case_toml(ctvs, rng))
    return ctvs


def _case_toml(ctvs: list[str], rng: np.random.Generator) -> str:
    goals = [("organ", f"Dmax <= {rng.uniform(3.0, 12.0):.1f} Gy", 0)] if rng.random() < 0.3 else []
    goals += [("organ", f"D{rng.choice(['1', '0.1'])}cc <= {rng.uniform(2.0, 10.0):.1f} Gy", rng.integers(2))]
    if rng.random() < 0.3:
        goals += [("liver", f"Dmean <= {rng.uniform(1.0, 8.0):.1f} Gy", 1)]
    if rng.random() < 0.2:
        goals += [(ctvs[0], "COIN >= 0.5", 2)]
    text = _HEAD.format(source=rng.choice(["gammamed-12i", "microselectron-v2", "flexisource", "vs2000"]))
    text += '[roles]\nliver = "other"\norgan = "OAR"\n' + "".join(f'"{name}" = "CTV"\n' for name in ctvs)
    text += "[prescription_gy]\n" + "".join(f'"{name}" = {rng.choice([15.0, 20.0, 25.0])}\n' for name in ctvs)
    for structure, goal, level in goals:
        text += f'[[goals]]\nstructure = "{structure}"\ngoal = "{goal}"\nlevel = {level}\nsource = "attack"\n'
    return text


def plain_flags(rng: np.random.Generator) -> list[str]:
    flags = ["--proof", "3", "--time-step", str(rng.choice(["0.1", "1", "0"]))]
    if rng.random() < 0.35:
        flags += ["--transit-speed", str(rng.choice(["20", "100", "300"]))]
    if rng.random() < 0.3:
        flags += ["--min-dwell", str(rng.choice(["1", "3"]))]
    if rng.random() < 0.25:
        flags += ["--time-ratio", str(rng.choice(["1.5", "3"]))]
    if rng.random() < 0.2:
        flags += ["--fewest-dwells"]
    return flags


_KINDS: dict[str, tuple[Callable[..., list[str]], Callable[..., list[str]]]] = {
    "plain": (write_case, plain_flags),
    "wide": (wide_case, wide_flags),
    "levels": (levels_case, wide_flags),
    "many": (many_case, many_flags),
}


def attack(seed: int, kind: str = "plain") -> dict:
    """Plan one random case with random options, and let its folder be checked."""
    rng = np.random.default_rng(seed)
    work = Path(tempfile.mkdtemp(prefix="plan-attack-"))
    case, out, runner = work / "case", work / "out", CliRunner()
    made, options = _KINDS[kind]
    ctvs, flags = made(case, rng), options(rng)
    planned = runner.invoke(cli, ["plan", str(case), *flags, "-o", str(out), "--quiet"])
    row = {"seed": seed, "ctvs": len(ctvs), "flags": " ".join(flags), "planned": planned.exit_code}
    if isinstance(planned.exception, HdrPlanError):
        shutil.rmtree(work)
        return row | {"refused": str(planned.exception)}
    if planned.exception is not None:
        raise planned.exception
    checked = runner.invoke(cli, ["validate", str(case), "--plan", str(out), "--json"])
    if not checked.stdout:
        raise RuntimeError(f"{work}: {checked.exception!r} {checked.stderr}")
    rows = json.loads(checked.stdout)["rows"]
    metrics = json.loads((out / "metrics.json").read_text())
    n_dwells = len(json.loads((out / "plan.json").read_text())["dwells"])
    failed = [f"{r['what']}: {r['result']} of {r['tolerance']}" for r in rows if r["state"] == "fail"]
    if not failed:
        shutil.rmtree(work)
    return (row | {"folder": str(work)} if failed else row) | {
        "checked": checked.exit_code,
        "rows": len(rows),
        "failed": failed,
        "skipped": [f"{r['what']}: {r['note']}" for r in rows if r["state"] == "skipped"],
        "lowered": bool(metrics["certificate"].get("shortfalls")),
        "dwells": n_dwells,
        "proven": all("d100_lower_gy" in metrics["structures"][name] for name in ctvs),
    }


def table(rows: list[dict]) -> str:
    """Return the results as Markdown."""
    done = [r for r in rows if "rows" in r]
    facts = [
        ("random cases", len(rows)),
        ("refused, with a reason", sum("refused" in r for r in rows)),
        ("planned and checked", len(done)),
        ("of them with the D100 of every CTV proven", sum(r["proven"] for r in done)),
        ("with lowered prescriptions", sum(r["lowered"] for r in done)),
        ("with a moving source", sum("--transit-speed" in r["flags"] for r in done)),
        ("with two CTVs or more", sum(r["ctvs"] >= 2 for r in done)),
        ("with 300 dwells and more", sum(r["dwells"] >= 300 for r in done)),
        ("comparisons", sum(r["rows"] for r in done)),
        ("comparisons that failed", sum(len(r["failed"]) for r in done)),
        ("comparisons that could not be made", sum(len(r["skipped"]) for r in done)),
    ]
    return "\n".join(["| attack | result |", "|---|---|", *(f"| {what} | {result} |" for what, result in facts)])


def main() -> None:
    parser = command_line(__doc__, "plan_attack")
    parser.add_argument("-n", type=int, default=40)
    parser.add_argument("--first-seed", type=int, default=0)
    for kind, what in (
        ("wide", "cases and options far from the usual"),
        ("levels", "these, with goals of levels on CTVs"),
        ("many", "several CTVs and at least 300 dwells"),
    ):
        parser.add_argument(f"--{kind}", action="store_const", const=kind, dest="kind", default="plain", help=what)
    given = parser.parse_args()
    if given.kind != "plain":
        given.output = given.output.with_name(given.output.name.replace("plan_attack.", f"plan_attack_{given.kind}."))
    seeds = range(given.first_seed, given.first_seed + given.n)
    record = measured(given, (partial(attack, seed, given.kind) for seed in seeds))
    part = "plan-attack" if given.kind == "plain" else f"plan-attack-{given.kind}"
    put_table(given.write, part, table(record["rows"]))


if __name__ == "__main__":
    main()
