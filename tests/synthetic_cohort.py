"""A small simulator of cohorts whose true endpoints are known: latent times, scans, tables, and the truth by itself.

Independent of hdrplan: nothing here calls it but the container of a table. Numbers follow the printed cohort of Xu 2021
(Ther Adv Med Oncol 13, DOI 10.1177/17588359211042304) where it has them: lesion numbers, diameters, ages; hazards are
fitted to its medians; the doses and their effect are assumptions.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import numpy as np

from hdrplan.cohort import RawTable

START = dt.date(2016, 1, 1).toordinal()
MONTH = 30.4375
# per month at 12 months, Weibull shape: local, distant; extrahepatic, death, loss per month
HAZARD = {
    "HCC": {"local": (0.0184, 0.94), "distant": (0.0749, 1.08), "extra": 0.0031, "death": 0.0078, "loss": 0.013},
    "CRLM": {"local": (0.057, 0.76), "distant": (0.0645, 1.09), "extra": 0.0144, "death": 0.0123, "loss": 0.02},
}
LESIONS = {"HCC": (0.79, 0.18, 0.03), "CRLM": (0.64, 0.20, 0.08, 0.06, 0.02)}
SIZE_MM = {"HCC": (36.78, 23.0), "CRLM": (40.0, 24.07)}
AGE = {"HCC": (69.97, 10.75), "CRLM": (66.3, 12.63)}

Key = tuple[str, str, int, str]


@dataclass
class Synthetic:
    """Tables as text and the true endpoints, (unit, id, cycle, endpoint) -> (days, event)."""

    raw: dict[str, RawTable]
    truth: dict[Key, tuple[int, int]] = field(default_factory=dict)


def _iso(day: int) -> str:
    return dt.date.fromordinal(day).isoformat()


def _weibull(rng: np.random.Generator, at_12: tuple[float, float], factor: float) -> float:
    """Latent time in days of a Weibull whose hazard per month is given at 12 months."""
    hazard, shape = at_12
    cumulative = hazard * 12.0 / shape  # at 12 months
    return float(12.0 * (rng.exponential() / (cumulative * factor)) ** (1.0 / shape) * MONTH)


def _lognormal(rng: np.random.Generator, mean: float, sd: float) -> float:
    variance = np.log(1.0 + (sd / mean) ** 2)
    return float(np.clip(np.exp(np.log(mean) - variance / 2 + np.sqrt(variance) * rng.normal()), 6.0, 120.0))


def synthetic_cohort(
    rng: np.random.Generator,
    n: dict[str, int],
    *,
    log_hr_per_gy: float = 0.0,
    size_effect_on_dose: float = -0.05,
    frailty_variance: float = 0.8,
) -> Synthetic:
    """Draw a cohort in the compact form.

    D100 ~ N(20 + size_effect_on_dose (diameter - 38), 3) Gy within 6 to 32: large lesions get less, as in the clinic.
    """
    rows: dict[str, list[tuple[str, ...]]] = {k: [] for k in HEADERS}
    made = Synthetic({})
    number = 0
    for kind, count in n.items():
        for _ in range(count):
            number += 1
            _patient(rng, f"P{number:04d}", kind, rows, made, log_hr_per_gy, size_effect_on_dose, frailty_variance)
    made.raw = {k: RawTable(k, HEADERS[k], tuple(v)) for k, v in rows.items()}
    return made


HEADERS = {
    "patients": ("patient_id", "tumour_type", "age_years", "sex", "last_contact_date", "death_date"),
    "sessions": ("session_id", "patient_id", "session_date", "lesion_id"),
    "lesions": ("lesion_id", "patient_id", "first_seen_date"),
    "measurements": ("patient_id", "scan_date", "lesion_id", "longest_diameter_mm"),
    "findings": ("patient_id", "scan_date", "finding"),
    "other_treatments": ("patient_id", "date", "kind", "lesion_id"),
    "dose_metrics": (
        "lesion_id", "d100_gy", "d98_gy", "d95_gy", "d90_gy", "d50_gy", "d2_gy", "v100_pct", "v150_pct", "v200_pct",
        "ctv_cm3", "prescription_gy",
    ),
}  # fmt: skip


def _dose_row(rng: np.random.Generator, lesion: str, d100: float, size: float) -> tuple[str, ...]:
    """A plausible DVH above the minimum; volumes from the doses by straight lines, so that they never contradict."""
    steps = np.cumsum([d100, *np.exp(rng.normal(np.log((1.2, 1.0, 1.6, 18.0, 140.0)), 0.25))])
    doses, volumes = steps[[0, 1, 2, 3, 4, 5]], (100.0, 98.0, 95.0, 90.0, 50.0, 2.0)
    covered = [float(np.interp(x, doses, volumes, left=100.0, right=0.0)) for x in (20.0, 30.0, 40.0)]
    numbers = [*doses, *covered, np.pi / 6 * (size / 10) ** 3, 20.0]
    return (lesion, *(f"{x:.3f}" for x in numbers))


def _patient(
    rng: np.random.Generator,
    who: str,
    kind: str,
    rows: dict[str, list[tuple[str, ...]]],
    made: Synthetic,
    log_hr_per_gy: float,
    size_effect: float,
    variance: float,
) -> None:
    hazard, age = HAZARD[kind], float(np.clip(rng.normal(*AGE[kind]), 30, 92))
    z = float(rng.gamma(1.0 / variance, variance)) if variance > 0 else 1.0
    first = START + int(rng.integers(0, 730))
    count = 1 + int(rng.choice(len(LESIONS[kind]), p=LESIONS[kind]))
    split = count > 1 and rng.random() < 0.4
    lesions = [f"{who}-{i + 1}" for i in range(count)]
    day, session_of = first, {}
    for i, lesion in enumerate(lesions):
        if i and split and i < 4:
            day += int(rng.integers(28, 43))
        session_of[lesion] = day
    origin = day
    size = {x: _lognormal(rng, *SIZE_MM[kind]) for x in lesions}
    dose = {x: float(np.clip(rng.normal(20 + size_effect * (size[x] - 38), 3), 6, 32)) for x in lesions}

    def local_time(lesion: str) -> float:
        effect = np.log(1.013) * (size[lesion] - 38) + np.log(1.026) * (age - 68)
        return _weibull(rng, hazard["local"], z * float(np.exp(effect + log_hr_per_gy * (dose[lesion] - 20))))

    latent = {x: origin + local_time(x) for x in lesions}
    distant = origin + _weibull(rng, hazard["distant"], z * float(np.exp(np.log(1.028) * (age - 68))))
    extra = origin + float(rng.exponential(MONTH / (hazard["extra"] * z)))
    death = origin + int(rng.exponential(MONTH / (hazard["death"] * z))) + 1
    end = min(death, origin + 60 + int(rng.exponential(MONTH / hazard["loss"])), origin + int(rng.uniform(900, 1600)))
    planned = [56, 91, 182, 273, 365, 547, 730, 912, 1095, 1277, 1460]
    attended = [
        origin + round(p + np.clip(rng.normal(0, 4 if p == 56 else 10), -18, 18))
        for p in planned
        if p == 56 or rng.random() > 0.28
    ]
    scans = [s for s in attended if s <= end]

    def seen(time: float) -> int | None:
        return next((s for s in scans if s >= time), None)

    # a second cycle, three weeks after the new lesion was seen
    second = seen(distant)
    retreat = second is not None and rng.random() < 0.28 and second + 21 >= first + 56 and second + 21 < end
    last = {x: seen(latent[x]) for x in lesions}
    again: int | None = None
    if retreat:
        assert second is not None
        new = f"{who}-N"
        size[new] = _lognormal(rng, 20.0, 6.0)
        dose[new] = float(np.clip(rng.normal(20, 3), 6, 32))
        session_of[new] = second + 21
        last[new] = seen(second + 22 + local_time(new))
        again = seen(second + 22 + _weibull(rng, hazard["distant"], z))
        rows["lesions"].append((new, who, _iso(second)))
    for x in lesions:
        rows["lesions"].append((x, who, _iso(first - 12)))
    for x, d in session_of.items():
        rows["sessions"].append((f"{who}@{d}", who, _iso(d), x))
        rows["dose_metrics"].append(_dose_row(rng, x, dose[x], size[x]))
    dead = death == end
    rows["patients"].append((who, kind, f"{age:.1f}", "M" if rng.random() < 0.77 else "F", _iso(end), _iso(end) * dead))
    _measure(who, first, second, [first - 12, *scans], size, session_of, last, rows)
    for when, what in ((second, "intra"), (again, "intra"), (seen(extra), "extra")):
        if when is not None and (who, _iso(when), f"new_{what}hepatic") not in rows["findings"]:
            rows["findings"].append((who, _iso(when), f"new_{what}hepatic"))
    _truth(made, who, lesions, origin, end, dead, scans, last, second, again, seen(extra), session_of)


def _measure(
    who: str,
    first: int,
    second: int | None,
    scans: list[int],
    size: dict[str, float],
    session_of: dict[str, int],
    last: dict[str, int | None],
    rows: dict[str, list[tuple[str, ...]]],
) -> None:
    """Write diameters that shrink by 4 % a scan and cross 1.3 times the nadir and 6 mm at the detecting scan."""
    for x in session_of:
        start = second if x.endswith("N") else first - 12
        now = nadir = round(size[x], 1)
        for s in scans:
            if start is None or s < start:
                continue
            bad = last[x]
            if s > session_of[x]:
                now = round(1.3 * nadir + 6.0 if bad is not None and s >= bad else 0.96 * now, 1)
                nadir = min(nadir, now)
            rows["measurements"].append((who, _iso(s), x, f"{now:g}"))


def _truth(
    made: Synthetic,
    who: str,
    lesions: list[str],
    origin: int,
    end: int,
    dead: bool,
    scans: list[int],
    last: dict[str, int | None],
    second: int | None,
    again: int | None,
    extra: int | None,
    session_of: dict[str, int],
) -> None:
    """Endpoints from the drawn dates, death censored in local and distant, censored at the last scan."""

    def put(unit: str, name: str, cycle: int, start: int, events: list[int | None], who_: str = who) -> None:
        known = [e for e in events if e is not None and e > start]
        final = max([s for s in scans if s > start], default=start)
        made.truth[unit, who_, cycle, name] = (min(known) - start, 1) if known else (final - start, 0)

    local = [last[x] for x in lesions]
    made.truth["patient", who, 1, "OS"] = (end - origin, int(dead))
    put("patient", "PFS", 1, origin, [*local, second, extra, end if dead else None])
    put("patient", "PFS_local", 1, origin, local)
    put("patient", "PFS_distant", 1, origin, [second])
    put("cycle", "TTP", 1, origin, [*local, second, extra])
    put("cycle", "TTP_local", 1, origin, local)
    put("cycle", "TTP_distant", 1, origin, [second])
    if f"{who}-N" in session_of:
        start = session_of[f"{who}-N"]
        put("cycle", "TTP", 2, start, [last[f"{who}-N"], again, extra, *local])  # a lesion of cycle 1 grows
        put("cycle", "TTP_local", 2, start, [last[f"{who}-N"]])
        put("cycle", "TTP_distant", 2, start, [again])
    for x in session_of:
        cycle = 2 if x.endswith("-N") else 1
        put("lesion", "local_recurrence", cycle, origin if cycle == 1 else session_of[x], [last[x]], x)
        if dead and made.truth["lesion", x, cycle, "local_recurrence"][1] == 0:
            start = origin if cycle == 1 else session_of[x]
            made.truth["lesion", x, cycle, "local_recurrence"] = (end - start, 2)
