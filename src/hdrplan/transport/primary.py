"""Primary dose in a patient's media, by ray tracing and without noise, and the same in water without end."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from hdrplan.arrays import FloatArray, adopt, freeze, frozen
from hdrplan.brief import brief_repr
from hdrplan.errors import InputError
from hdrplan.geometry import Dwells
from hdrplan.kernels.primary import BaseBox, SpectrumTables, primary_media_rows, primary_rows
from hdrplan.kernels.tg43 import Stops
from hdrplan.materials import MediaMap, PhotonData, media, photon_data
from hdrplan.threads import over_rows, single_blas_thread
from hdrplan.transport.emission import Emission
from hdrplan.transport.tables import GY_PER_KEV_PER_MM2_G

__all__ = ["Primary", "base_masses", "primary_in_media", "primary_kerma"]

# Attenuation of any tissue is a sum of theirs: transmission through 15 g/cm2 within 0.005 %, steel 0.04 %.
_BASES = ("water", "cortical_bone")
# g/cm2 behind which coefficients are fitted; deeper, photons are harder and the fit serves as well.
_FITTED_AT = 8.0
_NODE_G_PER_CM2 = 0.5
_REACH_G_PER_CM2 = ((0.0, 60.0), (-6.0, 20.0))
_ANGLES = 41


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Primary:
    """Primary kerma at points per photon that leaves the source, dwells weighted by their share of the time.

    Parameters
    ----------
    medium_gy : (n,) array
        To the medium at the point, in the patient.
    water_gy : (n,) array
        To a speck of water there, in the patient.
    all_water_gy : (n,) array
        To water, in water without end.
    """

    medium_gy: FloatArray
    water_gy: FloatArray
    all_water_gy: FloatArray

    __repr__ = brief_repr

    def __post_init__(self) -> None:
        for name in ("medium_gy", "water_gy", "all_water_gy"):
            freeze(self, name, (None,))


@lru_cache(maxsize=8)
def base_masses(emission: Emission, photons: PhotonData) -> FloatArray:
    """Return how much of the base media, water and cortical bone, a gram of each medium attenuates like.

    Parameters
    ----------
    emission : Emission
        Its spectrum is what the sum is fitted to.
    photons : PhotonData

    Returns
    -------
    (n_media, 2) array
    """
    energy = emission.energy_kev
    mu = {name: photons.attenuation(name, energy) for name in photons.names}
    seen = emission.share * energy * photons.energy_absorption("water", energy) * np.exp(-mu["water"] * _FITTED_AT)
    weight = np.sqrt(seen)
    bases = np.stack([mu[name] for name in _BASES], axis=1) * weight[:, None]
    fits = [np.linalg.lstsq(bases, mu[name] * weight, rcond=None)[0] for name in photons.names]
    return frozen(np.round(fits, 12))


def primary_kerma(
    points_mm: FloatArray,
    media_map: MediaMap,
    dwells: Dwells,
    times_s: FloatArray,
    emission: Emission,
    *,
    medium: str | None = None,
) -> Primary:
    """Return the primary kerma at points, from all dwells.

    Parameters
    ----------
    points_mm : (n, 3) array
    media_map : MediaMap
        Beyond its grid there is nothing; a point there has the kerma of water.
    dwells : Dwells
    times_s : (n_dwells,) array
    emission : Emission
    medium : str, optional
        What absorbs at all points; without it the medium of the map there.

    Raises
    ------
    InputError
        No time at all.
    """
    at = media_map.medium_at(np.asarray(points_mm, dtype=np.float64))
    if medium is not None:
        at = np.full(len(at), media_map.names.index(medium))
    used = _media_of(media_map)
    row = np.array([used.index(name) if name in used else 0 for name in media_map.names], dtype=np.int64)
    medium_rows = frozen(np.where(at >= 0, row[at], 0), np.int64)
    points, stops, box, tables = _call(points_mm, used, media_map, dwells, times_s, emission)
    out = np.empty((len(points), 3))
    over_rows(lambda first, last: primary_rows(first, last, points, medium_rows, stops, box, tables, out), len(points))
    out *= GY_PER_KEV_PER_MM2_G / (4.0 * np.pi)
    return Primary(medium_gy=out[:, 0], water_gy=out[:, 1], all_water_gy=out[:, 2])


def primary_in_media(
    points_mm: FloatArray, media_map: MediaMap, dwells: Dwells, times_s: FloatArray, emission: Emission
) -> dict[str, FloatArray]:
    """Return the primary kerma at points in water and in each medium of the map, by name: each line is followed once.

    Parameters
    ----------
    points_mm, media_map, dwells, times_s, emission
        As in :func:`primary_kerma`.

    Raises
    ------
    InputError
        No time at all.
    """
    names = _media_of(media_map)
    points, stops, box, tables = _call(points_mm, names, media_map, dwells, times_s, emission)
    out = np.empty((len(points), len(names)))
    over_rows(lambda first, last: primary_media_rows(first, last, points, stops, box, tables, out), len(points))
    out *= GY_PER_KEV_PER_MM2_G / (4.0 * np.pi)
    return dict(zip(names, out.T, strict=True))


@lru_cache(maxsize=2)
def _media_of(media_map: MediaMap) -> tuple[str, ...]:
    """Water and the media of a map: one table serves all its points."""
    held = [media_map.names[number] for number in np.unique(media_map.medium_zyx).tolist()]
    return ("water", *(name for name in held if name != "water"))


def _call(
    points_mm: FloatArray,
    used: tuple[str, ...],
    media_map: MediaMap,
    dwells: Dwells,
    times_s: FloatArray,
    emission: Emission,
) -> tuple[FloatArray, Stops, BaseBox, SpectrumTables]:
    """Return what kernels take, in the frame of the map: mm along its axes from its low corner."""
    times = np.asarray(times_s, dtype=np.float64)
    if len(times) != len(dwells) or not times.sum() > 0.0:
        raise InputError("a time for each dwell is needed, not all 0", got=f"{len(times)} times for {len(dwells)}")
    grid = media_map.grid
    frame = [(grid.index(place) + 0.5) * grid.spacing_mm for place in (points_mm, dwells.positions_mm)]
    return (
        frozen(frame[0]),
        Stops(frozen(frame[1]), frozen(dwells.axes @ grid.direction), frozen(times / times.sum())),
        _base_box(media_map, emission),
        _tables(emission, photon_data(), used),
    )


@lru_cache(maxsize=2)
def _base_box(media_map: MediaMap, emission: Emission) -> BaseBox:
    """Masses of the base media in every voxel: made once for a map, whose points are asked structure by structure."""
    grid, photons = media_map.grid, photon_data()
    share = base_masses(emission, photons)[[photons.number(name) for name in media_map.names]]
    mass = np.empty((*grid.shape_zyx, 2), dtype=np.float32)
    # Slice by slice: in float64 all of a large CT would take hundreds of megabytes.
    for k, (of, density) in enumerate(zip(media_map.medium_zyx, media_map.density_g_per_cc_zyx, strict=True)):
        mass[k] = share[of] * density[..., None]
    return BaseBox(frozen(1.0 / grid.spacing_mm), adopt(mass), media()["water"].density_g_per_cc)


@lru_cache(maxsize=4)
def _tables(emission: Emission, photons: PhotonData, names: tuple[str, ...]) -> SpectrumTables:
    """Kerma of the whole spectrum behind masses of the base media, for each medium and angle."""
    nodes = [np.arange(low, high + 1e-9, _NODE_G_PER_CM2) for low, high in _REACH_G_PER_CM2]
    energy = emission.energy_kev
    alike = (emission.cosine[:, 0] == -1.0).all() and (emission.cosine[:, 1] == 1.0).all()
    cosines = np.zeros(1) if alike else np.linspace(-1.0, 1.0, _ANGLES)
    low, high = emission.cosine[:, 0], emission.cosine[:, 1]
    first = np.exp(-nodes[0][:, None] * photons.attenuation(_BASES[0], energy))
    second = np.exp(-nodes[1][:, None] * photons.attenuation(_BASES[1], energy))
    logs = np.empty((len(names), len(cosines), len(nodes[0]), len(nodes[1])), dtype=np.float32)
    # Short products: 0.02 CPU s with one thread, 0.13 with two on an idle machine, 2 where they waited for each other.
    with single_blas_thread():
        for a, cosine in enumerate(cosines):
            held = np.flatnonzero((cosine >= low) & ((cosine < high) | ((high == 1.0) & (cosine == 1.0))))
            # Photons into a unit of solid angle at this cosine, relative to all directions alike.
            density = emission.share[held] * 2.0 / (high - low)[held] * energy[held]
            for k, name in enumerate(names):
                absorbed = density * photons.energy_absorption(name, energy[held])
                logs[k, a] = np.log((first[:, held] * absorbed) @ second[:, held].T)
    return SpectrumTables(
        length_mm=emission.length_mm,
        first=frozen([low for low, _ in _REACH_G_PER_CM2]),
        per_node=frozen([1.0 / _NODE_G_PER_CM2] * 2),
        log_kerma=adopt(logs),
    )
