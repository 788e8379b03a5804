"""Make src/hdrplan/materials/photons.npz from the table of media beside it: ``python tools/make_media.py``.

Needs xraylib, which the product does not (``pip install -e '.[tables]'``). Photoelectric and coherent cross sections,
form factors and scattering functions are xraylib's; the incoherent one and the energy that it transfers are integrated
here, Klein-Nishina times S(x): xraylib's own ``CS_Energy`` is 8 % off at 60 keV and 37 % at 30 keV in water.

References
----------
Schoonjans T et al., Spectrochim Acta B 2011;66:776 (xraylib). Hubbell JH et al., J Phys Chem Ref Data 1975;4:471 (F and
S). Hubbell JH, Seltzer SM, NISTIR 5632 (NIST, 1995): the definition of mu_en. Turner JE, Atoms, Radiation, and
Radiation Protection (2007), eq. 5.14: radiation yield of an electron, Y = 6e-4 Z T / (1 + 6e-4 Z T), T in MeV.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xraylib

from hdrplan.materials import media

HERE = Path(__file__).resolve().parents[1] / "src" / "hdrplan" / "materials"
# 0.7 % apart: between neighbours E^-3 is straight to 7e-5.
ENERGY_KEV = np.geomspace(1.0, 1500.0, 1025)
# Momentum transfer x = sin(theta / 2) / wavelength, in 1/Angstrom, even in t = x / (1 + x).
T = np.linspace(0.0, 0.9925, 1025)
X = T / (1.0 - T)
_KEV_ANGSTROM = 12.398419843
_REST_KEV = 510.99895
_RE2_BARN = 0.07940787
_AVOGADRO = 0.602214076
# xraylib rounds atomic weights to 0.01, hydrogen's by 0.2 %. Standard atomic weights (IUPAC 2021, abridged).
_WEIGHT = {
    **{1: 1.008, 6: 12.011, 7: 14.007, 8: 15.999, 11: 22.98977, 12: 24.305, 14: 28.085, 15: 30.97376, 16: 32.06},
    **{17: 35.45, 18: 39.95, 19: 39.0983, 20: 40.078, 22: 47.867, 24: 51.9961, 25: 54.93804, 26: 55.845, 28: 58.6934},
    **{42: 95.95, 53: 126.90447, 77: 192.217},
}
# Up to four K lines; the softest K edge that matters beyond a millimetre of tissue.
_LINES = ("KL3_LINE", "KL2_LINE", "KM3_LINE", "KN3_LINE")
_FIRST_KEV = 15.0
_LAST_KEV = 800.0
_LAST_SHELL_KEV = 195.0  # of single shells; their shares hardly change beyond

Floats = npt.NDArray[np.float64]


@cache
def _per_gram(z: int, kind: str) -> Floats:
    """Return an element's cross section in cm2/g; beyond 800 keV, where some splines end, log-log."""
    table = {"photo": xraylib.CS_Photo, "coherent": xraylib.CS_Rayl}[kind]
    held = np.array([table(z, min(float(e), _LAST_KEV)) for e in ENERGY_KEV])
    slope = np.log(table(z, _LAST_KEV) / table(z, 600.0)) / np.log(_LAST_KEV / 600.0)
    return np.where(ENERGY_KEV > _LAST_KEV, held * (ENERGY_KEV / _LAST_KEV) ** slope, held)


@cache
def _scattering_function(z: int) -> Floats:
    first = 0.005  # the tables begin there; S grows with the square below
    held = np.array([xraylib.SF_Compt(z, max(float(x), first)) for x in X])
    return np.where(first > X, held * (X / first) ** 2, held)


@cache
def _form_factor(z: int) -> Floats:
    return np.array([float(z) if x <= 0.0 else xraylib.FF_Rayl(z, float(x)) for x in X])


@cache
def _incoherent(z: int) -> tuple[Floats, Floats]:
    """Return cross section and transferred energy cross section of one element, in cm2/g."""
    nodes, weights = np.polynomial.legendre.leggauss(300)
    u = 0.5 * (nodes + 1.0)
    half_sine, d_half_sine = u * u, 0.5 * weights * 2.0 * u  # sin(theta / 2) = u^2: dense where S bends
    k = ENERGY_KEV[:, None] / _REST_KEV
    cosine = 1.0 - 2.0 * half_sine**2
    ratio = 1.0 / (1.0 + k * (1.0 - cosine))
    klein_nishina = 0.5 * _RE2_BARN * ratio**2 * (ratio + 1.0 / ratio - 1.0 + cosine**2)
    transfer = ENERGY_KEV[:, None] / _KEV_ANGSTROM * half_sine
    bound = np.interp(transfer, X, _scattering_function(z))
    rows = klein_nishina * bound * 8.0 * np.pi * half_sine * d_half_sine
    scale = _AVOGADRO / _WEIGHT[z]
    return scale * rows.sum(axis=1), scale * (rows * (1.0 - ratio)).sum(axis=1)


