"""``hdrplan survival`` from the shell: the numbers of R in JSON, and errors in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from outcomes.reference_data import FOLDER, r_numbers
from tolerances import R_COX, R_CURVE

LESIONS = (FOLDER / "lesions.csv", "--time", "time", "--event", "status")
VETERAN = (FOLDER / "veteran.csv", "--time", "time", "--event", "status")
RECURRENCE = (*LESIONS, "--event-value", "1")


@pytest.fixture
def result(run):
    def call(*arguments: object) -> dict[str, Any]:
        ran = run("survival", *arguments, "--json")
        assert ran.code == 0, ran.err
        return json.loads(ran.out)

    return call


def test_km_is_r(result):
    got = result("km", *RECURRENCE)["groups"][0]
    reference = r_numbers()["km"]["lesions log-log"]
    assert [got["median"][k] for k in ("estimate", "lower", "upper")] == [
        reference["quantile"][1], reference["quantile_lower"][1], reference["quantile_upper"][1],
    ]  # fmt: skip
    at = np.searchsorted(got["curve"]["time"], reference["time"])
    np.testing.assert_allclose(np.array(got["curve"]["survival"])[at], reference["survival"], atol=R_CURVE)


def test_log_rank_is_r(result):
    got = result(
        "logrank", FOLDER / "colon.csv", "--time", "time", "--event", "status", "--group", "rx", "--strata", "etype"
    )
    assert got["statistic"] == pytest.approx(r_numbers()["logrank"]["colon rx"]["chisq"], abs=R_CURVE)
    assert [g["group"] for g in got["groups"]] == ["Lev", "Lev+5FU", "Obs"]


def test_cox_with_text_strata_and_clusters_is_r(result):
    got = result(
        "cox", FOLDER / "colon.csv", "--time", "time", "--event", "status", "--covariates", "rx,age,sex,nodes",
        "--reference", "rx=Obs", "--cluster", "id", "--strata", "etype", "--drop-missing", "--ties", "breslow",
    )  # fmt: skip
    reference = r_numbers()["cox"]["colon strata breslow"]
    assert got["dropped_missing"] == 36
    assert [c["covariate"] for c in got["covariates"]][:2] == ["rx: Lev vs Obs", "rx: Lev+5FU vs Obs"]
    np.testing.assert_allclose([c["coef"] for c in got["covariates"]], reference["coef"], atol=R_COX)
    np.testing.assert_allclose([c["robust_se"] for c in got["covariates"]], reference["robust_se"], atol=R_COX)


def test_zph_frailty_and_fine_gray_are_r(result):
    zph = result("zph", *RECURRENCE, "--covariates", "d100_gy,diameter_mm,crlm,age_years", "--transform", "log")
    np.testing.assert_allclose(
        [t["statistic"] for t in zph["tests"]], r_numbers()["cox"]["lesions efron"]["zph_log"], rtol=1e-5
    )
    kidney = (
        FOLDER / "kidney.csv",
        "--time",
        "time",
        "--event",
        "status",
        "--covariates",
        "age,sex",
        "--cluster",
        "id",
    )
    assert result("frailty", *kidney)["theta"] == pytest.approx(r_numbers()["frailty"]["kidney"]["theta"], rel=1e-3)
    fine = result("finegray", *LESIONS, "--covariates", "d100_gy,diameter_mm,crlm,age_years", "--cause", "2")
    np.testing.assert_allclose(
        [c["se"] for c in fine["covariates"]], r_numbers()["fine_gray"]["lesions death"]["se"], rtol=1e-3
    )


def test_incidence_and_gray_are_r(result):
    got = result("cif", *LESIONS, "--at", "365")["groups"][0]
    reference = r_numbers()["aj"]["lesions"]
    at = np.searchsorted(got["time"], reference["time"])
    np.testing.assert_allclose(
        np.column_stack([np.array(c["incidence"])[at] for c in got["causes"]]), reference["incidence"], atol=R_CURVE
    )
    gray = result("gray", *LESIONS, "--group", "crlm", "--cause", "2")
    assert gray["p"] == pytest.approx(r_numbers()["gray"]["lesions crlm"][1][1], abs=R_CURVE)


def test_intervals_are_r(result):
    npmle = result("npmle", FOLDER / "lesions.csv", "--left", "left", "--right", "right", "--at", "365")["groups"][0]
    np.testing.assert_allclose(npmle["mass"], r_numbers()["npmle"]["lesions"]["mass"], atol=1e-5)
    fit = result(
        "weibull",
        FOLDER / "lesions.csv",
        "--left",
        "left",
        "--right",
        "right",
        "--covariates",
        "d100_gy,diameter_mm,crlm",
    )
    reference = r_numbers()["interval"]["weibull"]
    np.testing.assert_allclose(fit["time_scale"]["coef"][:-1], reference["coef"], rtol=R_COX)
    np.testing.assert_allclose(fit["time_scale"]["se"], reference["se"], rtol=R_COX)


def test_scores_are_r(result):
    c = result("cindex", *RECURRENCE, "--score", "diameter_mm", "--cluster", "patient")
    np.testing.assert_allclose(
        [c["c"], c["std_err"]], r_numbers()["concordance"]["lesions diameter patient"], atol=R_CURVE
    )
    auc = result("auc", *RECURRENCE, "--score", "diameter_mm", "--at", "150,400,700")
    np.testing.assert_allclose([r["auc"] for r in auc["at"]], r_numbers()["auc"]["lesions diameter_mm"], atol=R_CURVE)
    rmst = result("rmst", *RECURRENCE, "--tau", "900", "--group", "crlm")
    assert rmst["differences"][0]["difference"] == pytest.approx(rmst["groups"][1]["mean"] - rmst["groups"][0]["mean"])
    both = result("rmst", *RECURRENCE, "--tau", "900")["groups"][0]
    np.testing.assert_allclose([both["mean"], both["std_err"]], r_numbers()["rmst"]["lesions 900"], rtol=R_CURVE)


def test_cutoff_repeats_with_its_seed_and_adjusts(result):
    arguments = ("cutoff", *RECURRENCE, "--cluster", "patient", "--resamples", "199", "--bootstrap", "20")
    one, two = (result(*arguments, "--covariates", "d100_gy", "--seed", "4") for _ in range(2))
    assert one == two
    assert one["maximum"] == pytest.approx(r_numbers()["maxstat"]["lesions d100_gy"]["statistic"])
    adjusted = result(*arguments, "--covariates", "d100_gy,diameter_mm")
    assert adjusted["adjusted_for"] == ["diameter_mm"]
    assert adjusted["p_lausen92"] is None


@pytest.mark.parametrize(
    "arguments",
    [
        ("km", *RECURRENCE, "--group", "crlm", "--at", "365"), ("logrank", *RECURRENCE, "--group", "crlm"),
        ("cox", *RECURRENCE, "--covariates", "d100_gy"), ("zph", *RECURRENCE, "--covariates", "d100_gy"),
        ("frailty", *RECURRENCE, "--covariates", "d100_gy", "--cluster", "patient"), ("cif", *LESIONS, "--at", "365"),
        ("gray", *LESIONS, "--group", "crlm"), ("finegray", *LESIONS, "--covariates", "d100_gy"),
        ("npmle", FOLDER / "lesions.csv", "--left", "left", "--right", "right", "--at", "9"),
        ("weibull", FOLDER / "lesions.csv", "--left", "left", "--right", "right"),
        ("cindex", *RECURRENCE, "--covariates", "d100_gy"), ("auc", *RECURRENCE, "--score", "d100_gy", "--at", "400"),
        ("rmst", *RECURRENCE, "--tau", "700", "--group", "crlm"),
        ("cutoff", *RECURRENCE, "--covariates", "d100_gy", "--resamples", "99", "--bootstrap", "0"),
    ],
    ids=lambda a: a[0],
)  # fmt: skip
def test_every_analysis_prints_words_too(run, arguments):
    ran = run("survival", *arguments)
    assert ran.code == 0, ran.err
    assert "nan" not in ran.out
    assert len(ran.out.splitlines()) >= 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("km", *LESIONS), "must be 0 (censored) or 1 (event), got 2"),
        (("km", FOLDER / "lesions.csv", "--time", "days", "--event", "status"), "no column 'days'"),
        (("km", FOLDER / "lesions.csv", "--event", "status"), "--time is needed"),
        (("cox", FOLDER / "lung.csv", "--time", "time", "--event", "status", "--event-value", "2", "--covariates",
          "wt_loss"), "line 2: column wt_loss has 14 missing values"),
        (("cox", *RECURRENCE), "--covariates is needed"),
        (("cindex", *RECURRENCE), "either --score or --covariates"),
        (("auc", *RECURRENCE, "--score", "d100_gy", "--at", "1;2"), "numbers separated by commas"),
        (("km", "nowhere.csv", "--time", "a", "--event", "b"), "nowhere.csv"),
    ],
)  # fmt: skip
def test_errors_are_one_line(run, arguments, words):
    ran = run("survival", *arguments)
    assert ran.code == 2
    assert words in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\n1,2\n", "header"),
        ("time,event\n", "needs rows"),
        ("time,time\n1,2\n", "name of its own"),
        ("time,event\n1,1\n2\n", "line 3"),
        ("time,event\n1;1,1\n", "numbers"),
        ("time;event\n1,5;1\n", "If commas are decimal marks, say --decimal ,."),
    ],
)
def test_broken_tables_are_named_with_their_line(run, tmp_path: Path, text, words):
    (tmp_path / "t.csv").write_text(text)
    ran = run("survival", "km", "t.csv", "--time", "time", "--event", "event")
    assert ran.code == 2
    assert words in ran.err


def test_semicolons_blank_lines_and_a_byte_order_mark_are_read(result, tmp_path: Path):
    (tmp_path / "t.csv").write_text("\ufefftime;event\n1;1\n\n2;0\n3;1\n", encoding="utf-8")
    assert result("km", "t.csv", "--time", "time", "--event", "event")["groups"][0]["n"] == 3


def test_weibull_of_exact_times_is_r(result):
    got = result(
        "weibull", FOLDER / "lung.csv", "--time", "time", "--event", "status", "--event-value", "2",
        "--covariates", "age,sex",
    )  # fmt: skip
    reference = r_numbers()["interval"]["lung exact"]
    np.testing.assert_allclose(got["time_scale"]["coef"][:-1], reference["coef"], rtol=R_COX)
    np.testing.assert_allclose(got["time_scale"]["se"], reference["se"], rtol=R_COX)


def test_a_covariate_of_words_is_a_category_and_said(run, result):
    got = result("cox", *VETERAN, "--covariates", "celltype,age")
    assert got["categories"] == {"celltype": {"adeno": 27, "large": 27, "smallcell": 48, "squamous": 35}}
    ran = run("survival", "cox", *VETERAN, "--covariates", "celltype,age")
    assert "celltype is taken as a category: large (27), smallcell (48), squamous (35) against adeno (27)" in ran.out


def test_numbers_with_one_word_among_them_are_no_category(run, result, tmp_path: Path):
    rows = [f"{10 + 7 * k % 20},{k % 2},{15 + k % 4 // 2}.5" for k in range(20)]
    (tmp_path / "t.csv").write_text("\n".join(["time,event,dose", *rows, "14,1,<5", "25,0,<5"]) + "\n")
    arguments = ("t.csv", "--time", "time", "--event", "event", "--covariates", "dose")
    ran = run("survival", "cox", *arguments)
    assert ran.code == 2
    assert "line 22: column dose must hold numbers or text, not both, got '<5' beside '15.5'" in ran.err
    assert "--reference dose=LEVEL" in ran.err
    assert len(result("cox", *arguments, "--reference", "dose=15.5")["categories"]["dose"]) == 3


def test_decimal_commas_and_another_encoding_by_options(run, result, tmp_path: Path):
    text = Path(LESIONS[0]).read_text()
    other = text.replace(",", ";").replace(".", ",")
    (tmp_path / "t.csv").write_bytes(other.replace("diameter_mm", "Größe").encode("latin-1"))
    ran = run("survival", "cox", "t.csv", *RECURRENCE[1:], "--covariates", "d100_gy")
    assert ran.code == 2
    assert "--encoding latin-1" in ran.err
    ran = run("survival", "cox", "t.csv", *RECURRENCE[1:], "--covariates", "d100_gy", "--encoding", "latin-1")
    assert ran.code == 2
    assert "--decimal ," in ran.err
    got = result("cox", "t.csv", *RECURRENCE[1:], "--covariates", "d100_gy", "--encoding", "latin-1", "--decimal", ",")
    assert got["covariates"] == result("cox", *RECURRENCE, "--covariates", "d100_gy")["covariates"]


def test_an_spss_file_gives_the_same_model_with_its_words(result, tmp_path: Path):
    pyreadstat, pd = pytest.importorskip("pyreadstat"), pytest.importorskip("pandas")
    frame = pd.read_csv(VETERAN[0])
    codes = {1: "squamous", 2: "smallcell", 3: "adeno", 4: "large"}
    frame["celltype"] = frame["celltype"].map({word: code for code, word in codes.items()})
    pyreadstat.write_sav(frame, tmp_path / "t.sav", variable_value_labels={"celltype": codes})
    model = ("--covariates", "celltype,age", "--reference", "celltype=large")
    got, want = result("cox", "t.sav", *VETERAN[1:], *model), result("cox", *VETERAN, *model)
    assert (got["covariates"], got["categories"]) == (want["covariates"], want["categories"])


def separated(folder: Path) -> tuple[object, ...]:
    """A table in which nobody with sep has the event; times enter late."""
    rows = [
        f"{k // 2},{3 + 7 * k % 40},{int(k % 3 > 0)},{int(k % 6 == 0)},{k % 5},{1 + k % 3},{k % 4 + k % 7}"
        for k in range(40)
    ]
    (folder / "s.csv").write_text("\n".join(["patient,time,event,sep,x,w,y", *rows]) + "\n")
    return "s.csv", "--time", "time", "--event", "event"


def test_separation_gets_an_answer_that_is_labelled(run, result, tmp_path: Path):
    data = separated(tmp_path)
    got = result("cox", *data, "--covariates", "sep,x", "--cluster", "patient")
    assert got["method"] == "Firth's penalised likelihood"
    assert got["reason"] == "because the Cox model has no finite estimate for sep"
    assert 0 < got["covariates"][0]["lower"] < got["covariates"][0]["hr"] < got["covariates"][0]["upper"]
    assert "clusters of patient are not used" in " ".join(got["doubts"])
    assert run("survival", "cox", *data, "--covariates", "sep,x").out.startswith(
        "Firth's penalised likelihood, because"
    )
    assert run("survival", "cox", *data, "--covariates", "sep,x", "--firth", "never").code == 2
    plain = result("cox", *data, "--covariates", "x", "--firth", "always")
    assert plain["reason"] == "as --firth always asks"
    assert result("cox", *data, "--covariates", "x")["method"] == "partial likelihood"


@pytest.mark.parametrize(
    "command",
    [
        ("cox", "--covariates", "sep,x,y"), ("frailty", "--covariates", "sep", "--cluster", "patient"),
        ("finegray", "--covariates", "sep,x"), ("weibull", "--covariates", "sep"), ("zph", "--covariates", "sep,y"),
        ("cindex", "--covariates", "sep"), ("auc", "--covariates", "sep", "--at", "20"), ("km", "--entry", "x"),
        ("auc", "--score", "x", "--at", "0,500"), ("rmst", "--tau", "20", "--group", "sep"),
        ("logrank", "--group", "sep"), ("cif", "--group", "sep", "--at", "1,100"), ("gray", "--group", "sep"),
        ("cutoff", "--covariates", "sep", "--bootstrap", "0", "--resamples", "20"),
    ],
)  # fmt: skip
def test_no_warning_of_python_and_no_infinite_interval_reaches_a_user(run, command, tmp_path: Path):
    ran = run("survival", command[0], *separated(tmp_path), *command[1:])
    assert "Warning" not in ran.err + ran.out
    assert "inf" not in ran.out
    assert "nan" not in ran.out
    assert ran.code in (0, 2, 5), ran.err
    assert ran.code == 0 or ran.err.startswith("hdrplan: ")


def test_few_events_for_many_covariates_are_said(result, tmp_path: Path):
    rng = np.random.default_rng(1)
    names = [f"z{k}" for k in range(12)]
    rows = [f"{k + 1},{int(k % 10 == 0)}," + ",".join(f"{v:.2f}" for v in rng.normal(size=12)) for k in range(100)]
    (tmp_path / "t.csv").write_text("\n".join([f"time,event,{','.join(names)}", *rows]) + "\n")
    got = result("cox", "t.csv", "--time", "time", "--event", "event", "--covariates", ",".join(names))
    assert got["doubts"][0].startswith("10 events for 12 coefficients, 0.83 each")
    got = result("cox", *RECURRENCE, "--covariates", "d100_gy")
    assert got["doubts"] == []


def test_a_curve_of_late_entries_that_falls_to_0_early_is_said(result, tmp_path: Path):
    (tmp_path / "t.csv").write_text("e,t,d\n0,2,1\n3,5,1\n3,6,0\n4,8,1\n")
    got = result("km", "t.csv", "--time", "t", "--event", "d", "--entry", "e")
    assert got["doubts"] == [
        "the curve of all falls to 0 at 2, with 1 at risk and nobody left, and stays there: "
        "the 3 rows seen later count for nothing"
    ]
    assert result("km", "t.csv", "--time", "t", "--event", "d")["doubts"] == []


def test_weights_strata_and_errors_from_the_shell(run, result, tmp_path: Path):
    data = separated(tmp_path)
    weighted = result("cox", *data, "--covariates", "x", "--case-weight", "w", "--ties", "breslow")
    rows = (tmp_path / "s.csv").read_text().splitlines()
    again = [rows[0], *(row for row in rows[1:] for _ in range(int(row.split(",")[5])))]
    (tmp_path / "again.csv").write_text("\n".join(again) + "\n")
    many = result("cox", "again.csv", *data[1:], "--covariates", "x", "--ties", "breslow")
    assert weighted["covariates"][0]["coef"] == pytest.approx(many["covariates"][0]["coef"], abs=1e-9)
    whole, within = (result("cindex", *data, "--score", "x", *more) for more in ((), ("--strata", "w")))
    assert within["concordant"] < whole["concordant"]
    aalen, jackknife = (result("cif", *data, "--errors", e)["groups"][0]["causes"][0] for e in ("aalen", "jackknife"))
    assert aalen["incidence"] == jackknife["incidence"]
    assert aalen["std_err"] != jackknife["std_err"]
    area = result("auc", *RECURRENCE, "--score", "diameter_mm", "--at", "400")["at"][0]
    assert area["lower"] < area["auc"] < area["upper"]
    assert result("cox", *RECURRENCE, "--covariates", "d100_gy", "--cluster", "patient")["robust_score"]["df"] == 1


def test_predicted_curves_from_the_shell_are_those_of_r(run, result):
    data = (FOLDER / "lung.csv", "--time", "time", "--event", "status", "--event-value", "2", "--covariates", "age,sex")
    got = result("predict", *data, "--profile", "age=60,sex=2", "--profile", "sex=1,age=99", "--at", "100,365,700")
    np.testing.assert_allclose(got["curves"][0]["survival"], r_numbers()["predicted"], atol=R_CURVE)
    assert got["doubts"] == ["age 99 lies outside the data, 39 to 82"]
    for wrong in ("age=60", "age=60,sex=x", "age=60,sex=2,sex=1"):
        ran = run("survival", "predict", *data, "--profile", wrong)
        assert ran.code == 2
        assert "--profile" in ran.err


def test_km_draws_its_curves_with_numbers_at_risk(run, tmp_path: Path):
    args = ("survival", "km", *RECURRENCE, "--group", "crlm", "--plot")
    path = tmp_path / "curves.svg"
    assert run(*args, path).code == 0
    drawn = path.read_text()
    assert drawn.startswith("<?xml")
    assert "rows at risk" in drawn
    record = json.loads((tmp_path / "curves.svg.run.json").read_text())
    assert record["options"]["group"] == "crlm"
    again = run(*args, path)
    assert again.code == 2
    assert "--overwrite" in again.err
    other = run(*args, tmp_path / "curves.gif")
    assert other.code == 2
    assert "must end in .png, .svg, .pdf" in other.err


def test_a_ratio_per_small_unit_is_not_printed_as_1(run, tmp_path: Path):
    """A hazard ratio per ng/ml of a marker that reaches 100,000 is 1.00002; "1 (1 to 1), p < 0.001" says nothing."""
    rng = np.random.default_rng(3)
    marker = rng.lognormal(6.0, 2.0, 200).round()
    days = 1 + rng.exponential(500 * np.exp(-4e-5 * marker)).round()
    path = tmp_path / "marker.csv"
    rows = (f"{d:.0f},1,{m:.0f}" for d, m in zip(days, marker, strict=True))
    path.write_text("days,event,afp\n" + "\n".join(rows) + "\n")
    for model in ("cox", "finegray"):
        ran = run("survival", model, path, "--time", "days", "--event", "event", "--covariates", "afp")
        name, ratio, lower, _, upper, *_ = next(x for x in ran.out.splitlines() if x.startswith("afp")).split()
        assert name == "afp"
        assert len({ratio, lower, upper, "1", "1.000"}) == 5
        assert float(lower) < float(ratio) < float(upper)
