"""A case with an applicator: its offset is planned with, written with the case, and contradicted by no other."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hdrplan.errors import FormatError, InputError
from hdrplan.io import new_folder, read_applicator, read_case, write_applicator, write_case
from hdrplan.plan import Applicator

SAMPLE = Path(__file__).parents[3] / "samples" / "two-lesions"
TEXT = 'name = "Needle"\ntip_offset_mm = 6.3\nuncertainty_mm = 0.3\nsource = "measured by hand"\n'


@pytest.fixture
def case(tmp_path):
    shutil.copytree(SAMPLE, tmp_path / "case")
    (tmp_path / "case" / "needle.toml").write_text(TEXT)
    return tmp_path / "case"


def test_the_offset_of_a_case_is_that_of_its_applicator_and_stays_so_when_it_is_written(case, tmp_path):
    found = read_case(case, {"applicator": "needle.toml"})
    assert found.options["tip_offset_mm"] == 6.3
    assert found.case.applicator.text == "Needle: 6.3 ± 0.3 mm (measured by hand)"
    assert "needle.toml" in found.inputs
    with new_folder(tmp_path / "again") as draft:
        write_case(draft, found, found.case)
    again = read_case(tmp_path / "again")
    assert again.case.applicator == found.case.applicator
    assert again.options["tip_offset_mm"] == 6.3
    assert read_case(case).case.applicator is None


def test_another_offset_beside_an_applicator_is_refused(case):
    with pytest.raises(InputError, match=r"6.3 mm of Needle, and 2.7 mm"):
        read_case(case, {"applicator": "needle.toml", "dwells": {"tip_offset_mm": 2.7}})
    same = read_case(case, {"applicator": "needle.toml", "dwells": {"tip_offset_mm": 6.3}})
    assert same.options["tip_offset_mm"] == 6.3


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("source", "sources"),
        TEXT.replace('source = "measured by hand"\n', ""),
        TEXT.replace("6.3", "-6.3"),
        TEXT.replace("6.3", '"6.3 mm"'),
        TEXT.replace("6.3", "nan"),
        TEXT.replace('"Needle"', '""'),
        "tip_offset_mm = ",
        "",
    ],
)
def test_files_that_state_no_offset_with_its_source_are_refused_by_name(tmp_path, text):
    (tmp_path / "wrong.toml").write_text(text)
    with pytest.raises((InputError, FormatError), match=r"wrong\.toml"):
        read_applicator(tmp_path / "wrong.toml")


def test_what_is_written_is_read_again_without_an_uncertainty_too(tmp_path):
    for sigma in (0.25, float("nan")):
        one = Applicator(name='Needle "6F"', tip_offset_mm=5.5, uncertainty_mm=sigma, source="the maker's manual")
        write_applicator(tmp_path / "one.toml", one)
        assert read_applicator(tmp_path / "one.toml").text == one.text
