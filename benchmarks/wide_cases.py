"""Random cases far from the usual: oblique grids, lesions of one voxel, sheets, touching CTVs, goals on CTVs.

Used by ``python -m benchmarks.plan_attack --wide``, and with more goals on CTVs by ``--levels``.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from benchmarks.odd_shapes import FORMS
from hdrplan.geometry import Grid, Volume
from hdrplan.io import write_volume

__all__ = ["levels_case", "wide_case", "wide_flags"]

_LIVER, _ORGAN, _FIRST_CTV = 1, 2, 3
_HALF_MM = np.array([52.0, 42.0, 38.0])
# Voxel edges x, y, z in mm: fine and coarse, thick slices along each axis.
_SPACINGS_MM = (
    (1, 1, 1),
    (0.7, 0.7, 3),
    (2.5, 2.5, 2.5),
    (6, 1.5, 1.5),
    (1, 4, 2),
    (3, 1, 5),
    (0.9, 0.9, 0.9),
    (4, 4, 4),
)


def wide_case(folder: Path, rng: np.random.Generator) -> list[str]:
    """Write a random case; return the names of its CTVs.

    Parameters
    ----------
    folder : Path
        Made here.
    rng : Generator
    """
    grid = _grid(rng)
    mm = grid.points_mm().reshape(*grid.shape_zyx, 3) - grid.world((np.array(grid.shape_zyx[::-1]) - 1) / 2.0)
    labels = np.zeros(grid.shape_zyx, dtype=np.uint8)
    labels[np.linalg.norm(mm @ grid.direction / _HALF_MM, axis=-1) < 0.97] = _LIVER
    middle, ctvs, lines = grid.world((np.array(grid.shape_zyx[::-1]) - 1) / 2.0), [], []
    for k, centre in enumerate(_centres(rng)):
        inside = _lesion(mm, centre, grid, rng) & (labels < _FIRST_CTV)
        if not inside.any():
            continue
        labels[inside] = _FIRST_CTV + k
        ctvs.append(f"ctv {k + 1}")
        for _ in range(rng.integers(1, 4)):
            axis = rng.normal(size=3) * (1, 1, 1e-9 if rng.random() < 0.2 else 1)
            axis /= np.linalg.norm(axis)
            at = mm[inside][rng.integers(inside.sum())] + rng.normal(size=3) * rng.choice([0.0, 1.0, 4.0])
            beyond = rng.uniform(6.0, 16.0)
            # Some bent, as needles are.
            bend = rng.normal(size=3) * rng.choice([0.0, 1.5])
            lines.append([(middle + at - 40 * axis + bend).tolist(), (middle + at).tolist(),
                          (middle + at + beyond * axis + bend).tolist()])  # fmt: skip
    away = rng.normal(size=3)
    near = rng.uniform(6.0, 30.0) * away / np.linalg.norm(away)
    labels[(np.linalg.norm(mm - near, axis=-1) < rng.uniform(3.0, 11.0)) & (labels < _FIRST_CTV)] = _ORGAN
    names = {_LIVER: "liver"} | ({_ORGAN: "organ"} if (labels == _ORGAN).any() else {})
    names |= {_FIRST_CTV + int(name.split()[1]) - 1: name for name in ctvs}
    folder.mkdir()
    write_volume(folder / "ct.nii.gz", Volume(grid, np.zeros(grid.shape_zyx, dtype=np.int16)))
    write_volume(folder / "labels.nii.gz", Volume(grid, labels))
    (folder / "labels.json").write_text(json.dumps(names))
    catheters = [{"name": f"c{k}", "hub_to_tip_mm_lps": line} for k, line in enumerate(lines)]
    (folder / "catheters.json").write_text(json.dumps(catheters))
    (folder / "case.toml").write_text(_toml(ctvs, rng, organ=_ORGAN in names))
    return ctvs


def levels_case(folder: Path, rng: np.random.Generator) -> list[str]:
    """Write a wide case with goals of several levels on its CTVs: doses beyond the prescription, only references.

    Parameters
    ----------
    folder : Path
        Made here.
    rng : Generator
    """
    ctvs = wide_case(folder, rng)
    path = folder / "case.toml"
    text = path.read_text(encoding="utf-8")
    for name in ctvs:
        gy = float(rng.choice([12.0, 18.0, 24.0, 30.0]))
        for chance, goal in (
            (0.5, f"D100 >= {gy:g} Gy"),
            (0.3, f"D{rng.choice(['99.9', '99', '90', '50'])} >= {gy * rng.uniform(1.0, 2.0):.1f} Gy"),
            (0.2, f"Dmin >= {gy:g} Gy"),
            (0.2, f"Dmean {rng.choice(['>=', '<='])} {gy * rng.uniform(1.5, 3.0):.1f} Gy"),
            (0.2, f"V{gy:g}Gy >= {rng.choice([90, 98, 100])} %"),
            (0.2, f"V200 <= {rng.choice([10, 30, 60])} %"),
            (0.2, f"D{rng.choice(['0.01', '0.1'])}cc <= {gy * rng.uniform(3.0, 8.0):.0f} Gy"),
        ):
            if rng.random() < chance:
                level = int(rng.integers(1, 5))
                text += f'[[goals]]\nstructure = "{name}"\ngoal = "{goal}"\nlevel = {level}\nsource = "attack"\n'
    if len(ctvs) > 1 and rng.random() < 0.4:
        text = f'reference_only = ["{ctvs[int(rng.integers(len(ctvs)))]}"]\n' + text
    path.write_text(text, encoding="utf-8")
    return ctvs


def wide_flags(rng: np.random.Generator) -> list[str]:
    """Return random options of ``hdrplan plan``."""
    flags = ["--proof", "2", "--time-step", str(rng.choice(["0.1", "1", "0", "0.5", "2"]))]
    for flag, chance, values in (
        ("--transit-speed", 0.35, ["5", "20", "100", "600"]),
        ("--min-dwell", 0.25, ["0.5", "2", "5"]),
        ("--time-ratio", 0.25, ["1", "1.2", "2", "10"]),
        ("--max-dwell", 0.3, ["8", "20", "60"]),
        ("--step", 0.5, ["1", "2.5", "4", "10"]),
        ("--tip-offset", 0.3, ["0", "1", "12"]),
        ("--margin", 0.3, ["0", "1", "20"]),
        ("--sample", 0.3, ["0.7", "2", "3"]),
    ):
        if rng.random() < chance:
            flags += [flag, str(rng.choice(values))]
    if rng.random() < 0.2:
        flags += ["--fewest-dwells"]
    if rng.random() < 0.1:
        flags += ["--samples-only"]
    return flags


def _grid(rng: np.random.Generator) -> Grid:
    spacing = np.array(_SPACINGS_MM[rng.integers(len(_SPACINGS_MM))], dtype=float)
    shape_xyz = np.ceil(2 * _HALF_MM / spacing).astype(int)
    turn = np.eye(3)
    if rng.random() < 0.6:
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    elif rng.random() < 0.5:
        turn = np.eye(3)[:, rng.permutation(3)] * rng.choice([-1.0, 1.0], 3)
    if np.linalg.det(turn) < 0:  # NIfTI keeps left-handed frames too, but readers differ in them
        turn = turn * np.array([1.0, 1.0, -1.0])
    return Grid(
        shape_zyx=tuple(shape_xyz[::-1].tolist()),
        origin_mm=rng.uniform(-400.0, 400.0, 3),
        spacing_mm=spacing,
        direction=turn,
    )


def _centres(rng: np.random.Generator) -> list[np.ndarray]:
    """One to three lesions; some of them touch."""
    count = rng.choice([1, 1, 2, 3])
    apart = rng.choice([6.0, 14.0, 22.0])
    return [np.array([apart * (k - (count - 1) / 2), 0.0, 0.0]) + rng.normal(size=3) for k in range(count)]


def _lesion(mm: np.ndarray, centre: np.ndarray, grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """One odd shape: a form, a ball of 0.1 cc, a single voxel, or a sheet, rod or staircase one voxel thick."""
    here = np.unravel_index(np.linalg.norm(mm - centre, axis=-1).argmin(), mm.shape[:3])
    kind = rng.choice(["form", "form", "tiny", "voxel", "sheet", "rod", "stairs"])
    if kind == "form":
        form = FORMS[str(rng.choice(list(FORMS)))]
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0] if rng.random() < 0.7 else grid.direction
        return np.asarray(form(*np.moveaxis((mm - centre) @ turn / rng.choice([1.0, 0.6, 0.35]), -1, 0)))
    inside = np.zeros(mm.shape[:3], dtype=bool)
    if kind == "tiny":
        return np.asarray(np.linalg.norm(mm - centre, axis=-1) <= 2.9)
    inside[here] = True
    z, y, x = here
    if kind == "sheet":
        inside[z, max(0, y - 5) : y + 6, max(0, x - 4) : x + 5] = True
    elif kind == "rod":
        inside[max(0, z - 6) : z + 7, y, x] = True
    elif kind == "stairs":
        for k in range(-4, 5):
            inside[np.clip(z + k, 0, inside.shape[0] - 1), np.clip(y + k // 2, 0, inside.shape[1] - 1),
                   max(0, x + k - 1) : max(1, x + k + 1)] = True  # fmt: skip
    return inside


def _toml(ctvs: list[str], rng: np.random.Generator, *, organ: bool) -> str:
    dose = {name: float(rng.choice([8.0, 15.0, 20.0, 25.0])) for name in ctvs}
    goals: list[tuple[str, str, int]] = []

    def may(chance: float, structure: str, goal: str, *levels: int) -> None:
        if rng.random() < chance:
            goals.append((structure, goal, int(rng.choice(levels))))

    for name in ctvs:
        may(0.3, name, f"D98 >= {dose[name] * rng.uniform(1.0, 1.3):.1f} Gy", 1, 2)
        may(0.2, name, f"V100 >= {rng.choice([95, 99, 100])} %", 1)
        may(0.2, name, f"V150 <= {rng.choice([40, 60, 80])} %", 1, 2, 3)
        may(0.15, name, f"D2 <= {dose[name] * rng.uniform(1.5, 4):.0f} Gy", 1, 2)
        may(0.1, name, f"COIN >= {rng.choice([0.3, 0.6])}", 3)
    if organ:
        may(0.3, "organ", f"Dmax <= {rng.uniform(3.0, 20.0):.1f} Gy", 0, 1)
        may(0.5, "organ", f"D{rng.choice(['1', '0.1', '0.03'])}cc <= {rng.uniform(2.0, 14.0):.1f} Gy", 0, 1)
        may(0.2, "organ", f"D{rng.choice(['30', '2'])} <= {rng.uniform(2.0, 14.0):.1f} Gy", 1)
    may(0.2, "liver", f"Dmean <= {rng.uniform(0.5, 6.0):.1f} Gy", 1)
    may(0.2, "liver", f"V5Gy <= {rng.choice([20, 60])} %", 2)
    may(0.15, "plan", f"time <= {rng.choice([2, 10])} min", 0, 1)
    source = rng.choice(["gammamed-12i", "gammamed-plus", "microselectron-v2", "flexisource", "vs2000"])
    text = 'name = "wide attack"\nct = "ct.nii.gz"\ncatheters = "catheters.json"\nhealthy = "liver"\n[source]\n'
    text += f'name = "{source}"\nstrength_u = {rng.choice([12000.0, 40700.0])}\n[dwells]\nstep_mm = 5.0\n'
    text += '[[structures]]\nfile = "labels.nii.gz"\nnames = "labels.json"\n[roles]\nliver = "other"\n'
    text += 'organ = "OAR"\n' * organ + "".join(f'"{name}" = "CTV"\n' for name in ctvs)
    text += "[prescription_gy]\n" + "".join(f'"{name}" = {gy}\n' for name, gy in dose.items())
    for structure, goal, level in goals:
        text += f'[[goals]]\nstructure = "{structure}"\ngoal = "{goal}"\nlevel = {level}\nsource = "attack"\n'
    return text