@cache
def _fluorescence_kev_per_gram(z: int) -> Floats:
    """Return the energy that leaves as K and L lines, in keV cm2/g."""
    total = np.zeros(len(ENERGY_KEV))
    lines = [xraylib.KA_LINE, xraylib.KB_LINE, xraylib.LA_LINE, xraylib.LB_LINE]
    for i, energy in enumerate(ENERGY_KEV):
        for line in lines:
            try:
                total[i] += xraylib.CS_FluorLine_Kissel(
                    z, line, min(float(energy), _LAST_SHELL_KEV)
                ) * xraylib.LineEnergy(z, line)
            except ValueError:  # below the edge, or no such line
                continue
    return total


def _fluorescence(z: int) -> tuple[Floats, Floats, Floats]:
    """Return the fraction of photoelectric events with a K line, the lines in keV, their cumulative rates."""
    edge = xraylib.EdgeEnergy(z, xraylib.K_SHELL)
    fraction = np.array(
        [
            xraylib.CS_Photo_Partial(z, xraylib.K_SHELL, min(float(e), _LAST_SHELL_KEV))
            / xraylib.CS_Photo_Total(z, min(float(e), _LAST_SHELL_KEV))
            if e > edge
            else 0.0
            for e in ENERGY_KEV
        ]
    )
    lines = [getattr(xraylib, name) for name in _LINES]
    rates = np.array([xraylib.RadRate(z, line) for line in lines])
    energies = np.array([xraylib.LineEnergy(z, line) for line in lines])
    return fraction * xraylib.FluorYield(z, xraylib.K_SHELL), energies, np.cumsum(rates) / rates.sum()


def _medium(fractions: Mapping[int, float]) -> dict[str, Floats]:
    """Return all rows of one medium."""
    photo, coherent, incoherent, transferred, lost, soft = (np.zeros(len(ENERGY_KEV)) for _ in range(6))
    scatter, form, electrons, z_electrons = np.zeros(len(X)), np.zeros(len(X)), 0.0, 0.0
    lines, rates = np.zeros(4), np.ones(4)
    for z, weight in sorted(fractions.items()):
        atoms = weight / _WEIGHT[z]
        photo += weight * _per_gram(z, "photo")
        coherent += weight * _per_gram(z, "coherent")
        incoherent += weight * _incoherent(z)[0]
        transferred += weight * _incoherent(z)[1]
        soft += weight * _fluorescence_kev_per_gram(z)
        scatter += atoms * _scattering_function(z)
        form += atoms * _form_factor(z) ** 2
        electrons += atoms * z
        z_electrons += atoms * z * z
        if xraylib.EdgeEnergy(z, xraylib.K_SHELL) > _FIRST_KEV:
            fraction, lines, rates = _fluorescence(z)
            lost = lost + weight * _per_gram(z, "photo") * fraction
    mean_z = z_electrons / electrons
    kerma = photo - soft / ENERGY_KEV + transferred
    yield_compton = _radiated(ENERGY_KEV * transferred / incoherent, mean_z)
    absorbed = (photo - soft / ENERGY_KEV) * (1.0 - _radiated(ENERGY_KEV, mean_z)) + transferred * (1.0 - yield_compton)
    squared = np.concatenate(([0.0], np.cumsum(0.5 * (form[1:] + form[:-1]) * np.diff(X**2))))
    return {
        "photoelectric": photo,
        "incoherent": incoherent,
        "coherent": coherent,
        "kerma": kerma,
        "absorption": absorbed,
        "scattering_function": scatter / electrons,
        "form_factor": squared / squared[-1],
        "fluorescence": lost / photo,
        "line_kev": lines,
        "line_cumulative": rates,
    }


def _radiated(energy_kev: Floats, z: float) -> Floats:
    part = 6e-4 * z * energy_kev / 1000.0
    return np.asarray(part / (1.0 + part))


def main() -> None:
    """Write the file."""
    rows = []
    for medium in media().values():
        total = sum(fraction for _, fraction in medium.mass_fractions)
        rows.append(_medium({xraylib.SymbolToAtomicNumber(s): w / total for s, w in medium.mass_fractions}))
    tables = {key: np.array([row[key] for row in rows], dtype=np.float32) for key in rows[0]}
    np.savez_compressed(
        HERE / "photons.npz", names=np.array(list(media())), energy_kev=ENERGY_KEV, transfer=T, **tables
    )
    print(f"{len(rows)} media in {HERE / 'photons.npz'}: {(HERE / 'photons.npz').stat().st_size / 1024:.0f} kB")


if __name__ == "__main__":
    main()
