"""What is proven of a plan, on lesions with corners, tips and parts one voxel thin, and with a moving source."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.geometry import Catheter, Grid, Structure, Volume, ellipsoid
from hdrplan.options import PlanOptions
from hdrplan.plan import Case, Goals, Prescription
from hdrplan.sources import Strength, load_source
from hdrplan.validate.grid_search import worst_voxel
from hdrplan.validate.growing_program import Asked, Target
from hdrplan.validate.naive_tg43 import doses_gy, passing_s, rates, reached
from hdrplan.validate.own_metrics import metrics_of
from hdrplan.validate.own_program import judgement
from hdrplan.validate.row import Aim, Question, Row, judged
from hdrplan.validate.search import coldest
from hdrplan.workflow import PlanResult, plan_case

__all__ = ["SHAPES", "planned_shape", "shape_rows", "transit_rows"]

_SECTION = "Claims of a plan"
_PLAIN = "TG-43U1 eq. 1, written plainly"
_SEARCH = "descent from many starts on the continuous shape, TG-43 written plainly"
_PROGRAM = "linear program of plainly written TG-43, SciPy linprog, with cold points by search"
_STRENGTH_U = 40700.0
_GY = 20.0
# As in the dossier of one plan: rounding of two codes, and what a search leaves between itself and the minimum.
_SAME_PCT, _SEARCH_PCT = 1e-4, 0.05
_FIGURES_PCT = 0.01

# Mask of a lesion from the positions of voxel centres, mm.
Mask = Callable[[FloatArray, FloatArray, FloatArray], BoolArray]


def _horseshoe(x: FloatArray, y: FloatArray, z: FloatArray) -> BoolArray:
    r = np.hypot(y, z)
    return np.asarray((r > 8.0) & (r < 15.0) & (np.abs(x) < 8.0) & (z < 5.0))


SHAPES: dict[str, Mask] = {
    "plate": lambda x, y, z: (np.abs(x) < 13) & (np.abs(y) < 13) & (np.abs(z) < 2.5),
    "one voxel thin": lambda x, y, z: (np.abs(x) < 11) & (np.abs(y) < 11) & (np.abs(z) < 1.5),
    "horseshoe": _horseshoe,
    "tip": lambda x, y, z: (np.abs(x) < 14) & (np.hypot(y, z) < 0.6 * (14.0 - x) + 0.5) & (np.hypot(y, z) < 12),
    "two parts": lambda x, y, z: x**2 + (np.abs(y) - 11.0) ** 2 + z**2 < 49.0,
}


def planned_shape(name: str, *, time_step_s: float = 0.1, speed_mm_per_s: float = 0.0) -> PlanResult:
    """Plan one of the lesions, proven at every point.

    Parameters
    ----------
    name : str
        Key of ``SHAPES``.
    time_step_s : float
        Of the afterloader.
    speed_mm_per_s : float
        Of the moving source; 0 leaves its dose out.
    """
    grid = Grid(shape_zyx=(27, 27, 27), origin_mm=np.array([-26.0] * 3), spacing_mm=np.array([2.0] * 3))
    z, y, x = (grid.points_mm().reshape(*grid.shape_zyx, 3)[..., k] for k in (2, 1, 0))
    lesion = Structure(name="lesion", role="CTV", grid=grid, mask_zyx=SHAPES[name](x, y, z))
    body = ellipsoid("body", grid, [0.0, 0.0, 0.0], [24.0] * 3, role="OAR")
    case = Case(
        name=name,
        ct=Volume(grid, np.zeros(grid.shape_zyx, dtype=np.int16)),
        structures=(lesion, body),
        catheters=_needles(lesion),
        healthy="body",
    )
    options = PlanOptions(
        sample_mm=2.0, dose_margin_mm=10.0, time_step_s=time_step_s, source_speed_mm_per_s=speed_mm_per_s
    )
    return plan_case(case, Goals((Prescription("lesion", _GY),)), load_source(), Strength(_STRENGTH_U), options=options)


def _needles(lesion: Structure) -> tuple[Catheter, ...]:
    """Return needles along x, those of an 8 mm pattern that come near the lesion."""
    needles = []
    for y in (-12.0, -4.0, 4.0, 12.0):
        for z in (-8.0, 0.0, 8.0):
            near = (np.abs(lesion.voxels_mm[:, 1:] - [y, z]) < 3.0).all(axis=1)
            if near.any():
                needles.append(Catheter(f"y {y:g} z {z:g}", np.array([[-60.0, y, z], [20.0, y + 1.0, z - 0.5]])))
    return tuple(needles)


def shape_rows(name: str) -> list[Row]:
    """Look for a point below the proven dose and for a plan below the stated bound; with steps of 1 s, too."""
    result = planned_shape(name)
    coarse = planned_shape(name, time_step_s=1.0)
    return [*_proof_rows(result, name), _bound_row(result, name), _delivered_row(result, coarse, name)]


def transit_rows() -> list[Row]:
    """One moving source for proof, metrics, grid and certificate."""
    name = "two parts, source at 20 mm/s"
    result = planned_shape("two parts", speed_mm_per_s=20.0)
    plan, points = result.plan, result.points
    field = worst_voxel(result.dose, plan.dwells, plan.source, partial(_dose_gy, result))
    off_pct = 0.0
    for structure in points.names:
        rows = points.rows(structure)
        ours = metrics_of(_dose_gy(result, points.points_mm[rows]), points.volume_cc[rows], None)
        stated = result.score.structure(structure)
        for key in ("mean_gy", "max_gy", "min_gy", "d0_1cc_gy", "d1cc_gy"):
            off_pct = max(off_pct, 100 * abs(getattr(stated, key) / ours[key] - 1.0))
    return [
        *_proof_rows(result, name),
        _bound_row(result, name),
        _row(f"{name}: metrics", _PLAIN, "largest relative difference, transit counted apart", off_pct, _FIGURES_PCT),
        _row(
            f"{name}: dose grid, worst of {field.looked_at:,} voxels",
            _PLAIN,
            "largest deviation beyond 1 mm from every capsule, transit counted apart",
            100 * field.deviation_frac,
            0.1,
        ),
        _delivered_row(result, result, name),
    ]


def _dose_gy(result: PlanResult, points_mm: FloatArray) -> FloatArray:
    plan = result.plan
    return doses_gy(plan.dwells, plan.times_s + _passing_s(result), points_mm, plan.source, plan.strength_u)


def _passing_s(result: PlanResult) -> FloatArray:
    plan = result.plan
    if plan.transit is None:
        return np.zeros(len(plan.dwells))
    return passing_s(plan.dwells, plan.times_s, plan.transit.speed_mm_per_s)


def _proof_rows(result: PlanResult, name: str) -> list[Row]:
    target = result.score.target("lesion")
    cold = coldest(result.points.shape("lesion"), partial(_dose_gy, result), seed=5)
    lower_gy, upper_gy = target.d100_lower_gy or np.inf, target.d100_upper_gy or 0.0
    return [
        _row(
            f"{name}: least dose {cold.minimum_gy:.3f} Gy of {cold.looked_at:,} points",
            _SEARCH,
            f"shortfall below the proven {lower_gy:.3f} Gy, that no point is to lie below",
            100 * max(0.0, lower_gy - cold.minimum_gy) / _GY,
            _SAME_PCT,
        ),
        _row(
            f"{name}: proven interval of D100, {lower_gy:.3f} to {upper_gy:.3f} Gy",
            _SEARCH,
            "excess of the least dose found above the interval's upper end",
            100 * max(0.0, cold.minimum_gy - upper_gy) / _GY,
            _SEARCH_PCT,
        ),
    ]


def _bound_row(result: PlanResult, name: str) -> Row:
    assert result.optimum is not None
    plan, main = result.plan, result.optimum.certificate.main
    free = np.ones(len(plan.dwells), dtype=np.bool_) if plan.transit is None else reached(plan.dwells, plan.times_s)
    passing = _passing_s(result)
    cost = _cost(result)
    asked = Asked(
        cost=cost,
        base=float(cost @ passing),
        shortest_s=np.zeros(len(cost)),
        longest_s=np.where(free, 600.0, 0.0),
        rows=np.zeros((0, len(cost))),
        limits=np.zeros(0),
        targets=(Target(wanted_gy=_GY, shape=result.points.shape("lesion"), points_mm=np.zeros((0, 3))),),
        rates=lambda at: rates(plan.dwells, at, plan.source, plan.strength_u),
        doses_gy=lambda exposure_s, at: doses_gy(plan.dwells, exposure_s, at, plan.source, plan.strength_u),
        passing_s=passing,
        earlier_gy=lambda at: np.zeros(len(at)),
    )
    found = judgement(asked, main.bound)
    return _row(
        f"{name}: no plan below {main.bound:.5g} Gy of mean dose; one of its own has at least {found.value:.5g} Gy",
        _PROGRAM,
        "by how much a plan that covers the shape, as far as the search sees, lies below the bound",
        100 * found.below(main.bound) / main.bound,
        _SAME_PCT,
    )


def _cost(result: PlanResult) -> FloatArray:
    """Mean dose of the body, of one second at each dwell."""
    plan, rows = result.plan, result.points.rows("body")
    volume = result.points.volume_cc[rows]
    body = rates(plan.dwells, result.points.points_mm[rows], plan.source, plan.strength_u)
    return np.asarray(volume @ body / volume.sum())


def _delivered_row(fine: PlanResult, coarse: PlanResult, name: str) -> Row:
    """Mean dose of the delivered times, gap and losses, at both steps of the afterloader."""
    off = 0.0
    for result, step_s in ((fine, 0.1), (coarse, 1.0 if coarse is not fine else 0.1)):
        assert result.optimum is not None
        certificate, times_s = result.optimum.certificate, result.plan.times_s
        main = certificate.main
        value = float(_cost(result) @ (times_s + _passing_s(result)))
        lost = sum(loss.amount for loss in certificate.losses)
        not_whole = float(np.abs(times_s / step_s - np.rint(times_s / step_s)).max())
        off = max(off, abs(main.value / value - 1.0), abs(lost - (main.value - main.bound)) / value, not_whole)
    return _row(
        f"{name}: the certificate is of the delivered times",
        _PLAIN,
        "largest difference of the objective, of the losses' sum from the gap, and of times from whole steps",
        100 * off,
        _SAME_PCT,
    )


def _row(subject: str, source: str, method: str, deviation: float, aim: float) -> Row:
    return judged(Question(section=_SECTION, what=subject, source=source, method=method), deviation, Aim(value=aim))
