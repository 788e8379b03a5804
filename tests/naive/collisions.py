"""What one photon does at a collision, in the order of draws of hdrplan's streams.

Tables are those of :class:`hdrplan.kernels.photons.PhotonTables`, by name. Directions are turned by rotation matrices
(Rodrigues), cosines follow from energies (Compton's shift), integrals are looked up by :func:`numpy.interp`.
"""

from __future__ import annotations

import numpy as np

from naive.streams import Stream

REST_KEV = 510.99895
KEV_ANGSTROM = 12.398419843


def row_of(energy_kev: float, tables) -> tuple[int, float]:
    """Row of the table and how far the energy lies, in logarithms, to the next."""
    nodes = tables.log_first + np.arange(len(tables.total)) / tables.per_log
    row = int(np.clip(np.searchsorted(nodes, np.log(energy_kev), side="right") - 1, 0, len(nodes) - 2))
    return row, float((np.log(energy_kev) - nodes[row]) * tables.per_log)


def between(rows, row: int, fraction: float) -> np.ndarray:
    """Rows of a table, straight between two of them."""
    first, second = np.asarray(rows[row], dtype=float), np.asarray(rows[row + 1], dtype=float)
    return (1.0 - fraction) * first + fraction * second


def turned(stream: Stream, cosine: float, way) -> np.ndarray:
    """Turn a direction: from the nearer pole, by the shortest rotation that takes this pole there."""
    while True:
        a, b = 2.0 * stream.uniform() - 1.0, 2.0 * stream.uniform() - 1.0
        if 1e-12 <= a * a + b * b <= 1.0:
            break
    way = np.asarray(way, dtype=float)
    sign = 1.0 if way[2] >= 0.0 else -1.0
    azimuth, sine = np.arctan2(b, a), np.sqrt(max(0.0, 1.0 - cosine**2))
    local = np.array([sine * np.cos(azimuth), sign * sine * np.sin(azimuth), sign * cosine])
    pole = np.array([0.0, 0.0, sign])
    k = np.cross(pole, way)
    cross = np.array([[0.0, -k[2], k[1]], [k[2], 0.0, -k[0]], [-k[1], k[0], 0.0]])
    out = (np.eye(3) + cross + cross @ cross / (1.0 + pole @ way)) @ local
    return out / np.linalg.norm(out)


def isotropic(stream: Stream) -> np.ndarray:
    return turned(stream, 2.0 * stream.uniform() - 1.0, (0.0, 0.0, 1.0))


def compton(stream: Stream, energy: float, medium: int, tables) -> tuple[float, float]:
    """Energy and cosine: Klein-Nishina in the energy that is kept, times S(x)."""
    backward = energy / (1.0 + 2.0 * energy / REST_KEV)
    s = np.asarray(tables.electrons[medium], dtype=float)
    nodes = np.linspace(0.0, 0.9925, len(s))
    while True:
        new = backward + stream.uniform() * (energy - backward)
        cosine = 1.0 - REST_KEV * (1.0 / new - 1.0 / energy)
        height = new / energy + energy / new - (1.0 - cosine**2)
        x = energy / KEV_ANGSTROM * np.sqrt(max(0.0, 1.0 - cosine) / 2.0)
        highest = backward / energy + energy / backward
        if stream.uniform() * highest < height * np.interp(x / (1.0 + x), nodes, s):
            return new, cosine


def coherent(stream: Stream, energy: float, medium: int, tables) -> float:
    """Cosine: Thomson's times the square of the form factor."""
    form, highest = np.asarray(tables.form[medium], dtype=float), (energy / KEV_ANGSTROM) ** 2
    while True:
        level = stream.uniform() * np.interp(highest, tables.x2, form)
        cosine = 1.0 - 2.0 * np.interp(level, form, tables.x2) / highest
        if stream.uniform() < (1.0 + cosine**2) / 2.0:
            return float(cosine)


def emitted(stream: Stream, row: int, medium: int, tables) -> float:
    """Energy of a K line, or 0."""
    if stream.uniform() >= tables.fluorescence[row, medium]:
        return 0.0
    level = stream.uniform()
    for energy, up_to in zip(tables.line_kev[medium], tables.line_cumulative[medium], strict=True):
        if level <= up_to:
            return float(energy)
    return float(tables.line_kev[medium, -1])


def collided(stream: Stream, level: float, energy: float, medium: int, way, tables) -> tuple[float, np.ndarray]:
    """Energy and direction after a collision, which one ``level`` says; energy 0 after an absorption."""
    row, fraction = row_of(energy, tables)
    if level < between(tables.incoherent, row, fraction)[medium]:
        energy, cosine = compton(stream, energy, medium, tables)
        return energy, turned(stream, cosine, way)
    if level < between(tables.scattered, row, fraction)[medium]:
        return energy, turned(stream, coherent(stream, energy, medium, tables), way)
    return emitted(stream, row, medium, tables), isotropic(stream)
