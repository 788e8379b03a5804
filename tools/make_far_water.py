"""Make src/hdrplan/sources/far_water.json from the collected tables: ``python tools/make_far_water.py ../shared``.

Beyond a table's last radius g and F follow two laws, fitted to the ten CLRP tables, which reach 20 cm in water without
an end (Taylor and Rogers, Med Phys 2008;35:4933):

- g(r) is the primary dose of the Ir-192 lines, each with the attenuation of water, times a build-up 1 + p r + q r^2.
  The first factor is physics, the second two numbers for the shape of ten tables from 10 to 20 cm.
- 1 - F(r) falls as 1 / (r + a): scatter from all round fills in what capsule and core take away. One number for ten
  sources, all angles and radii from 5 to 20 cm.

``--check`` prints how well the same laws, fitted to nothing beyond 10 cm, foretell the tables from there to 20 cm, and
those of each source when it is left out of the fit.

References
----------
Baglin CM, Nuclear Data Sheets 2012;113:1871 (NuDat 2.6): lines of Ir-192. Hubbell JH, Seltzer SM, Tables of X-Ray Mass
Attenuation Coefficients, NISTIR 5632 (NIST, 1995): water.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares

OUT = Path(__file__).resolve().parents[1] / "src" / "hdrplan" / "sources" / "far_water.json"
# Whole steps of the float32 lattice; 8 mm apart a straight line is within 0.01 % of the law.
RADII_CM = np.round(np.arange(8.0, 40.1, 0.8), 1)
# MeV, and in cm^2/g: mu/rho and mu_en/rho of liquid water.
_MEV = (0.06, 0.08, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5)
_MU = (0.2059, 0.1837, 0.1707, 0.1505, 0.1370, 0.1186, 0.1061, 0.09687, 0.08956, 0.07865, 0.07072, 0.06323, 0.05754)
_MU_EN = (
    *(0.03190, 0.02597, 0.02546, 0.02764, 0.02967, 0.03192, 0.03279),
    *(0.03299, 0.03284, 0.03206, 0.03103, 0.02965, 0.02833),
)
# Softer lines do not leave the capsule.
_LEAST_MEV = 0.06

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Table:
    """g and F of one source; blank cells are NaN."""

    name: str
    g_r_cm: Floats
    g: Floats
    f_r_cm: Floats
    f: Floats  # [theta, r]

    def f_at(self, r_cm: float) -> Floats:
        """Return the column of F at a radius of the table."""
        return np.asarray(self.f[:, list(self.f_r_cm).index(r_cm)])


def tables_of(folder: Path) -> list[Table]:
    """Return the CLRP tables: the ones that reach 20 cm in unbounded water."""
    tables = []
    for path in sorted(folder.glob("*_clrp.json")):
        raw = json.loads(path.read_text(encoding="utf-8"))
        g, f = raw["g_r"], raw["F"]
        f_of = np.array(f["F"], dtype=np.float64)
        tables.append(
            Table(path.stem, np.array(g["r_cm"], float), np.array(g["g"], float), np.array(f["r_cm"], float), f_of)
        )
    return tables


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Lines of the nuclide with what water does to them."""

    energy_dose: Floats  # intensity x energy x mu_en
    mu_per_cm: Floats

    def log_primary(self, r_cm: Floats) -> Floats:
        """Return the logarithm of the primary dose times r^2, to a constant."""
        return np.asarray(np.log((self.energy_dose * np.exp(-self.mu_per_cm * r_cm[:, None])).sum(axis=1)))


def spectrum_of(folder: Path) -> Spectrum:
    """Return the lines of Ir-192 that leave a capsule."""
    lines = json.loads((folder / "ir192_physics.json").read_text(encoding="utf-8"))["photon_spectrum"]
    energy, intensity = np.array(lines["E_MeV"]), np.array(lines["intensity_per_decay"])
    hard = energy > _LEAST_MEV
    energy, intensity = energy[hard], intensity[hard]
    mu, mu_en = (np.exp(np.interp(np.log(energy), np.log(_MEV), np.log(row))) for row in (_MU, _MU_EN))
    return Spectrum(intensity * energy * mu_en, mu)


def log_g(r_cm: Floats, build_up: Sequence[float], spectrum: Spectrum) -> Floats:
    """Return the law of g, to a constant."""
    p, q = build_up
    return np.asarray(spectrum.log_primary(r_cm) + np.log(1.0 + p * r_cm + q * r_cm**2))


def fitted_build_up(tables: Sequence[Table], spectrum: Spectrum, low_cm: float, high_cm: float) -> tuple[float, float]:
    """Return p and q of the build-up; each table has its own scale."""

    def residuals(build_up: Floats) -> Floats:
        parts = []
        for table in tables:
            used = (table.g_r_cm >= low_cm) & (table.g_r_cm <= high_cm)
            off = np.log(table.g[used]) - log_g(table.g_r_cm[used], list(build_up), spectrum)
            parts.append(off - off.mean())
        return np.concatenate(parts)

    p, q = least_squares(residuals, [0.1, 0.01], x_scale=[0.1, 0.01]).x
    return float(p), float(q)


