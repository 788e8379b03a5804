"""Lines for terminals: whatever is long in them, what to do stays."""

from __future__ import annotations

import re

import click
import pytest
from click.testing import CliRunner

from hdrplan.cautions import caution
from hdrplan.cli.common import warn
from hdrplan.errors import InputError, among, fitted

REMEDY = "Give the folder of the export, " + "or name each of its files, " * 3 + "and say which one holds the plan."


@pytest.mark.parametrize("long", [10, 100, 1000, 100_000])
def test_an_error_of_any_length_ends_with_its_whole_remedy(long: int) -> None:
    """The middle of the line was cut, and with it the beginning of a long remedy."""
    said = str(InputError("expected one plan", got="x" * long, where="y" * long, remedy=REMEDY))
    assert said.endswith(f" {REMEDY}")
    assert said.startswith("y" * 10)
    assert len(said) <= 290


def test_a_remedy_that_lists_names_without_end_is_cut() -> None:
    said = str(InputError("no structure is named 'a'", got="x" * 1000, remedy=f"There are: {'liver' * 1000}."))
    assert said.startswith("no structure is named")
    assert ". There are: liverliver" in said
    assert said.endswith(" ...")
    assert len(said) <= 290


def test_a_long_error_without_a_remedy_says_where_and_what() -> None:
    said = str(InputError("expected one plan", got="x" * 1000, where="y" * 1000))
    assert said.startswith("yyy")
    assert said.endswith("x ...")
    assert len(said) <= 290


def test_a_long_warning_ends_with_its_whole_remedy() -> None:
    """Its end was cut, and with it what to do."""

    @click.command()
    def command() -> None:
        warn([caution("structure-left-out", reason="r" * 1000)])

    said = CliRunner().invoke(command).output.rstrip()
    whole = caution("structure-left-out", reason="r" * 1000)
    assert said.endswith(whole.remedy)
    assert len(said.splitlines()) == 1
    assert len(said) < 400


def test_a_long_list_loses_whole_entries() -> None:
    organs = ", ".join(f"organ_{k} ({k} %)" for k in range(60))
    said = fitted(f"the dose grid does not hold all of {organs}; their DVHs are not compared", "Export a larger grid.")
    assert len(said) <= 290
    listed = said.removeprefix("the dose grid does not hold all of ").split(";")[0].split(", ")
    assert listed.count("...") == 1
    assert all(re.fullmatch(r"organ_(\d+) \(\1 %\)", entry) for entry in listed if entry != "...")
    assert len(listed) > 8


def test_what_is_expected_may_end_with_an_ellipsis() -> None:
    """It said: expected --steps MM,MM,, got 'x'."""
    assert str(InputError("expected --steps MM,MM,...", got="'x'")) == "expected --steps MM,MM,..., got 'x'"
    assert str(InputError("expected a plan.", got="none")) == "expected a plan, got none"


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("lesion_b", "Did you mean lesion_B? There are: liver, lesion_B, right kidney."),
        ("Right-Kidney", "Did you mean right kidney? There are: liver, lesion_B, right kidney."),
        ("livre", "Did you mean liver? There are: liver, lesion_B, right kidney."),
        ("spleen", "There are: liver, lesion_B, right kidney."),
    ],
)
def test_the_name_that_was_meant_comes_first(name: str, remedy: str) -> None:
    assert among(name, ["liver", "lesion_B", "right kidney"]) == remedy


def test_nothing_is_there_to_be_meant() -> None:
    assert among("liver", []) == "There are: none."
