"""What the door lets in, what it refuses, and the traps of published tables."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from importlib import resources
from typing import Any

import numpy as np
import pytest
from scipy.interpolate import RegularGridInterpolator

from hdrplan.errors import InputError
from hdrplan.sources import TG43Source, load_source, user_source

Record = dict[str, Any]


def packaged(name: str) -> Record:
    record: Record = json.loads((resources.files("hdrplan.sources") / "data" / f"{name}.json").read_text("utf-8"))
    return record


# --- the traps -----------------------------------------------------------------------------------------------------


def test_theta_zero_is_the_tip() -> None:
    """Steel of the cable lies behind the core: every cabled source gives less there than beyond its tip."""
    for name in ("gammamed-12i", "gammamed-plus", "flexisource", "vs2000", "gi192m11"):
        source = load_source(name)
        tip, cable = source.anisotropy[0], source.anisotropy[-1]
        within = (source.anisotropy_r_mm >= 10.0) & (source.anisotropy_r_mm <= 50.0)
        assert (tip[within] > cable[within]).all(), name


def test_published_noise_of_the_12i_is_kept() -> None:
    source = load_source("gammamed-12i")
    j = int(np.flatnonzero(source.anisotropy_r_mm == 10.0)[0])
    beside = np.interp(np.deg2rad([80.0, 85.0, 95.0, 100.0]), source.anisotropy_theta_rad, source.anisotropy[:, j])
    np.testing.assert_allclose(beside, 0.994, atol=0.0011)
    assert "0.4 to 0.6 %" in source.note


def test_blank_cells_follow_the_next_radius() -> None:
    """By hand: F(2.5 mm, 0) = F(5 mm, 0) x F(2.5 mm, 55) / F(5 mm, 55) = 0.654 x 0.986 / 0.980."""
    source = load_source("gammamed-12i")
    assert source.anisotropy_filled[:, source.anisotropy_r_mm <= source.table_r_max_mm].sum() == 64
    assert source.anisotropy[0, 0] == pytest.approx(0.654 * 0.986 / 0.980, rel=1e-12)
    assert source.anisotropy_filled[0, 0]
    assert not source.anisotropy_filled[0, 1]
    # Beside the cable F falls toward 180 degrees at every radius, filled or not.
    tail = source.anisotropy[np.rad2deg(source.anisotropy_theta_rad) > 129.0]
    assert (np.diff(tail, axis=0) < 0.0).all()


def test_filled_cells_against_a_table_that_prints_them() -> None:
    """CLRP leaves blank what the consensus prints; our rule is the nearest of three (docs/decisions/0010)."""
    clrp, hebd = load_source("gammamed-plus-clrp"), load_source("gammamed-plus")
    theta, r, blank = clrp.anisotropy_theta_rad, clrp.anisotropy_r_mm, clrp.anisotropy_filled.copy()
    blank[:, r > clrp.table_r_max_mm] = False
    by_angle, by_radius = clrp.anisotropy.copy(), clrp.anisotropy.copy()
    for j, lost in enumerate(blank.T):
        by_angle[:, j] = np.interp(theta, theta[~lost], clrp.anisotropy[~lost, j])
    for i, lost in enumerate(blank):
        by_radius[i] = np.interp(r, r[~lost], clrp.anisotropy[i, ~lost])
    at_theta, at_r = np.meshgrid(np.linspace(0.001, np.pi - 0.001, 1000), np.linspace(2.5, 99.9, 200), indexing="ij")
    along, away, capsule = at_r * np.cos(at_theta), at_r * np.sin(at_theta), clrp.capsule
    inside = (along < capsule.cable_z_mm) & (away < capsule.cable_radius_mm)
    inside |= (along >= capsule.cable_z_mm) & (along < capsule.tip_z_mm) & (away < capsule.radius_mm)
    i, j = np.searchsorted(theta, at_theta) - 1, np.searchsorted(r, at_r, side="right") - 1
    leans = blank[i, j] | blank[i + 1, j] | blank[i, j + 1] | blank[i + 1, j + 1]
    here = leans & ~inside
    printed = _interpolated(hebd, hebd.anisotropy, at_theta, at_r)[here]
    ours, angle, radius = (
        np.abs(_interpolated(clrp, f, at_theta, at_r)[here] / printed - 1.0).mean()
        for f in (clrp.anisotropy, by_angle, by_radius)
    )
    assert ours < 0.02
    assert radius > 2.0 * ours
    assert angle > 4.0 * ours


def _interpolated(source: TG43Source, f: np.ndarray, theta: np.ndarray, r: np.ndarray) -> np.ndarray:
    return RegularGridInterpolator((source.anisotropy_theta_rad, source.anisotropy_r_mm), f)((theta, r))


def test_consensus_g_goes_on_with_the_clrp_shape() -> None:
    source, clrp = load_source("gammamed-plus"), load_source("gammamed-plus-clrp")
    assert source.table_r_max_mm == 100.0
    at = np.array([120.0, 150.0, 200.0])
    own, shape = (np.interp(at, s.radial_r_mm, s.radial_dose) for s in (source, clrp))
    np.testing.assert_allclose(
        own / source.radial_dose[13], shape / np.interp(100.0, clrp.radial_r_mm, clrp.radial_dose)
    )
    # The exponential through the last two points, which many systems use, would be 1, 4.5 and 15 % above.
    r, g = source.radial_r_mm[12:14], source.radial_dose[12:14]
    naive = g[1] * np.exp(np.log(g[1] / g[0]) / (r[1] - r[0]) * (at - r[1]))
    np.testing.assert_allclose(naive / own - 1.0, [0.01, 0.045, 0.15], atol=0.012)


def test_lengths_and_rise_near_the_source() -> None:
    lengths = {"vs2000": 5.0, "microselectron-v2": 3.5, "microselectron-v2-clrp": 3.6, "varisource-classic": 10.0}
    for name, length_mm in lengths.items():
        assert load_source(name).active_length_mm == pytest.approx(length_mm)
    v2 = load_source("microselectron-v2")
    assert np.interp(0.6, v2.radial_r_mm, v2.radial_dose) == pytest.approx(1.276, abs=0.001)


def test_data_sets_of_one_source_agree() -> None:
    """Consensus and CLRP of the GammaMed Plus, 5 to 50 mm and 20 to 160 degrees: -0.4 +- 0.7 %."""
    hebd, clrp = load_source("gammamed-plus"), load_source("gammamed-plus-clrp")
    r, theta = np.meshgrid(np.linspace(5.0, 50.0, 20), np.deg2rad(np.linspace(20.0, 160.0, 30)))
    both = []
    for s in (hebd, clrp):
        f = _interpolated(s, s.anisotropy, theta, r)
        g = np.interp(r, s.radial_r_mm, s.radial_dose)
        both.append(s.dose_rate_constant_gy_per_s_per_u * g * f)
    deviation = both[1] / both[0] - 1.0
    assert abs(deviation.mean() + 0.004) < 0.004
    assert deviation.std() < 0.012


# --- the door ------------------------------------------------------------------------------------------------------


def test_round_trip() -> None:
    user = user_source(packaged("gammamed-12i"))
    assert user.kind == "user"
    np.testing.assert_array_equal(user.anisotropy, load_source("gammamed-12i").anisotropy)


def test_short_table_takes_the_shape_of_the_default() -> None:
    record = packaged("flexisource")
    del record["radial_dose"]["beyond"], record["capsule_cm"]
    user = user_source(record)
    assert user.radial_r_mm[-1] == 400.0
    assert user.table_r_max_mm == 100.0
    assert "capsule is not stated" in user.note
    assert user.capsule.tip_z_mm == pytest.approx(1.75 + 0.6)


def change(path: str, value: Any) -> Callable[[Record], None]:
    """Set one entry; DELETE takes it away; a function is applied to it."""

    def apply(record: Record) -> None:
        *parents, last = [int(p) if p.isdigit() else p for p in path.split("/")]
        target: Any = record
        for parent in parents:
            target = target[parent]
        if value is DELETE:
            del target[last]
        else:
            target[last] = value(target[last]) if callable(value) else value

    return apply


DELETE = object()
BAD: list[tuple[str, Callable[[Record], None], str]] = [
    ("Lambda in Gy", change("dose_rate_constant_cgy_per_h_per_u", 0.011165), r"looks like Gy/h/U: multiply by 100"),
    ("Lambda per s", change("dose_rate_constant_cgy_per_h_per_u", 3.1e-6), r"looks like Gy/s/U"),
    ("Lambda in uGy", change("dose_rate_constant_cgy_per_h_per_u", 11165.0), r"looks like uGy/h/U"),
    ("Lambda NaN", change("dose_rate_constant_cgy_per_h_per_u", float("nan")), "must be a finite number"),
    ("Lambda text", change("dose_rate_constant_cgy_per_h_per_u", "1.117"), "must be a finite number"),
    ("Lambda missing", change("dose_rate_constant_cgy_per_h_per_u", DELETE), "must be a finite number"),
    ("Lambda of a huge integer", change("dose_rate_constant_cgy_per_h_per_u", 10**400), "must be a finite number"),
    ("length in mm", change("active_length_cm", 3.5), "looks like mm: multiply by 0.1"),
    ("length in m", change("active_length_cm", 0.0035), "looks like m: multiply by 100"),
    ("half-life in hours", change("half_life_days", 73.83 * 24), "looks like hours"),
    ("schema of another version", change("schema", "hdrplan-source/9"), "schema must be hdrplan-source/1"),
    ("no g", change("radial_dose", DELETE), "radial_dose must be a table, got none"),
    ("hole in g", change("radial_dose/g/4", None), "g must have no hole, got blank at 0.75 cm"),
    ("g NaN", change("radial_dose/g/4", float("nan")), "NaN or infinity"),
    ("g short", change("radial_dose/g", lambda g: g[:-1]), "one value for each of the 14 radii, got 13"),
    ("g in percent", change("radial_dose/g", lambda g: [100 * v for v in g]), "looks like percent"),
    ("g not 1 at 1 cm", change("radial_dose/g", lambda g: [0.95 * v for v in g]), "g must be 1 at 1 cm"),
    ("g negative", change("radial_dose/g/13", -0.1), "g must lie between"),
    ("r in mm", change("radial_dose/r_cm", lambda r: [10 * v for v in r]), "looks like mm"),
    ("r in m", change("radial_dose/r_cm", lambda r: [v / 100 for v in r]), "looks like m"),
    ("r falls", change("radial_dose/r_cm/5", 0.4), "must rise strictly, got 0.75 then 0.4"),
    ("r twice", change("radial_dose/r_cm/5", 0.75), "must rise strictly"),
    ("r blank", change("radial_dose/r_cm/5", None), "no blank entry, got blank at place 6"),
    ("r empty", change("radial_dose/r_cm", []), "numbers"),
    ("theta in radians", change("anisotropy/theta_deg", lambda t: list(np.deg2rad(t))), "looks like radians"),
    ("theta ends at 179", change("anisotropy/theta_deg", lambda t: t[:-1]), r"must run from 0 \(tip\) to 180"),
    ("F blank far away", change("anisotropy/f/1", lambda row: [*row[:-1], None]), "a hole at 1 degrees and 10 cm"),
    ("F hole in the middle", change("anisotropy/f/19/5", None), "a hole at 1 cm"),
    ("F a row short", change("anisotropy/f", lambda f: f[:-1]), "39 angles x 18 radii, got 38 x 18"),
    ("F ragged", change("anisotropy/f/3", lambda row: row[:-1]), "rows of one length"),
    ("F of text", change("anisotropy/f/3/3", "0.9"), "table of numbers"),
    ("F of true", change("anisotropy/f/3/3", True), "table of numbers"),
    ("F negative", change("anisotropy/f/3/3", -0.6), "F must lie between"),
    ("F in percent", change("anisotropy/f", lambda f: [[100 * v for v in row] for row in f]), "looks like percent"),
    ("F not 1 at 90", change("anisotropy/f/19/5", 0.9), "F must be 1 at 90 degrees, got 0.9 at 1 cm"),
    ("F not a table", change("anisotropy", [1, 2]), "anisotropy must be a table"),
    ("capsule in mm", change("capsule_cm/radius", 0.45), "looks like mm"),
    ("capsule shorter than core", change("capsule_cm/tip_z", 0.1), "tip_z must lie between 0.175"),
    ("cable as distance", change("capsule_cm/cable_z", 0.205), "a distance, not a position"),
    ("beyond of nobody", change("radial_dose/beyond", "nobody"), "unknown source"),
    (
        "along-away a row short",
        change("along_away/cgy_per_h_per_u", lambda t: list(zip(*t, strict=True))),
        "12 away x 19",
    ),
    ("along-away zero", change("along_away/cgy_per_h_per_u/3/3", 0.0), "must be positive"),
    ("no name", change("name", DELETE), "name must be text, got none"),
]


@pytest.mark.parametrize(("what", "spoil", "says"), BAD, ids=[b[0] for b in BAD])
def test_refused_in_one_clear_line(what: str, spoil: Callable[[Record], None], says: str) -> None:
    record = copy.deepcopy(packaged("gammamed-plus"))
    spoil(record)
    with pytest.raises(InputError, match=says) as refused:
        user_source(record, where="my.json")
    text = str(refused.value)
    assert "\n" not in text
    assert len(text) < 450
