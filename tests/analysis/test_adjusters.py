"""Any column of the tables adjusts the models: as it is, as a spline, as strata; and the report says which did."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pytest

from hdrplan.analysis import Adjuster, LesionTable, adjusted_words, adjuster_terms, adjusters_from, lesion_table
from hdrplan.analysis.adjustment import typed_column
from hdrplan.analysis.effects import adjusters, d100_model
from hdrplan.cohort import RawTable, Rules, checked_cohort, derive
from hdrplan.errors import InputError
from hdrplan.outcomes import cox, restricted_spline
from hdrplan.report.recomputing import _expression
from synthetic_cohort import synthetic_cohort

TODAY = dt.date(2026, 1, 1)


@pytest.fixture(scope="module")
def raw() -> dict[str, RawTable]:
    """Tables with columns that hdrplan does not define: the patient's centre and albumin, the lesion's vessel."""
    tables = synthetic_cohort(np.random.default_rng(4), {"HCC": 80, "CRLM": 40}).raw
    rng = np.random.default_rng(7)
    more = {
        "patients": {
            "centre": lambda: rng.choice(["Ahlen", "Berg", "Celle"]),
            "albumin": lambda: f"{rng.normal(4):.2f}",
        },
        "lesions": {"near vessel": lambda: str(rng.integers(2))},
    }
    for name, columns in more.items():
        table = tables[name]
        rows = tuple((*row, *(draw() for draw in columns.values())) for row in table.rows)
        tables[name] = RawTable(name, (*table.columns, *columns), rows)
    return tables


def table_of(raw: dict[str, RawTable], *adjust: str) -> LesionTable:
    cohort, _ = checked_cohort(raw, Rules(), today=TODAY)
    return lesion_table(cohort, derive(cohort, Rules()), adjusters=adjusters_from(adjust))


def test_columns_splines_and_strata_enter_the_model(raw: dict[str, RawTable]) -> None:
    table = table_of(raw, "diameter_mm,spline(age_years)", "near vessel", "strata(centre)")
    spline = restricted_spline((table.age_years - 68.0) / 10.0)
    by_hand = {
        "D100, per Gy": table.d100_gy - 20.0,
        "size": (table.diameter_mm - 38.0) / 10.0,
        **spline.columns("age", (table.age_years - 68.0) / 10.0),
        "vessel": table.columns["near vessel"],
    }
    expected = cox(table.follow_up, by_hand, strata=table.columns["centre"])
    fit = d100_model(table)
    np.testing.assert_allclose(fit.coef, expected.coef, rtol=1e-9)
    np.testing.assert_allclose(fit.inference_covariance, expected.inference_covariance, rtol=1e-7)
    assert adjusted_words(table) == "adjusted for size, age (spline) and near vessel, stratified by centre"
    assert [t.label for t in adjuster_terms(table)][-1] == "near vessel: 1 vs 0"


def test_the_expressions_of_r_and_spss_give_the_columns_of_the_model(raw: dict[str, RawTable]) -> None:
    """R's arithmetic on these columns is Python's; SPSS shares it."""
    table = table_of(raw, "diameter_mm,spline(age_years),tumour_type,near vessel")
    own = {name.replace(" ", "_"): np.array(column) for name, column in table.columns.items()}
    lesions, terms = SimpleNamespace(**own), adjuster_terms(table)
    assert len(terms) == 6
    for term in terms:
        text = _expression(term).replace("lesions$", "lesions.").replace("as.numeric", "np.float64")
        values = eval(text, {"np": np, "lesions": lesions, "abs": np.abs})
        np.testing.assert_allclose(values, term.values(table.columns[term.column]), rtol=1e-9, atol=1e-12)


def test_a_cohort_of_one_type_is_not_called_adjusted_for_type() -> None:
    alone = synthetic_cohort(np.random.default_rng(4), {"HCC": 60}).raw
    assert adjusted_words(table_of(alone)) == "adjusted for size and age"
    assert adjusted_words(table_of(alone, "none")) == "not adjusted"
    assert adjusted_words(table_of(alone, "sex")) == "adjusted for sex"
    assert adjusters(table_of(alone, "none")) == {}


def test_a_column_that_is_not_there_is_refused_with_the_nearest(raw: dict[str, RawTable]) -> None:
    with pytest.raises(InputError, match="'center', did you mean 'centre'"):
        table_of(raw, "center")


def test_lesions_without_a_value_are_left_out_and_named(raw: dict[str, RawTable]) -> None:
    patients = raw["patients"]
    first = (*patients.rows[0][:-1], "")
    changed = {**raw, "patients": RawTable("patients", patients.columns, (first, *patients.rows[1:]))}
    whole, fewer = table_of(raw, "albumin"), table_of(changed, "albumin")
    assert {why for _, why in fewer.left_out} - {why for _, why in whole.left_out} == {"albumin unknown"}
    assert table_of(changed).n == whole.n


@pytest.mark.parametrize("text", ["age years,", "spline(age", "splines(age)", "strata()", "diameter_mm;age_years"])
def test_what_is_no_adjuster_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="an adjuster is a column"):
        adjusters_from([text])


def test_a_column_named_twice_is_refused() -> None:
    with pytest.raises(InputError, match="once"):
        adjusters_from(["sex", "strata(sex)"])
    assert adjusters_from(["none"]) == ()
    assert adjusters_from(["spline( age_years )"]) == (Adjuster("age_years", "spline"),)


def test_numbers_that_are_none_are_never_a_silent_category() -> None:
    with pytest.raises(InputError, match="albumin must hold numbers"):
        typed_column("albumin", [f"{k},{k}" for k in range(11)])
    assert typed_column("centre", ["A", "2", "A"]) == ("A", "2", "A")
    np.testing.assert_array_equal(typed_column("x", [True, "2.5", 3]), [1.0, 2.5, 3.0])
