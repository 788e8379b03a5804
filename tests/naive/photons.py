"""An analogue photon Monte Carlo: whole arrays at once, energy scored where it is left, cosines drawn and refused.

Shares the cross sections with hdrplan, and neither a sampling nor an estimator.
"""

from __future__ import annotations

import numpy as np

REST_KEV = 510.99895
KEV_ANGSTROM = 12.398419843


# keV cm2/g per mm2 in Gy.
GY = 1.602176634e-16 * 1000.0 * 100.0


def scattered_deposits(task, n: int, seed: int) -> np.ndarray:
    """Return the energy, keV, that photons leave in each scored voxel at their second and later collisions."""
    return _followed(task, n, seed, ())[0]


def scattered_kerma(task, n: int, seed: int, media) -> dict[str, np.ndarray]:
    """Return the kerma, Gy per photon, of scattered photons in media: scored wherever a collision might be.

    Places that a Woodcock flight asks for are a Poisson process of the majorant's density along the track, so each
    stands for one over the majorant of track.
    """
    kerma = _followed(task, n, seed, tuple(media))[1]
    return {name: one * GY / (task.scored.voxel_cc * 1000.0 * n) for name, one in zip(media, kerma, strict=True)}


def _followed(task, n: int, seed: int, media) -> tuple[np.ndarray, np.ndarray]:
    """Return energy left at collisions, and energy times absorption over the majorant where one might be."""
    rng = np.random.default_rng(seed)
    data, grid, scored = task.voxels.photons, task.voxels.grid, task.scored
    out = np.zeros(scored.size)
    kerma = np.zeros((len(media), scored.size))
    kind = rng.choice(len(task.emission.share), n, p=task.emission.share)
    energy = task.emission.energy_kev[kind].copy()
    dwell = rng.choice(len(task.times_s), n, p=task.times_s / task.times_s.sum())
    along = rng.uniform(-0.5, 0.5, n) * task.emission.length_mm
    place = task.positions_mm[dwell] + along[:, None] * task.axes[dwell]
    cosine = rng.uniform(task.emission.cosine[kind, 0], task.emission.cosine[kind, 1])
    way = _turned(task.axes[dwell], cosine, rng)
    collisions = np.zeros(n, dtype=int)
    rows = np.stack([data.incoherent, data.coherent, data.photoelectric]) * 0.1
    codes = np.unique(task.voxels.codes_zyx)
    highest = np.max([(code & 0xFFFFFF) * 2e-6 * rows.sum(axis=0)[code >> 24] for code in codes], axis=0)
    while len(energy):
        majorant = np.interp(energy, data.energy_kev, highest)
        place = place + (rng.exponential(size=len(energy)) / majorant)[:, None] * way
        index = np.rint(grid.index(place)).astype(int)
        inside = ((index >= 0) & (index < np.array(grid.shape_zyx[::-1]))).all(axis=1)
        energy, place, way, collisions, index, majorant = (
            a[inside] for a in (energy, place, way, collisions, index, majorant)
        )
        if media:
            again = np.flatnonzero(collisions > 0)
            cell = np.rint(scored.index(place[again])).astype(int)
            in_cell = ((cell >= 0) & (cell < np.array(scored.shape_zyx[::-1]))).all(axis=1)
            flat, again = np.ravel_multi_index(cell[in_cell][:, ::-1].T, scored.shape_zyx), again[in_cell]
            for k, name in enumerate(media):
                absorbed = np.interp(energy[again], data.energy_kev, data.absorption[data.number(name)])
                kerma[k] += np.bincount(flat, energy[again] * absorbed / majorant[again], minlength=scored.size)
        code = task.voxels.codes_zyx[index[:, 2], index[:, 1], index[:, 0]]
        medium, density = (code >> 24).astype(int), (code & 0xFFFFFF) * 2e-6
        at = np.searchsorted(data.energy_kev, energy) - 1
        part = (energy - data.energy_kev[at]) / (data.energy_kev[at + 1] - data.energy_kev[at])
        parts = density * (rows[:, medium, at] * (1.0 - part) + rows[:, medium, at + 1] * part)
        level = rng.uniform(size=len(energy)) * majorant
        compton = level < parts[0]
        coherent = ~compton & (level < parts[:2].sum(axis=0))
        absorbed = ~compton & ~coherent & (level < parts.sum(axis=0))
        new, turn = energy.copy(), np.ones(len(energy))
        if compton.any():
            new[compton], turn[compton] = _compton(energy[compton], medium[compton], data, rng)
        if coherent.any():
            turn[coherent] = _coherent(energy[coherent], medium[coherent], data, rng)
        new[absorbed] = 0.0
        left = (energy - new) * (collisions > 0)
        cell = np.rint(scored.index(place)).astype(int)
        in_cell = ((cell >= 0) & (cell < np.array(scored.shape_zyx[::-1]))).all(axis=1)
        flat = np.ravel_multi_index(cell[in_cell][:, ::-1].T, scored.shape_zyx)
        out += np.bincount(flat, left[in_cell], minlength=scored.size)
        turned = compton | coherent
        way[turned] = _turned(way[turned], turn[turned], rng)
        collisions[turned] += 1
        alive = new > 5.0
        energy, place, way, collisions = new[alive], place[alive], way[alive], collisions[alive]
    return out.reshape(scored.shape_zyx), kerma.reshape(len(media), *scored.shape_zyx)


def _turned(way, cosine, rng):
    """Turn directions about a random perpendicular axis."""
    other = rng.normal(size=way.shape)
    across = np.cross(way, other)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    out = cosine[:, None] * way + np.sqrt(np.maximum(0.0, 1.0 - cosine**2))[:, None] * across
    return out / np.linalg.norm(out, axis=1, keepdims=True)


def _compton(energy, medium, data, rng):
    new, cosine = np.empty(len(energy)), np.empty(len(energy))
    todo = np.arange(len(energy))
    while len(todo):
        c = rng.uniform(-1.0, 1.0, len(todo))
        e = energy[todo]
        ratio = 1.0 / (1.0 + e / REST_KEV * (1.0 - c))
        x = e / KEV_ANGSTROM * np.sqrt(0.5 * (1.0 - c))
        s = _at(data.scattering_function, medium[todo], x, data)
        height = 0.5 * ratio**2 * (ratio + 1.0 / ratio - 1.0 + c**2) * s
        taken = rng.uniform(size=len(todo)) < height
        cosine[todo[taken]], new[todo[taken]] = c[taken], (e * ratio)[taken]
        todo = todo[~taken]
    return new, cosine


def _coherent(energy, medium, data, rng):
    squares = (data.transfer / (1.0 - data.transfer)) ** 2
    cosine = np.empty(len(energy))
    for m in np.unique(medium):
        todo = np.flatnonzero(medium == m)
        while len(todo):
            highest = (energy[todo] / KEV_ANGSTROM) ** 2
            level = rng.uniform(size=len(todo)) * np.interp(highest, squares, data.form_factor[m])
            c = 1.0 - 2.0 * np.interp(level, data.form_factor[m], squares) / highest
            taken = rng.uniform(size=len(todo)) < 0.5 * (1.0 + c**2)
            cosine[todo[taken]] = c[taken]
            todo = todo[~taken]
    return cosine


def _at(table, medium, x, data):
    place = np.minimum(x / (1.0 + x) / data.transfer[1], len(data.transfer) - 1.001)
    i = place.astype(int)
    return table[medium, i] + (place - i) * (table[medium, i + 1] - table[medium, i])
