"""Capsules of known sources, and lines of Ir-192.

Dimensions are those that the CLRP publishes with egs_brachy (Chamberland MJP et al., Phys Med Biol 2016;61:8214) for
the GammaMed sources, and of Ballester F et al., Med Phys 2015;42:3048, for the generic source; z = 0 is the middle of
the core, the tip is toward +z.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from hdrplan.arrays import FloatArray, frozen
from hdrplan.errors import InputError
from hdrplan.transport.capsule import Bodies, Solid

__all__ = ["capsule_bodies", "capsule_names", "iridium_lines"]

# Lines of Ir-192 with its daughters, keV and photons per decay: Baglin CM, Nuclear Data Sheets 2012;113:1871.
_LINES = (
    *((8.91, 0.0153), (9.44, 0.0396), (61.486, 0.0119), (63.0, 0.0202), (65.122, 0.0262), (66.831, 0.0444)),
    *((71.079, 0.00238), (71.414, 0.0046), (73.363, 0.00161), (75.368, 0.00531), (75.749, 0.01021), (77.831, 0.00364)),
    *((110.33, 0.000127), (136.39, 0.00199), (176.98, 0.000043), (201.3112, 0.00471), (205.7943, 0.0331)),
    *((280.27, 0.00008), (283.2668, 0.00266), (295.9565, 0.2871), (308.45507, 0.297), (316.50618, 0.8286)),
    *((329.09, 0.000173), (374.4852, 0.00727), (416.4688, 0.0067), (420.51, 0.00069), (468.06885, 0.4784)),
    *((484.5751, 0.0319), (485.45, 0.000047), (489.06, 0.00438), (588.581, 0.04522), (593.63, 0.00042)),
    *((599.41, 0.000039), (604.41105, 0.08216), (612.46215, 0.0534), (703.78, 0.000053), (765.8, 0.000013)),
    *((884.5365, 0.00292), (1061.49, 0.000531), (1089.96, 0.0000116), (1378.5, 0.000014)),
)
_HARD_KEV = 60.0
_CORE_MM = (0.3, 3.5)
_IRIDIUM = ("iridium", 22.42)
_STEEL = ("steel", 8.06)
_AIR = ("air", 0.0012)


def iridium_lines(*, hard: bool = False) -> FloatArray:
    """Return the photon lines of Ir-192, (n, 2): keV and photons per decay.

    Parameters
    ----------
    hard : bool
        Only those above 60 keV: softer ones do not leave a capsule.
    """
    lines = np.array(_LINES)
    return frozen(lines[lines[:, 0] > _HARD_KEV] if hard else lines)


def _solid(from_mm: float, to_mm: float, radius_mm: float, filled: tuple[str, float], end_mm: float = -1.0) -> Solid:
    return Solid(
        from_mm=from_mm,
        to_mm=to_mm,
        radius_mm=radius_mm,
        medium=filled[0],
        density_g_per_cc=filled[1],
        end_radius_mm=None if end_mm < 0.0 else end_mm,
    )


def _gammamed(radius_mm: float, cone_mm: float, solid_mm: float, weld_mm: float) -> tuple[Solid, ...]:
    """Return core, gap of air, capsule with a conical tip, and 60 mm of cable."""
    half, gap, cable = 0.5 * _CORE_MM[1], 0.1, 60.0
    end = half + gap + solid_mm
    return (
        _solid(-half, half, _CORE_MM[0], _IRIDIUM),
        _solid(-half, half + gap, 0.35, _AIR),
        _solid(-half - weld_mm, end, radius_mm, _STEEL),
        _solid(end, end + cone_mm, radius_mm, _STEEL, 0.0),
        _solid(-half - weld_mm - cable, -half - weld_mm, radius_mm, ("steel_cable", 5.6)),
    )


def _generic() -> tuple[Solid, ...]:
    steel = ("steel_generic_capsule", 8.02)
    cap = Solid(from_mm=1.85, to_mm=2.36, radius_mm=0.5, medium=steel[0], density_g_per_cc=steel[1], is_ball=True)
    return (
        _solid(-1.75, 1.75, 0.3, _IRIDIUM),
        cap,
        _solid(-2.65, 1.85, 0.5, steel),
        _solid(-4.65, -2.65, 0.5, ("steel_cable", 5.0)),
    )


@cache
def _known() -> dict[str, tuple[tuple[Solid, ...], tuple[float, float, float]]]:
    return {
        "gammamed-12i": (_gammamed(0.55, 0.143, 0.717, 0.5), (0.56, -62.5, 2.8)),
        "gammamed-plus": (_gammamed(0.45, 0.183, 0.437, 0.3), (0.46, -62.5, 2.6)),
        "mbdca-generic": (_generic(), (0.51, -4.7, 2.4)),
    }


def capsule_names() -> tuple[str, ...]:
    """Return the names of sources whose capsule is known."""
    return tuple(_known())


def capsule_bodies(name: str, *, around: str, around_g_per_cc: float, reach_mm: float = 100.0) -> Bodies:
    """Return core, capsule and cable of a source.

    Parameters
    ----------
    name : str
        One of :func:`capsule_names`.
    around : str
        Medium around it.
    around_g_per_cc : float
        0 is vacuum.
    reach_mm : float
        Photons farther away are given up.

    Raises
    ------
    InputError
        The capsule of that source is not known.
    """
    if name not in _known():
        raise InputError("capsule not known", got=repr(name[:60]), remedy=f"Known: {', '.join(_known())}.")
    solids, inner = _known()[name]
    return Bodies(
        core_radius_mm=_CORE_MM[0],
        core_length_mm=_CORE_MM[1],
        solids=solids,
        around=around,
        around_g_per_cc=around_g_per_cc,
        inner_mm=inner,
        reach_mm=reach_mm,
    )
