"""``hdrplan bench`` from the outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from hdrplan.cli.bench import command
from hdrplan.errors import InputError
from hdrplan.report import bench_page

QUICK = ["--sizes", "small", "--seconds", "0", "--no-start-up"]


def test_page_and_table_tell_the_same(tmp_path: Path) -> None:
    output, page = tmp_path / "bench.json", tmp_path / "docs" / "benchmarks.md"
    run = CliRunner().invoke(command, [*QUICK, "-o", str(output), "--page", str(page)])
    assert run.exit_code == 0, run.output
    table = json.loads(output.read_text())
    text = page.read_text()
    assert (page.parent / "images" / "benchmarks.png").stat().st_size > 10_000
    for entry in table["runs"]:
        assert f"{entry['pairs'] / entry['cpu_s']:.3g}" in text
    assert text == bench_page(table, "images/benchmarks.png")


def test_goals_are_judged_by_the_numbers() -> None:
    run = CliRunner().invoke(command, [*QUICK, "--json"])
    table = json.loads(run.output)
    grid = next(r for r in table["runs"] if r["comparison"] == "dose grid, blocks" and r["threads"] == 1)
    grid |= {"size": "common", "pairs": 3000, "cpu_s": 1.0}
    for peer_speed, word in ((4.9, "met"), (5.1, "**not met**")):
        table["peers"] = [
            {"name": "pygrpm", "licence": "", "pairs": peer_speed, "cpu_s": 1.0, "deviation": grid["deviation"]}
        ]
        row = next(line for line in bench_page(table, "p").splitlines() if "whole grid" in line)
        assert row.endswith(f"| {word} |")


@pytest.mark.parametrize(("flag", "value"), [("--sizes", "tiny"), ("--sizes", ","), ("--seconds", "-1")])
def test_bad_calls(flag: str, value: str) -> None:
    run = CliRunner().invoke(command, [flag, value])
    assert isinstance(run.exception, InputError)
    assert value.strip(",") in str(run.exception)


def test_a_matrix_stands_beside_what_it_cannot_beat() -> None:
    table = json.loads(CliRunner().invoke(command, [*QUICK, "--json"]).output)
    matrix = next(r for r in table["runs"] if r["comparison"] == "rate matrix, float32 tables" and r["threads"] > 1)
    matrix |= {"size": "common", "cpu_s": 3.0, "fill_new_cpu_s": 1.0, "fill_again_cpu_s": 0.5, "unread_cpu_s": 2.5}
    row = next(line for line in bench_page(table, "p").splitlines() if "at most twice a plain fill" in line)
    assert "3.0 times its CPU time (6.0 times" in row
    assert "table unread, 2.5 times" in row
