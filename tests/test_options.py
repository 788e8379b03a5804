"""The table of the planner's options, and who goes by it."""

from __future__ import annotations

import math

import pytest

from hdrplan.cli.case import case_options
from hdrplan.cli.flags import flag_of
from hdrplan.dose import SPACING_MM
from hdrplan.errors import InputError
from hdrplan.geometry import MARGIN_MM, STEP_MM, TIP_OFFSET_MM
from hdrplan.io.case.table import DWELL_OPTIONS
from hdrplan.options import PLAN_OPTIONS, PlanOptions


def test_defaults_are_those_of_the_rooms_that_use_them() -> None:
    options = PlanOptions()
    assert (options.step_mm, options.tip_offset_mm, options.margin_mm) == (STEP_MM, TIP_OFFSET_MM, MARGIN_MM)
    assert options.sample_mm == SPACING_MM


@pytest.mark.parametrize("name", PLAN_OPTIONS)
def test_a_number_out_of_its_range_is_refused(name: str) -> None:
    option = PLAN_OPTIONS[name]
    for value in (option.minimum, option.default, option.maximum):
        PlanOptions(**{name: value})
    for value in (option.minimum - 0.01, option.maximum * 1.01, math.nan):
        with pytest.raises(InputError, match=f"{name} must lie between"):
            PlanOptions(**{name: value})


def test_a_case_and_the_command_line_take_what_the_table_says() -> None:
    in_case = {name for name, option in PLAN_OPTIONS.items() if option.in_case}
    assert set(DWELL_OPTIONS) == in_case

    @case_options()
    def command() -> None: ...

    flags = {flag for parameter in command.__click_params__ for flag in parameter.opts}  # type: ignore[attr-defined]
    assert {flag_of(name) for name in in_case} <= flags
