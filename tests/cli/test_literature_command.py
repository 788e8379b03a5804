"""``hdrplan literature``: published series pooled; what they cannot say is said."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

import hdrplan

SERIES = Path(hdrplan.__file__).parent / "io" / "data" / "liver_hdr_series.csv"
# Rows whose names the anchors write otherwise.
WORDS = {"Ricke 2004 (15127157)": "15127157", "Ricke 2004 (15050329)": "15050329", "Melanoma": "PMC4444457"}


def pool(table, horizon):
    return next(p for p in table["pools"] if p["horizon"] == horizon)


def test_series_of_twelve_months_are_pooled_and_what_is_left_out_is_said(run):
    ran = run("literature", "--json")
    table = json.loads(ran.out)
    year = pool(table, "12 months")
    assert [s["name"].split()[0] for s in year["series"]] == ["Ricke", "Golenia", "Walter"]
    mean = year["mean"]
    assert mean["new_lower"] < mean["lower"] < mean["control"] < mean["upper"] < mean["new_upper"]
    # the mean is that of the logits with weights 1 / (variance + tau2)
    n = np.array([s["lesions"] for s in year["series"]])
    events = np.array([s["events"] for s in year["series"]])
    y, v = np.log((n - events) / events), 1 / events + 1 / (n - events)
    weight = 1 / (v + mean["tau2"])
    assert mean["logit"] == pytest.approx(weight @ y / weight.sum(), rel=1e-9)
    assert year["slope"] is None
    assert any(text.startswith("no slope against dose: 1 of 3") for text in year["unknown"])
    assert year["without"] == [], "of three, each left out leaves two"
    assert {(s["name"], s["why"]) for s in table["left_out"]} >= {
        ("Heinze 2019", "not liver"), ("Walter 2021: CRLM", "number of lesions not printed"),
        ("Mohnike 2016", "number of lesions not printed"),
        ("Ricke 2004 (15050329)", "same patients as Ricke 2004 (15127157)"),
    }  # fmt: skip
    assert "not known: no slope against dose" in run("literature").out


def test_a_table_of_ones_own_has_a_slope_and_types(run, tmp_path: Path):
    rows = [f"S{k};{'HCC' if k % 2 else 'CRLM'};100;{40 - 3 * k};12 months;{14 + k},5" for k in range(8)]
    (tmp_path / "t.csv").write_text("\n".join(["series;tumour_type;lesions;events;horizon;dose_gy", *rows]) + "\n")
    year = pool(json.loads(run("literature", "t.csv", "--decimal", ",", "--json").out), "12 months")
    assert year["slope"]["log_odds_per_gy"] > 0
    assert len(year["without"]) == 8
    assert {t["tumour_type"]: t["n"] for t in year["types"]} == {"HCC": 4, "CRLM": 4}
    ran = run("literature", "t.csv", "--decimal", ",", "-o", "forest")
    assert ran.code == 0
    assert (tmp_path / "forest" / "forest-12-months.svg").stat().st_size > 1000


def test_tumour_type_is_tested_between_series_and_shown_within_one(run, tmp_path: Path):
    table = json.loads(run("literature", "--json").out)
    whole = pool(table, "whole follow-up")["type_test"]
    assert (whole["reference"], whole["series"], whole["df"]) == ("HCC", 4, 2)
    # An only series of its type is fitted exactly: its odds against the mean of HCC at the variance between these.
    y = {s["name"]: np.log(s["lesions"] / s["events"] - 1) for s in pool(table, "whole follow-up")["series"]}
    v = {
        s["name"]: 1 / s["events"] + 1 / (s["lesions"] - s["events"]) for s in pool(table, "whole follow-up")["series"]
    }
    hcc = ["Mohnike 2010", "Collettini 2015"]
    weight = np.array([1 / (v[name] + whole["tau2"]) for name in hcc])
    mean = weight @ [y[name] for name in hcc] / weight.sum()
    crlm = next(t for t in whole["types"] if t["tumour_type"] == "CRLM")
    assert crlm["log_odds"] == pytest.approx(y["Collettini 2014"] - mean, rel=1e-9)
    assert crlm["se"] == pytest.approx(np.sqrt(v["Collettini 2014"] + whole["tau2"] + 1 / weight.sum()), rel=1e-9)
    # Of two series REML has a closed form: half their squared difference less their mean variance.
    a, b = hcc
    assert whole["tau2"] == pytest.approx((y[a] - y[b]) ** 2 / 2 - (v[a] + v[b]) / 2, rel=1e-9)
    (walter,) = pool(table, "12 months")["within"]
    assert (walter["series"], walter["types"], walter["control"]) == ("Walter 2021", ["CRLM", "other"], [0.506, 0.924])
    assert walter["log_odds"] == pytest.approx(np.log(0.924 / 0.076) - np.log(0.506 / 0.494), rel=1e-12)
    assert walter["implied_fraction"] == pytest.approx((92.4 - 71.5) / (92.4 - 50.6), rel=1e-12)
    n = np.array([0.5, 0.5]) * 244  # lesions of each type, of which 50.6 and 92.4 % are controlled
    assert walter["implied_se"] == pytest.approx(
        np.sqrt((1 / (n * [0.506, 0.924]) + 1 / (n * [0.494, 0.076])).sum()), rel=1e-3
    )
    assert pool(table, "12 months")["type_test"] is None
    said = run("literature").out
    assert "no test of tumour type: no type has two series beside another type" in said
    assert "50 % of its lesions are CRLM: 95 % interval 5.6 to 25.3 if so" in said
    assert "lesions of each type within a series are not printed" in said
    # Types that really differ are told apart.
    rows = [f"S{k},{'HCC' if k % 2 else 'CRLM'},200,{10 if k % 2 else 60},12 months" for k in range(6)]
    (tmp_path / "t.csv").write_text("\n".join(["series,tumour_type,lesions,events,horizon", *rows]) + "\n")
    year = pool(json.loads(run("literature", "t.csv", "--json").out), "12 months")
    assert year["type_test"]["p"] < 1e-6
    assert year["type_test"]["types"][0]["log_odds"] == pytest.approx(np.log(190 / 10) - np.log(140 / 60), rel=1e-9)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("series,lesions\nA,3\n", "none called tumour_type, horizon"),
        ("series,tumour_type,lesions,horizon,events\nA,HCC,10,12 months,11\n", "0 to the number of lesions"),
        ("series,tumour_type,lesions,horizon,control_percent\nA,HCC,10,12 months,101\n", "0 to 100"),
        ("series,tumour_type,lesions,horizon,events\nA,HCC,,12 months,\n", "none that can be pooled"),
    ],
)
def test_tables_that_cannot_be_pooled_are_refused(run, tmp_path: Path, text, words):
    (tmp_path / "t.csv").write_text(text)
    ran = run("literature", "t.csv")
    assert ran.code == 2
    assert words in ran.err


@pytest.mark.shared
def test_each_figure_stands_in_a_verified_row(shared: Path):
    anchors = (shared / "reference" / "clinical_anchors.md").read_text(encoding="utf-8")
    verified = [line for line in anchors.splitlines() if line.startswith("|") and "| V" in line]
    for series in csv.DictReader(SERIES.read_text(encoding="utf-8").splitlines()):
        name = series["series"].split(":")[0]
        (row,) = [line for line in verified if WORDS.get(name, name) in line.split("|")[1]]
        printed = set(re.findall(r"\d+(?:\.\d+)?", row))
        # 13.3 % of the patients is printed, and 2 of 15 is the only count that gives it.
        figures = [] if name == "Schnapauff" else [series["events"]]
        figures += [series[key] for key in ("patients", "control_percent", "dose_gy", "lesions")]
        assert {figure for figure in figures if figure} <= printed, name
