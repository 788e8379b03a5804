"""Small implants under dose-volume goals, and their true optima by integer programming."""

import numpy as np
from optimize_cases import case, goals, optimize_times, problem
from scipy.optimize import Bounds, LinearConstraint, milp

from hdrplan.dose import DoseRate, SamplePoints
from hdrplan.optimize import WorkLimit
from hdrplan.optimize.program.dose_program import Program
from hdrplan.optimize.program.goal_rows import objective_cost
from hdrplan.optimize.program.requirements import requirements

DOSE_GY, MOST_S = 20.0, 600.0
# Regions: more than any of these proofs needs.
ENOUGH = 5000


def small(seed, organs=1):
    """A lesion with up to three small organs around it, coarse enough for integer programming."""
    rate, points, dwells = case(radius=10.0, step=6.0, organ_gap=5.0, seed=seed, n_catheters=3)
    if organs == 1:
        return rate, points
    ball = points.points_mm[points.rows("duodenum")]
    volume = points.volume_cc[points.rows("duodenum")]
    parts = [(name, role, points.points_mm[points.rows(name)], points.volume_cc[points.rows(name)])
             for name, role in zip(points.names, points.roles, strict=True)]  # fmt: skip
    for k in range(1, organs):
        turn = 2 * np.pi * k / organs
        spin = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
        parts.append((f"organ{k}", "OAR", ball @ spin.T, volume))
    xyz = np.concatenate([p[2] for p in parts])
    cc = np.concatenate([p[3] for p in parts])
    many = SamplePoints(
        names=tuple(p[0] for p in parts),
        roles=tuple(p[1] for p in parts),
        start=np.cumsum([0, *(len(p[3]) for p in parts)]),
        points_mm=xyz,
        volume_cc=cc,
        on_surface=cc == 0,
        spacing_mm=np.full(len(parts), 6.0),
        mask_cc=np.array([p[3].sum() for p in parts]),
        method="test",
    )
    far2 = np.maximum(((xyz[:, None, :] - dwells[None, :, :]) ** 2).sum(axis=2), 0.25)
    return DoseRate(12.6 / far2, np.zeros(len(xyz), bool)), many


def exact(rate, points, limits, dose_gy=DOSE_GY):
    """Least mean liver dose by binaries, None where no plan holds.

    ``limits``: (structure, cc, Gy, 1: from above or -1: from below).
    """
    n = rate.gy_per_s.shape[1]
    liver, cc = rate.gy_per_s[points.rows("liver")], points.volume_cc[points.rows("liver")]
    ctv = rate.gy_per_s[points.rows("lesion1")]
    parts = []
    for name, tail_cc, limit, sign in limits:
        rows, volume = rate.gy_per_s[points.rows(name)], points.volume_cc[points.rows(name)]
        parts.append((rows[volume > 0], volume[volume > 0], tail_cc, limit, sign))
    m = sum(len(p[1]) for p in parts)
    rows = [LinearConstraint(np.c_[ctv, np.zeros((len(ctv), m))], dose_gy, np.inf)]
    at = 0
    for per_s, volume, tail_cc, limit, sign in parts:
        binary = np.zeros((len(volume), m))
        binary[:, at : at + len(volume)] = np.eye(len(volume))
        # Far above any dose of an organ here; a cold point of the lesion misses at most the limit.
        big = 60.0 if sign == 1 else limit
        rows.append(LinearConstraint(np.c_[sign * per_s, -big * binary], -np.inf, sign * limit))
        # Strictly less than the volume.
        count = np.concatenate((np.zeros(n), volume @ binary))
        rows.append(LinearConstraint(count, -np.inf, tail_cc - 0.25 * volume.min()))
        at += len(volume)
    found = milp(
        np.r_[cc @ liver / cc.sum(), np.zeros(m)],
        constraints=rows,
        integrality=np.r_[np.zeros(n), np.ones(m)],
        bounds=Bounds(0, np.r_[np.full(n, MOST_S), np.ones(m)]),
        options={"mip_rel_gap": 1e-4},
    )
    assert found.status in (0, 2)  # optimal or infeasible
    return found.fun if found.status == 0 else None


def free_dose(rate, points, name, cc):
    times = optimize_times(problem(rate, points, goals(), healthy="liver")).times_s
    dose, volume = rate.gy_per_s[points.rows(name)] @ times, points.volume_cc[points.rows(name)]
    order = np.argsort(-dose)
    return float(dose[order][np.searchsorted(np.cumsum(volume[order]), cc)])


def program_of(rate, points, wanted):
    asked = problem(rate, points, wanted, healthy="liver", max_time_s=MOST_S)
    listed = requirements(asked)
    program = Program(asked, listed)
    for k in range(len(listed)):
        program.enter(k)
    program.start()
    return program, objective_cost(asked, program.columns)


def enclosed(rate, points, wanted, best):
    """Plan with proof; the bound must not lie above the optimum, nor the plan below it, and they must meet."""
    optimum = optimize_times(problem(rate, points, wanted, healthy="liver"), proof=WorkLimit(steps=ENOUGH))
    c = optimum.certificate
    # 2e-4: the integer program's own gap of 1e-4 and its tolerances.
    assert c.main.bound <= best * (1 + 2e-4)
    assert c.main.value >= best * (1 - 2e-4)
    assert c.main.gap_frac <= 1.01e-3
    assert not c.relaxed
    return optimum
