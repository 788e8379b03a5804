"""Sources as solids of revolution: core, capsule and cable, and what leaves them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats.qmc import Halton

from hdrplan.arrays import FloatArray, frozen
from hdrplan.kernels.revolved import Core, Revolved, Tally, revolved_histories, uncollided_rows
from hdrplan.materials import PhotonData
from hdrplan.threads import over_rows
from hdrplan.transport.alias import alias_table
from hdrplan.transport.tables import GY_PER_KEV_PER_MM2_G, photon_tables

__all__ = ["Bodies", "KermaShells", "Solid", "kerma_shells", "leaving", "primary_kerma_gy"]

_BATCHES = 20
_SHELL_MM = 2.5
# Width of the energies that leave a capsule.
KEV_STEP = 5.0
_MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Solid:
    """One solid of revolution around z: a cone, a cylinder, or a ball around ``from_mm`` cut at both planes.

    Parameters
    ----------
    from_mm, to_mm : float
        Range along the axis.
    radius_mm : float
        At ``from_mm``; of the ball.
    medium : str
    density_g_per_cc : float
    end_radius_mm : float or None
        At ``to_mm``; None: as at ``from_mm``.
    is_ball : bool
    """

    from_mm: float
    to_mm: float
    radius_mm: float
    medium: str
    density_g_per_cc: float
    end_radius_mm: float | None = None
    is_ball: bool = False

    def row(self) -> list[float]:
        """Return the solid as kernels take it."""
        end = self.radius_mm if self.end_radius_mm is None else self.end_radius_mm
        return [self.from_mm, self.to_mm, self.radius_mm, end, self.radius_mm if self.is_ball else 0.0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bodies:
    """A core that emits, and solids around it in what is everywhere else.

    Parameters
    ----------
    core_radius_mm, core_length_mm : float
        Of the cylinder around the origin that photons start in.
    solids : tuple of Solid
        The first that holds a place counts.
    around : str
        Medium outside all solids.
    around_g_per_cc : float
        0 is vacuum.
    inner_mm : tuple of float
        Radius, z from and z to of a cylinder around all heavy solids; a radius of 0: there are none.
    reach_mm : float
        Photons farther from the origin are given up.
    """

    core_radius_mm: float
    core_length_mm: float
    solids: tuple[Solid, ...]
    around: str
    around_g_per_cc: float
    inner_mm: tuple[float, float, float]
    reach_mm: float

    def kernel_form(self, photons: PhotonData) -> Revolved:
        """Return the solids as kernels take them."""
        medium = [photons.number(solid.medium) for solid in self.solids] + [photons.number(self.around)]
        density = [solid.density_g_per_cc for solid in self.solids] + [self.around_g_per_cc]
        total = photon_tables(photons).total
        mu = np.stack([total[:, m] * np.float32(d) for m, d in zip(medium, density, strict=True)], axis=1)
        radius, low, high = self.inner_mm
        outer = [i for i, s in enumerate(self.solids) if s.radius_mm > radius or s.from_mm < low or s.to_mm > high]
        columns = [mu.max(axis=1), mu[:, [*outer, len(self.solids)]].max(axis=1)]
        return Revolved(
            solid=frozen(np.array([solid.row() for solid in self.solids]).reshape(-1, 5)),
            medium=frozen(medium, np.int64),
            density=frozen(density),
            inner=frozen(self.inner_mm),
            reach_mm=self.reach_mm,
            majorant=frozen(np.stack(columns, axis=1) * np.float32(1.001), np.float32),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KermaShells:
    """Kerma around a source, by radius and cosine, in batches.

    Parameters
    ----------
    radius_mm : (n_radii,) array
        Centres of shells.
    cosine : (n_cosines,) array
        Centres, from -1.
    batches_gy_mm2 : (n_batches, n_radii, n_cosines, 2) array
        Kerma times radius squared per photon that starts, averaged along the radius: of primary and of scattered
        photons.
    """

    radius_mm: FloatArray
    cosine: FloatArray
    batches_gy_mm2: FloatArray


def _core(bodies: Bodies, lines_kev: npt.ArrayLike, intensity: npt.ArrayLike) -> Core:
    share = np.asarray(intensity, dtype=np.float64)
    limit, alias = alias_table(share / share.sum())
    return Core(
        radius_mm=bodies.core_radius_mm,
        length_mm=bodies.core_length_mm,
        limit=frozen(limit),
        alias=frozen(alias, np.int64),
        energy_kev=frozen(lines_kev),
    )


def _keys(seed: int) -> Sequence[np.uint64]:
    return [np.uint64((seed * 0x632BE59BD9B4E019 + b * 0x9E3779B97F4A7C15) & _MASK) for b in range(_BATCHES)]


def _tally(left: FloatArray, kerma: FloatArray, per_mm: float, step_mm: float, response: FloatArray) -> Tally:
    return Tally(
        left=left,
        kev_step=KEV_STEP,
        kerma=kerma,
        per_mm=per_mm,
        step_mm=step_mm,
        response=frozen(response[:, None], np.float32),
    )


def kerma_shells(
    bodies: Bodies, photons: PhotonData, lines: npt.ArrayLike, *, histories: int, n_cosines: int = 1, seed: int = 1
) -> KermaShells:
    """Return the kerma in the medium around, by radius and cosine, of photons that start in a core.

    Parameters
    ----------
    bodies : Bodies
    photons : PhotonData
    lines : (n, 2) array
        Energy in keV and intensity.
    histories : int
        Of all batches.
    n_cosines : int
        Ranges of the cosine; 1 takes the average over the sphere.
    seed : int

    Returns
    -------
    KermaShells
        Shells of 2.5 mm up to ``reach_mm``.
    """
    energy, intensity = np.asarray(lines, dtype=np.float64).T
    core, tables, solids = _core(bodies, energy, intensity), photon_tables(photons), bodies.kernel_form(photons)
    n_radii = int(bodies.reach_mm / _SHELL_MM)
    response = photons.energy_kev * photons.absorption[photons.number(bodies.around)]
    out = np.zeros((_BATCHES, n_radii, n_cosines, 2))
    each, keys = -(-histories // _BATCHES), _keys(seed)

    def block(first: int, last: int) -> None:
        for batch in range(first, last):
            tally = _tally(np.zeros((0, 1, 2, 2)), out[batch], 1.0 / _SHELL_MM, _SHELL_MM, response)
            revolved_histories(0, each, keys[batch], core, tables, solids, tally)

    over_rows(block, _BATCHES, smallest=1)
    edges = _SHELL_MM * np.arange(n_radii + 1)
    cosine = (2.0 * np.arange(n_cosines) + 1.0) / n_cosines - 1.0
    return KermaShells(
        radius_mm=0.5 * (edges[1:] + edges[:-1]),
        cosine=cosine,
        # A step scores K dV = K r^2 dr dOmega: their mean over the shell is that of K r^2 along the radius.
        batches_gy_mm2=out * (GY_PER_KEV_PER_MM2_G / each * n_cosines / (4.0 * np.pi)),
    )


def leaving(
    bodies: Bodies, photons: PhotonData, lines: npt.ArrayLike, *, histories: int, n_cosines: int, seed: int = 1
) -> tuple[FloatArray, FloatArray]:
    """Return how many photons leave the inner cylinder, by energy and cosine, and their mean energies.

    Parameters
    ----------
    bodies : Bodies
        With vacuum around.
    photons : PhotonData
    lines : (n, 2) array
        Energy in keV and intensity.
    histories : int
    n_cosines : int
    seed : int

    Returns
    -------
    count : (n_batches, n_energies, n_cosines, 2) array
        Primary and scattered photons per photon that starts.
    energy_kev : (n_energies,) array
        Mean energy in each step of :data:`KEV_STEP`; its middle where there is no photon.
    """
    energy, intensity = np.asarray(lines, dtype=np.float64).T
    core, tables, solids = _core(bodies, energy, intensity), photon_tables(photons), bodies.kernel_form(photons)
    out = np.zeros((_BATCHES, int(np.ceil(energy.max() / KEV_STEP)) + 1, n_cosines, 2, 2))
    each, keys = -(-histories // _BATCHES), _keys(seed)

    def block(first: int, last: int) -> None:
        for batch in range(first, last):
            tally = _tally(out[batch], np.zeros((0, 1, 2)), 1.0, 1.0, photons.energy_kev)
            revolved_histories(0, each, keys[batch], core, tables, solids, tally)

    over_rows(block, _BATCHES, smallest=1)
    number, energy_sum = np.moveaxis(out.sum(axis=(0, 2, 3)), -1, 0)
    middle = KEV_STEP * (np.arange(len(number)) + 0.5)
    return out[..., 0] / each, np.divide(energy_sum, number, out=middle, where=number > 0.0)


def primary_kerma_gy(
    bodies: Bodies, photons: PhotonData, lines: npt.ArrayLike, points_mm: npt.ArrayLike, *, n_starts: int = 256
) -> FloatArray:
    """Return the kerma of photons that reach points without a collision, Gy per photon that starts.

    Parameters
    ----------
    bodies : Bodies
        Nothing but the surroundings is outside the inner cylinder.
    photons : PhotonData
    lines : (n, 2) array
        Energy in keV and intensity.
    points_mm : (n, 3) array
        Outside the inner cylinder, in the frame of the solids.
    n_starts : int
        Places of the core.

    Returns
    -------
    (n,) array
    """
    energy, intensity = np.asarray(lines, dtype=np.float64).T
    points = np.ascontiguousarray(points_mm, dtype=np.float64)
    spread = Halton(d=3, seed=1).random(n_starts)
    radius, turn = bodies.core_radius_mm * np.sqrt(spread[:, 0]), 2.0 * np.pi * spread[:, 1]
    starts = np.stack(
        (radius * np.cos(turn), radius * np.sin(turn), bodies.core_length_mm * (spread[:, 2] - 0.5)), axis=1
    )
    filled = [(solid.medium, solid.density_g_per_cc) for solid in bodies.solids] + [
        (bodies.around, bodies.around_g_per_cc)
    ]
    mu = np.stack([0.1 * density * photons.attenuation(medium, energy) for medium, density in filled], axis=1)
    kerma = intensity / intensity.sum() * energy * photons.energy_absorption(bodies.around, energy)
    out, solids = np.empty(len(points)), bodies.kernel_form(photons)
    weight = kerma * GY_PER_KEV_PER_MM2_G / (4.0 * np.pi)

    def block(first: int, last: int) -> None:
        uncollided_rows(first, last, points, starts, solids, mu, weight, out)

    over_rows(block, len(points), smallest=8)
    return out
