"""What can differ between a plan and its delivery, as named distributions, and one draw of it all.

Every component is a standard deviation (0 switches it off) with the source it comes from. Draws are independent
between components, catheters and structures. A scenario moves dwells, changes times and strength, and deforms or
shifts structures; the dose is then recomputed, never linearised.

A plan is made on the CT after the puncture, so how well catheters hit their planned places is no error of its delivery.
What remains has five sources: reconstruction of the catheters on the CT, shift of the implant between CT and
irradiation, breathing, the source itself, and contours.

References
----------
Kirisits C et al., Radiother Oncol 2014;110:199, table 5 (temporary HDR, Ir-192): tip reconstructed to 0.7 mm, source
strength to 2 %.
Okamoto H et al., 2014 (afterloader quality assurance): positions within 0.12 mm, times within 32 ms.
Luedemann L et al., Radiat Oncol 2011;6:107 (liver, 50 patients): centres of planned isodose and of the effect on MRI
after 6 and 12 weeks lay 5 to 6 mm apart. That holds all shifts, registration and shrinking: an upper limit of
``implant_mm``, no value for it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from hdrplan.arrays import FloatArray, freeze, frozen
from hdrplan.dose import SamplePoints
from hdrplan.errors import InputError
from hdrplan.geometry import Dwells, TracedErrors, Transit
from hdrplan.plan import Plan
from hdrplan.simulate.traced_shifts import traced_shifts

__all__ = ["COMPONENTS", "Scenario", "Uncertainty", "draw", "smooth_field"]

# Beyond these a unit slipped: a catheter 50 mm off is in another organ.
_MAXIMUM_MM = 50.0
_MAXIMA = {"timer_s": 60.0, "strength_frac": 0.5, "rotation_deg": 45.0, "source_speed_mm_per_s": 5000.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertainty:
    """Standard deviations of all components; what has no verified source is 0 until the user gives it.

    Parameters
    ----------
    catheter_mm : float
        Displacement of each catheter as reconstructed on the CT, root mean square of the 3D vector, the same in every
        direction, for each catheter its own.
    rotation_deg : float
        Tilt of a catheter about the middle of its dwells, about each of two axes across it.
    tip_mm : float
        Error of the reconstructed tip, along the catheter: moves all its dwells. Default 0.7 mm (Kirisits 2014).
    implant_mm : float
        Shift of all catheters together against the lesion and the organs between CT and irradiation, root mean square
        of the 3D vector.
    source_mm : float
        Source position in the catheter, along it, the same for all its dwells. Default 0.12 mm (Okamoto 2014).
    timer_s : float
        Time of each active dwell. Default 0.032 s (Okamoto 2014).
    strength_frac : float
        Air-kerma strength, relative. Default 0.02 (Kirisits 2014).
    ctv_mm, oar_mm : float
        Distance of the true surface of a CTV, or of an organ, from its contour: a smooth random field over the
        directions from its centre (spherical harmonics up to degree 3, every degree with the same weight).
    motion_mm : float
        Shift of all organs together against the implant and the CTV, about each axis (breathing).
    source_speed_mm_per_s : float
        Speed of the moving source (:class:`hdrplan.geometry.Transit`), which is not random; 0 keeps what the plan says
        of it.
    traced : tuple of TracedErrors
        Catheters whose uncertainty is known by position: theirs counts instead of ``catheter_mm`` and ``tip_mm``.
    """

    catheter_mm: float = 0.0
    rotation_deg: float = 0.0
    tip_mm: float = 0.7
    implant_mm: float = 0.0
    source_mm: float = 0.12
    timer_s: float = 0.032
    strength_frac: float = 0.02
    ctv_mm: float = 0.0
    oar_mm: float = 0.0
    motion_mm: float = 0.0
    source_speed_mm_per_s: float = 0.0
    traced: tuple[TracedErrors, ...] = ()

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name == "traced":
                continue
            value, maximum = getattr(self, field.name), _MAXIMA.get(field.name, _MAXIMUM_MM)
            if not 0.0 <= value <= maximum:
                raise InputError(f"{field.name} must lie between 0 and {maximum:g}", got=value)

    @property
    def active(self) -> tuple[str, ...]:
        """Keys of :data:`COMPONENTS` that vary."""
        traced = ("catheter_mm", "tip_mm") if self.traced else ()
        return tuple(key for key in COMPONENTS if getattr(self, key) > 0 or key in traced)


# Component -> what it is called in tables and figures. The order is that of the random streams: new ones come last.
COMPONENTS: dict[str, str] = {
    "catheter_mm": "catheters as reconstructed on the CT",
    "rotation_deg": "tilt of catheters",
    "tip_mm": "catheter tips as reconstructed on the CT",
    "source_mm": "source position in the catheter",
    "timer_s": "dwell timer",
    "strength_frac": "source strength",
    "ctv_mm": "CTV contour",
    "oar_mm": "organ contours",
    "motion_mm": "organ motion (breathing)",
    "implant_mm": "shift of the implant after the CT",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scenario:
    """One delivery.

    Parameters
    ----------
    dwells : Dwells
        Where the source really was.
    times_s : (n_dwells,) array
        How long; with transit also at positions that were only passed.
    strength_u : float
    points_mm : (n_points, 3) array
        Where the sampled tissue really was.
    volume_cc : (n_points,) array
        Volume that each point really stood for.
    """

    dwells: Dwells
    times_s: FloatArray
    strength_u: float
    points_mm: FloatArray
    volume_cc: FloatArray

    def __post_init__(self) -> None:
        freeze(self, "times_s", (len(self.dwells),))
        freeze(self, "points_mm", (None, 3))
        freeze(self, "volume_cc", (len(self.points_mm),))


def draw(
    plan: Plan,
    points: SamplePoints,
    uncertainty: Uncertainty,
    rngs: dict[str, np.random.Generator],
    *,
    shapes: FloatArray | None = None,
) -> Scenario:
    """Draw one scenario.

    Parameters
    ----------
    plan : Plan
    points : SamplePoints
    uncertainty : Uncertainty
    rngs : dict
        One generator for each of :data:`COMPONENTS`, so that one component can be redrawn and the others kept.
    shapes : (n_points, 16) array, optional
        :func:`smooth_field` of the points, computed once for all scenarios; needed where a contour varies.

    Returns
    -------
    Scenario
    """
    dwells = _moved(plan.dwells, uncertainty, rngs)
    speed_mm_per_s = uncertainty.source_speed_mm_per_s
    times_s = (replace(plan, transit=Transit(speed_mm_per_s)) if speed_mm_per_s else plan).exposure_s
    noise = rngs["timer_s"].normal(0.0, 1.0, len(times_s)) * uncertainty.timer_s
    times_s = np.where(plan.times_s > 0, np.maximum(times_s + noise, 0.0), times_s)
    strength_u = plan.strength_u * (1.0 + uncertainty.strength_frac * float(rngs["strength_frac"].normal()))
    points_mm, volume_cc = _deformed(points, uncertainty, rngs, shapes)
    return Scenario(
        dwells=dwells,
        times_s=times_s,
        strength_u=max(strength_u, 1e-3 * plan.strength_u),
        points_mm=points_mm,
        volume_cc=volume_cc,
    )


def _moved(dwells: Dwells, u: Uncertainty, rngs: dict[str, np.random.Generator]) -> Dwells:
    """Shift and tilt every catheter as a rigid body, bend those with errors by position, slide the source in them."""
    n = len(dwells.catheter_names)
    traced = {one.name: one.tip_mm for one in u.traced}
    by_one = np.array([0.0 if name in traced else u.catheter_mm for name in dwells.catheter_names])
    tip_mm = np.array([traced.get(name, u.tip_mm) for name in dwells.catheter_names])
    shift = rngs["catheter_mm"].normal(0.0, 1.0, (n, 3)) * (by_one[:, None] / np.sqrt(3.0))
    bent = traced_shifts(dwells, u.traced, rngs["catheter_mm"])
    shift = shift + rngs["implant_mm"].normal(0.0, 1.0, 3) * (u.implant_mm / np.sqrt(3.0))
    along = rngs["tip_mm"].normal(0.0, 1.0, n) * tip_mm + rngs["source_mm"].normal(0.0, 1.0, n) * u.source_mm
    tilt = rngs["rotation_deg"].normal(0.0, 1.0, (n, 2)) * np.deg2rad(u.rotation_deg)
    positions, axes = dwells.positions_mm.copy(), dwells.axes.copy()
    for k in range(n):
        rows = np.flatnonzero(dwells.catheter == k)
        if not len(rows):
            continue
        middle, axis = positions[rows].mean(axis=0), axes[rows].mean(axis=0)
        turn = _tilt(axis / np.linalg.norm(axis), tilt[k])
        axes[rows] = axes[rows] @ turn.T
        positions[rows] = (positions[rows] + bent[rows] - middle) @ turn.T + middle + shift[k] + along[k] * axes[rows]
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    return Dwells(
        positions_mm=positions,
        axes=axes,
        catheter=dwells.catheter,
        offset_mm=dwells.offset_mm,
        catheter_names=dwells.catheter_names,
    )


def _tilt(axis: FloatArray, angles: FloatArray) -> FloatArray:
    """Rotation about a random direction across ``axis`` (Rodrigues): two angles about two axes across it."""
    if not angles.any():
        return np.eye(3)
    across = np.cross(axis, np.eye(3)[np.abs(axis).argmin()])
    across /= np.linalg.norm(across)
    vector = angles[0] * across + angles[1] * np.cross(axis, across)
    angle = float(np.linalg.norm(vector))
    x, y, z = vector / angle
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * cross @ cross)


def smooth_field(points: SamplePoints) -> FloatArray:
    """Real spherical harmonics up to degree 3 at each point's direction from its structure's centre, (n_points, 16).

    Scaled so that their sum with 16 standard normal coefficients has variance 1 in every direction (addition theorem:
    the squares of degree l sum to (2 l + 1) / 4 pi).
    """
    from scipy.special import sph_harm_y

    out = np.empty((len(points), 16))
    for name in points.names:
        rows = points.rows(name)
        x, y, z = (points.points_mm[rows] - _centre_mm(points, name)).T
        theta, phi = np.arctan2(np.hypot(x, y), z), np.arctan2(y, x)
        columns = []
        for degree in range(4):
            for order in range(-degree, degree + 1):
                value = sph_harm_y(degree, abs(order), theta, phi)
                columns.append(value.real if order == 0 else np.sqrt(2.0) * (value.real if order > 0 else value.imag))
        out[rows] = np.stack(columns, axis=1) * np.sqrt(4.0 * np.pi / 16.0)
    return frozen(out)


def _centre_mm(points: SamplePoints, name: str) -> FloatArray:
    rows = points.rows(name)
    weights = points.volume_cc[rows]
    return np.asarray(weights @ points.points_mm[rows] / weights.sum())


def _deformed(
    points: SamplePoints, u: Uncertainty, rngs: dict[str, np.random.Generator], shapes: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """Scale each structure from its centre by a smooth factor of the direction; its volume element scales by the cube.

    The factor is 1 + displacement / mean radius: the surface at the mean radius moves by the displacement.
    """
    motion = rngs["motion_mm"].normal(0.0, 1.0, 3) * u.motion_mm
    drawn = {
        role: rngs[key].normal(0.0, 1.0, (len(points.names), 16))
        for role, key in (("CTV", "ctv_mm"), ("OAR", "oar_mm"))
    }
    sd = {"CTV": u.ctv_mm, "OAR": u.oar_mm}
    if shapes is None or not (u.ctv_mm or u.oar_mm):
        shapes = None
    if shapes is None and not u.motion_mm:
        return points.points_mm, points.volume_cc
    moved, volume = points.points_mm.copy(), points.volume_cc.copy()
    for k, (name, role) in enumerate(zip(points.names, points.roles, strict=True)):
        rows = points.rows(name)
        if role != "CTV":
            moved[rows] += motion
        if shapes is None or not sd.get(role):
            continue
        centre = _centre_mm(points, name)
        radius_mm = (3.0 * points.volume_cc[rows].sum() * 1000.0 / (4.0 * np.pi)) ** (1.0 / 3.0)
        factor = np.maximum(1.0 + sd[role] * (shapes[rows] @ drawn[role][k]) / radius_mm, 0.1)
        moved[rows] += (points.points_mm[rows] - centre) * (factor - 1.0)[:, None]
        volume[rows] *= factor**3
    return moved, volume
