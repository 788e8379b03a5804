"""Measure peers in environments of their own on a sample of the common problem.

A peer is a command that takes two files, ``problem.npz`` and ``result.npz`` (see ``peer_pygrpm.py``). pygrpm is
installed into ``benchmarks/.peers/pygrpm``; others are given as NAME=COMMAND.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from hdrplan.bench import problem
from hdrplan.bench.comparisons import Deviation, sampled_voxels
from hdrplan.bench.problems import STRENGTH_U, Problem
from hdrplan.dose import dose_at_points

HERE = Path(__file__).parent
PYGRPM = "pygrpm==0.8.5"


def pygrpm_command() -> list[str]:
    """Install pygrpm beside the project, not into it."""
    folder = HERE / ".peers" / "pygrpm"
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", f"{PYGRPM.replace('==', '[xarray]==')}"], check=True)
    return [str(python), str(HERE / "peer_pygrpm.py")]


def exported(p: Problem, points_mm: np.ndarray) -> dict[str, Any]:
    """Return the problem in the units of the published tables (cm, h, cGy, U)."""
    s = p.source
    f = np.zeros((len(s.anisotropy_theta_rad) + 1, len(s.anisotropy_r_mm) + 1))
    f[0, 1:], f[1:, 0], f[1:, 1:] = s.anisotropy_r_mm / 10.0, np.rad2deg(s.anisotropy_theta_rad), s.anisotropy
    return {
        "points_cm": points_mm / 10.0,
        "positions_cm": p.dwells.positions_mm / 10.0,
        "axes": p.dwells.axes,
        "times_h": p.times_s / 3600.0,
        "strength_u": STRENGTH_U,
        "length_cm": s.active_length_mm / 10.0,
        "constant": s.dose_rate_constant_gy_per_s_per_u * 3600.0 * 100.0,
        "g": np.stack([s.radial_r_mm / 10.0, s.radial_dose]),
        "f": f,
    }


def measured(commands: dict[str, tuple[str, list[str]]]) -> list[dict[str, Any]]:
    """Run peers: name -> (licence, command)."""
    p = problem("common")
    points = p.grid.world(sampled_voxels(p))
    points = np.concatenate([points, p.points_mm])
    exact = dose_at_points(p.dwells, p.times_s, points, p.source, strength_u=STRENGTH_U).gy
    peers = []
    with tempfile.TemporaryDirectory() as folder:
        question, answer = Path(folder) / "problem.npz", Path(folder) / "result.npz"
        np.savez(question, **exported(p, points))
        for name, (licence, command) in commands.items():
            subprocess.run([*command, str(question), str(answer)], check=True)
            result = np.load(answer)
            error = np.abs(result["dose_gy"] / exact - 1.0)[: len(points) - len(p.points_mm)]
            deviation = Deviation(
                places=len(error),
                median=float(np.median(error)),
                p99=float(np.percentile(error, 99)),
                largest=float(error.max()),
            )
            peers.append(
                {
                    "name": name,
                    "licence": licence,
                    "pairs": len(points) * len(p.dwells),
                    "cpu_s": float(result["cpu_s"]),
                    "deviation": asdict(deviation),
                }
            )
    return peers


def main(others: list[str], output: Path) -> None:
    """Write ``peers.json``."""
    commands = {PYGRPM.replace("==", " "): ("AGPL-3.0", pygrpm_command())}
    for other in others:
        name, _, command = other.partition("=")
        commands[name] = ("", shlex.split(command))
    output.write_text(json.dumps({"peers": measured(commands)}, indent=1) + "\n", encoding="utf-8")