def f_beyond(last: Floats, from_cm: float, to_cm: float, a_cm: float) -> Floats:
    """Return the law of F."""
    return 1.0 - (1.0 - last) * (a_cm + from_cm) / (a_cm + to_cm)


def fitted_a_cm(tables: Sequence[Table], starts_cm: Sequence[float], high_cm: float) -> float:
    """Return a, from all columns beyond each of ``starts_cm``."""

    def residuals(a_cm: Floats) -> Floats:
        off = [
            f_beyond(table.f_at(start), start, far, a_cm[0]) / table.f_at(far) - 1.0
            for table in tables
            for start in starts_cm
            for far in table.f_r_cm[(table.f_r_cm > start) & (table.f_r_cm <= high_cm)]
        ]
        return np.nan_to_num(np.concatenate(off))

    return float(least_squares(residuals, [10.0]).x[0])


def g_errors_pct(
    tables: Sequence[Table], build_up: Sequence[float], spectrum: Spectrum, from_cm: float, to_cm: float
) -> Floats:
    """Return how far the law is off at ``to_cm``, for each table, when it is joined at ``from_cm``."""
    step = log_g(np.array([from_cm, to_cm]), build_up, spectrum)
    ratios = [np.interp([from_cm, to_cm], table.g_r_cm, table.g) for table in tables]
    return np.array([100.0 * np.expm1(step[1] - step[0] - np.log(g[1] / g[0])) for g in ratios])


def f_errors_pct(tables: Sequence[Table], a_cm: float, from_cm: float, to_cm: float) -> Floats:
    """Return how far the law is off at ``to_cm``, for every table and angle."""
    off = [100.0 * (f_beyond(t.f_at(from_cm), from_cm, to_cm, a_cm) / t.f_at(to_cm) - 1.0) for t in tables]
    joined = np.concatenate(off)
    return np.asarray(joined[np.isfinite(joined)])


def record_of(shared: Path) -> dict[str, object]:
    """Return what is packaged."""
    folder = shared / "data" / "sources"
    tables, spectrum = tables_of(folder), spectrum_of(folder)
    p, q = fitted_build_up(tables, spectrum, 10.0, 20.0)
    law = log_g(RADII_CM, (p, q), spectrum)
    g = np.exp(law - np.interp(10.0, RADII_CM, law))
    return {
        "citation": "Laws fitted to the tables of Taylor REP, Rogers DWO, Med Phys 2008;35:4933 (CLRP, ten Ir-192 "
        "sources, unbounded water, to 20 cm); lines of Ir-192 from NuDat 2.6 (Baglin 2012); water from Hubbell and "
        "Seltzer, NISTIR 5632 (1995)",
        "provenance": f"tools/make_far_water.py: g is the primary dose of the lines times 1 + {p:.4f} r + {q:.5f} r^2 "
        "(r in cm), 1 at 10 cm; 1 - F falls as 1 / (r + a)",
        "anisotropy_a_cm": round(fitted_a_cm(tables, (5.0, 10.0), 20.0), 1),
        "r_cm": RADII_CM.tolist(),
        "g": np.round(g, 5).tolist(),
    }


def text_of(record: dict[str, object]) -> str:
    """Return the record as JSON, one entry a line."""
    return "{\n" + ",\n".join(f' "{key}": {json.dumps(value)}' for key, value in record.items()) + "\n}\n"


def check(shared: Path) -> None:
    """Print the errors of the laws where there is something to hold them against."""
    folder = shared / "data" / "sources"
    tables, spectrum = tables_of(folder), spectrum_of(folder)
    near = fitted_build_up(tables, spectrum, 2.0, 10.0)
    for to_cm in (12.0, 15.0, 20.0):
        off = g_errors_pct(tables, near, spectrum, 10.0, to_cm)
        print(f"g from 2-10 cm, foretold at {to_cm:g} cm: mean {off.mean():.2f} %, largest {abs(off).max():.2f} %")
    left_out = [
        g_errors_pct([t], fitted_build_up([o for o in tables if o is not t], spectrum, 10.0, 20.0), spectrum, 10, 20)
        for t in tables
    ]
    print(f"g at 20 cm of a source left out: rms {np.sqrt(np.mean(np.square(left_out))):.2f} %, ", end="")
    print(f"largest {np.abs(left_out).max():.2f} %")
    a_cm = fitted_a_cm(tables, (5.0,), 10.0)
    for from_cm in (5.0, 10.0):
        for to_cm in (15.0, 20.0):
            off = f_errors_pct(tables, a_cm, from_cm, to_cm)
            print(
                f"F with a = {a_cm:.1f} cm from 5-10 cm, table cut at {from_cm:g} cm, at {to_cm:g} cm: "
                f"rms {np.sqrt((off**2).mean()):.2f} %, largest {abs(off).max():.1f} %"
            )


def main() -> None:
    """Write the file, or check the laws."""
    shared = Path(sys.argv[1])
    if "--check" in sys.argv[2:]:
        check(shared)
        return
    OUT.write_text(text_of(record_of(shared)), encoding="utf-8")
    print(f"laws of g and F in {OUT}")


if __name__ == "__main__":
    main()
