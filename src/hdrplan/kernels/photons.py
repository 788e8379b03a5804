"""What a photon does at a collision: photoelectric effect, Compton and coherent scattering, K lines."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit, jit_inline
from hdrplan.kernels.streams import uniform

__all__ = ["PhotonTables", "collided", "energy_place", "isotropic", "turned"]

_REST_KEV = 510.99895
_KEV_ANGSTROM = 12.398419843

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]


class PhotonTables(NamedTuple):
    """Tables of all media; energies are even in their logarithm from the first on. Read-only arrays."""

    log_first: float  # of the first energy in keV
    per_log: float  # places per unit of the logarithm
    cutoff_kev: float  # softer photons end where they are
    incoherent: Singles  # (n_energies, n_media), 1/mm at 1 g/cm3
    scattered: Singles  # with coherent scattering
    total: Singles  # with the photoelectric effect
    electrons: Singles  # (n_media, n_x), S(x), even in x / (1 + x)
    form: Singles  # (n_media, n_x), integral of F^2 over x^2, as a fraction
    x2: Floats  # (n_x,), x^2 in 1/Angstrom^2
    fluorescence: Singles  # (n_energies, n_media), K photons per photoelectric event
    line_kev: Floats  # (n_media, n_lines)
    line_cumulative: Floats  # (n_media, n_lines)


@jit_inline
def energy_place(energy_kev: float, tables: PhotonTables) -> tuple[int, float]:
    """Return the row of an energy, and how far it lies to the next.

    Parameters
    ----------
    energy_kev : float
    tables : PhotonTables
    """
    place = (np.log(energy_kev) - tables.log_first) * tables.per_log
    row = min(max(int(place), 0), len(tables.total) - 2)
    return row, place - row


@jit_inline
def _linear(table: Singles, row: int, fraction: float, column: int) -> float:
    """Return a value between two rows of a table."""
    low = float(table[row, column])
    return low + fraction * (float(table[row + 1, column]) - low)


@jit_inline
def turned(state: np.uint64, cosine: float, u: float, v: float, w: float) -> tuple[np.uint64, float, float, float]:
    """Return a direction turned by a polar angle, at a random azimuth.

    Parameters
    ----------
    state : uint64
    cosine : float
        Of the polar angle.
    u, v, w : float
        The direction before.
    """
    a, b, r2 = 0.0, 0.0, 2.0
    while r2 > 1.0 or r2 < 1e-12:
        state, one = uniform(state)
        state, two = uniform(state)
        a, b = 2.0 * one - 1.0, 2.0 * two - 1.0
        r2 = a * a + b * b
    sine = np.sqrt(max(0.0, 1.0 - cosine * cosine) / r2)
    a, b = a * sine, b * sine
    # Frisvad's frame, from the pole that is far away.
    sign = 1.0 if w >= 0.0 else -1.0
    c = -1.0 / (sign + w)
    d = u * v * c
    x = cosine * u + a * (1.0 + sign * u * u * c) + b * d
    y = cosine * v + a * sign * d + b * (sign + v * v * c)
    z = cosine * w - a * sign * u - b * v
    norm = 1.0 / np.sqrt(x * x + y * y + z * z)
    return state, x * norm, y * norm, z * norm


@jit_inline
def isotropic(state: np.uint64) -> tuple[np.uint64, float, float, float]:
    """Return a random direction.

    Parameters
    ----------
    state : uint64
    """
    state, one = uniform(state)
    return turned(state, 2.0 * one - 1.0, 0.0, 0.0, 1.0)


@jit_inline
def _compton(state: np.uint64, energy: float, medium: int, electrons: Singles) -> tuple[np.uint64, float, float]:
    """Return energy and cosine after Klein-Nishina times S(x): the fraction kept is drawn evenly, then refused."""
    k = energy / _REST_KEV
    least = 1.0 / (1.0 + 2.0 * k)
    highest = least + 1.0 / least
    n = electrons.shape[1]
    kept, cosine = 1.0, 1.0
    while True:
        state, one = uniform(state)
        kept = least + one * (1.0 - least)
        t = (1.0 - kept) / (k * kept)
        cosine = 1.0 - t
        height = kept + 1.0 / kept - t * (2.0 - t)
        state, two = uniform(state)
        level = two * highest
        if level < height:
            x = energy / _KEV_ANGSTROM * np.sqrt(0.5 * t)
            place = x / (1.0 + x) * ((n - 1) / 0.9925)
            i = min(int(place), n - 2)
            low = float(electrons[medium, i])
            if level < height * (low + (place - i) * (float(electrons[medium, i + 1]) - low)):
                break
    return state, energy * kept, cosine


@jit
def _coherent(state: np.uint64, energy: float, medium: int, tables: PhotonTables) -> tuple[np.uint64, float]:
    """Return the cosine after coherent scattering: x^2 from the form factor, then (1 + cos^2) / 2."""
    form, x2 = tables.form, tables.x2
    highest = (energy / _KEV_ANGSTROM) ** 2
    last = min(max(int(np.searchsorted(x2, highest)), 1), len(x2) - 1)
    rise = (highest - x2[last - 1]) / (x2[last] - x2[last - 1])
    whole = form[medium, last - 1] + rise * (form[medium, last] - form[medium, last - 1])
    while True:
        state, one = uniform(state)
        level = one * whole
        i = min(max(int(np.searchsorted(form[medium], level)), 1), last)
        step = form[medium, i] - form[medium, i - 1]
        inside = (level - form[medium, i - 1]) / step if step > 0.0 else 0.0
        cosine = 1.0 - 2.0 * (x2[i - 1] + inside * (x2[i] - x2[i - 1])) / highest
        state, two = uniform(state)
        if cosine >= -1.0 and two < 0.5 * (1.0 + cosine * cosine):
            return state, cosine


@jit
def _emitted(state: np.uint64, row: int, medium: int, tables: PhotonTables) -> tuple[np.uint64, float]:
    """Return the energy of the K line after a photoelectric event; 0 where there is none."""
    state, one = uniform(state)
    if one >= tables.fluorescence[row, medium]:
        return state, 0.0
    state, two = uniform(state)
    line = min(int(np.searchsorted(tables.line_cumulative[medium], two)), tables.line_kev.shape[1] - 1)
    return state, float(tables.line_kev[medium, line])


@jit_inline
def collided(
    state: np.uint64,
    level: float,
    place: tuple[int, float, int],
    energy: float,
    direction: tuple[float, float, float],
    tables: PhotonTables,
) -> tuple[np.uint64, float, float, float, float]:
    """Return stream, energy and direction after a collision; energy 0 after an absorption.

    Parameters
    ----------
    state : uint64
    level : float
        Even between 0 and the total cross section: which process it is.
    place : (int, float, int)
        Row and fraction of the energy, medium.
    energy : float
    direction : (float, float, float)
    tables : PhotonTables
    """
    row, fraction, medium = place
    u, v, w = direction
    if level < _linear(tables.incoherent, row, fraction, medium):
        state, energy, cosine = _compton(state, energy, medium, tables.electrons)
        state, u, v, w = turned(state, cosine, u, v, w)
    elif level < _linear(tables.scattered, row, fraction, medium):
        state, cosine = _coherent(state, energy, medium, tables)
        state, u, v, w = turned(state, cosine, u, v, w)
    else:
        # An absorption edge lies between two rows: the row above it holds for what could be absorbed there.
        state, energy = _emitted(state, row, medium, tables)
        state, u, v, w = isotropic(state)
    return state, energy, u, v, w
