"""No command offers an option that it ignores; numbers of the planner show their default."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from hdrplan.cli import cli
from hdrplan.options import PLAN_OPTIONS
from small_case import write_small_case

# Command -> the planner's options that cannot change its result: times are given, or real numbers.
IDLE = {
    "evaluate": {"step_mm", "tip_offset_mm", "margin_mm", "max_dwell_s", "time_step_s", "min_dwell_s", "time_ratio",
                 "source_speed_mm_per_s", "source"},
    "plot": {"step_mm", "tip_offset_mm", "margin_mm", "max_dwell_s", "time_step_s", "min_dwell_s", "time_ratio",
             "source_speed_mm_per_s", "source", "strength"},
    "pareto": {"dose_margin_mm", "time_step_s", "min_dwell_s", "time_ratio", "source_speed_mm_per_s"},
    "sessions": {"dose_margin_mm", "source_speed_mm_per_s"},
    "steps": {"step_mm", "dose_margin_mm", "time_step_s", "min_dwell_s", "time_ratio", "source_speed_mm_per_s"},
}  # fmt: skip


def options_of(name: str) -> dict[str, click.Option]:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return {p.name or "": p for p in command.params if isinstance(p, click.Option)}


@pytest.mark.parametrize("name", IDLE)
def test_a_command_offers_no_option_that_it_ignores(name: str) -> None:
    assert not IDLE[name] & set(options_of(name))
    assert {"ctv", "goals", "sample_mm"} <= set(options_of(name))


def test_no_two_options_of_a_command_fill_one_parameter() -> None:
    """The planner's and the uncertainty's speed of the source did in `robust`: the first was lost without a word."""
    for name in cli.list_commands(click.Context(cli)):
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        names = [p.name for p in command.params]
        assert len(names) == len(set(names)), name


@pytest.mark.parametrize("name", ["plan", "place", "robust", "evaluate", "pareto"])
def test_every_number_of_the_planner_shows_its_default(name: str) -> None:
    shown = [(option, PLAN_OPTIONS[key]) for key, option in options_of(name).items() if key in PLAN_OPTIONS]
    shown = [(option, row) for option, row in shown if option.opts != ["--source-speed"]]
    assert len(shown) >= 2
    for option, row in shown:
        assert option.show_default or f"[case, else {row.default:g}]" in (option.help or ""), option.name
    assert PLAN_OPTIONS["tip_offset_mm"].default == 2.7


@pytest.mark.parametrize(
    ("more", "flag"), [(("--step", "3"), "--step"), (("--strength", "30000"), "--strength")], ids=["step", "strength"]
)
def test_robust_refuses_what_a_given_plan_makes_idle(more: tuple[str, ...], flag: str, run, tmp_path: Path) -> None:
    case = write_small_case(tmp_path / "case")
    (tmp_path / "plan.json").write_text("{}")
    ran = run("robust", case, "--plan", tmp_path / "plan.json", *more)
    assert ran.code == 2
    assert f"with a plan given, {flag} changes nothing" in ran.err


@pytest.mark.parametrize("text", ["114", "114+", "+50", "-1+50", "0+0", "114+50+1", "a+b"])
def test_power_takes_both_numbers_of_patients(text: str, run) -> None:
    ran = run("power", "--patients", text, "--replicates", "1")
    assert ran.code == 2
    assert "expected --patients HCC+CRLM such as 114+50" in ran.err
    assert "Write 114+0 for one diagnosis alone" in ran.err
