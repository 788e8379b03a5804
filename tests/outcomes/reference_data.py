"""The reference tables and R's numbers, once for all tests of the room."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

FOLDER = Path(__file__).resolve().parents[1] / "reference" / "survival"


@cache
def r_numbers() -> dict[str, Any]:
    return json.loads((FOLDER / "outcomes.json").read_text())


@cache
def r_scores() -> dict[str, Any]:
    return json.loads((FOLDER / "scores.json").read_text())


@cache
def _table(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / f"{name}.csv")


def table(name: str) -> pd.DataFrame:
    """One table, prepared as in outcomes.R."""
    data = _table(name).copy()
    if name == "lung":
        data["status"] -= 1
    if name == "mgus2":
        data["etime"] = np.where(data.pstat == 0, data.futime, data.ptime)
        data["cause"] = np.where(data.pstat == 0, 2 * data.death, 1)
    return data


def numbers(values: Any) -> np.ndarray:
    """R's numbers as an array; null is NaN."""
    return np.array(values, dtype=float)


def late_entry(data: pd.DataFrame) -> pd.Series:
    return np.minimum(data.time - 1, 30 * (data.inst % 4))


@cache
def cox_cases() -> dict[str, tuple[pd.DataFrame, dict[str, Any]]]:
    """Name in outcomes.json (without ties) -> table with time, event; arguments of cox."""
    lung = table("lung")
    lungc = lung.dropna(subset=["age", "sex", "ph_ecog", "wt_loss"])
    lungi = lung.dropna(subset=["inst", "age", "sex", "ph_ecog"])
    lungi = lungi.assign(entry=late_entry(lungi))
    colon = table("colon").dropna()
    colon = colon.assign(lev=colon.rx.eq("Lev") * 1.0, lev5=colon.rx.eq("Lev+5FU") * 1.0)
    retinopathy = table("retinopathy")
    retinopathy = retinopathy.assign(time=retinopathy.futime, adult=retinopathy.type.eq("adult") * 1.0)
    pbc = table("pbc").dropna(subset=["age", "edema", "bili", "albumin", "protime"])
    pbc = pbc.assign(event=pbc.status == 2, **{f"log_{c}": np.log(pbc[c]) for c in ("bili", "albumin", "protime")})
    mgus2 = table("mgus2").dropna(subset=["hgb", "mspike"])
    mgus2 = mgus2.assign(time=mgus2.futime, event=mgus2.death, male=mgus2.sex.eq("M") * 1.0)
    lesions = table("lesions").assign(event=lambda d: d.status == 1)
    rx = ["lev", "lev5", "age", "sex", "nodes"]
    return {
        "lung": (lungc, {"x": ["age", "sex", "ph_ecog", "wt_loss"]}),
        "lung inst": (lungi, {"x": ["age", "sex", "ph_ecog"], "cluster": "inst"}),
        "lung entry": (lungi, {"x": ["age", "sex", "ph_ecog"], "cluster": "inst", "entry": "entry"}),
        "colon": (colon, {"x": rx, "cluster": "id"}),
        "colon strata": (colon, {"x": rx, "cluster": "id", "strata": "etype"}),
        "kidney": (table("kidney"), {"x": ["age", "sex"], "cluster": "id"}),
        "retinopathy": (retinopathy, {"x": ["trt", "age", "adult", "risk"], "cluster": "id"}),
        "veteran": (table("veteran"), {"x": ["trt", "karno", "diagtime", "age", "prior"]}),
        "veteran strata": (table("veteran"), {"x": ["trt", "karno", "age"], "strata": "celltype"}),
        "pbc": (pbc, {"x": ["age", "edema", "log_bili", "log_albumin", "log_protime"]}),
        "mgus2": (mgus2, {"x": ["age", "male", "hgb", "mspike"]}),
        "lesions": (lesions, {"x": ["d100_gy", "diameter_mm", "crlm", "age_years"], "cluster": "patient"}),
        "lesions strata": (
            lesions,
            {"x": ["d100_gy", "diameter_mm", "age_years"], "cluster": "patient", "strata": "crlm"},
        ),
    }
