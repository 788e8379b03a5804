"""``hdrplan literature``: local control in published liver-HDR series, pooled, and what they cannot say."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdrplan.cli.common import echo_lines, json_option, strict_option, warn
from hdrplan.cli.inputs import IN_FILE
from hdrplan.cli.outputs import OUT_FOLDER, writes
from hdrplan.cli.records import run_record
from hdrplan.cli.text_options import text_options

if TYPE_CHECKING:
    from hdrplan.io import Output
    from hdrplan.outcomes import Pool, Series, TypeTest

__all__ = ["command"]


@click.command("literature")
@click.argument("table", required=False, metavar="[TABLE]", type=IN_FILE)
@click.option("-o", "--output", type=OUT_FOLDER, help="New folder for the results and a forest plot of each horizon.")
@text_options
@writes
@strict_option
@json_option
def command(table: Path | None, output: Output | None, encoding: str, decimal: str, as_json: bool) -> None:
    """Pool local control of published liver-HDR series; without a file, those that come with hdrplan.

    Each horizon is pooled by a random-effects model on the logit scale (REML, as R's metafor): mean, interval of the
    mean, interval of a new series, means by tumour type and their test, slope against dose, each series left out in
    turn. TABLE has columns series, tumour_type, lesions, horizon, and events or control_percent; dose_gy, overlaps,
    place where known.

    \b
    Examples:
      hdrplan literature
      hdrplan literature -o forest
      hdrplan literature --json
    """
    from hdrplan.io import TextForm, json_text, new_folder, read_series, read_table, write_run
    from hdrplan.outcomes import pooled_series

    form = TextForm(encoding, decimal)
    if table is not None:
        warn(read_table(table, form).warnings)
    series = read_series(table, form)
    pools = pooled_series(series)
    result = {"pools": [_pool_table(pool) for pool in pools], "left_out": _left_out(series)}
    if output is not None:
        from hdrplan.report import print_files, series_figure

        figures = {f"forest-{pool.horizon.replace(' ', '-')}": series_figure(pool) for pool in pools}
        with new_folder(output) as draft:
            for name, content in print_files(figures):
                (draft / name).write_bytes(content)
            (draft / "literature.json").write_text(json_text(result), encoding="utf-8")
            write_run(draft, run_record(options={"encoding": encoding, "decimal": decimal}))
    if as_json:
        click.echo(json_text(result), nl=False)
        return
    for pool in pools:
        echo_lines(_pool_lines(pool))
    echo_lines(_left_out_lines(series))


def _left_out(series: Sequence[Series]) -> list[dict[str, object]]:
    return [{**asdict(s), "why": s.left_out} for s in series if s.left_out]


def _left_out_lines(series: Sequence[Series]) -> Iterator[str]:
    for s in series:
        if s.left_out:
            yield f"not pooled: {s.name}, {s.horizon}: {s.left_out}" + (
                f" ({s.note})" if s.note not in ("", s.left_out) else ""
            )


def _pool_table(pool: Pool) -> dict[str, object]:
    values = zip(pool.series, pool.control, pool.lower, pool.upper, strict=True)
    table: dict[str, object] = {
        "horizon": pool.horizon,
        "series": [{**asdict(s), "control": c, "lower": low, "upper": up} for s, c, low, up in values],
        "types": [asdict(t) for t in pool.types],
        "type_test": None if pool.type_test is None else _type_table(pool.type_test),
        "within": [asdict(pair) for pair in pool.within],
        "without": [dict(zip(("control", "lower", "upper"), w, strict=True)) for w in pool.without],
        "unknown": list(pool.unknown),
        "mean": None,
        "slope": None,
    }
    if pool.mean is not None and pool.pooled is not None:
        names = ("control", "lower", "upper", "new_lower", "new_upper")
        q = pool.mean.heterogeneity
        table["mean"] = dict(zip(names, pool.pooled, strict=True)) | {
            "logit": pool.mean.coef[0], "logit_se": pool.mean.se[0], "tau2": pool.mean.tau2,
            "tau2_se": pool.mean.tau2_se, "i2_percent": pool.mean.i2_percent,
            "q": q.statistic, "q_df": q.df, "q_p": q.p,
        }  # fmt: skip
    if pool.slope is not None:
        table["slope"] = {
            "log_odds_per_gy": pool.slope.coef[1], "se": pool.slope.se[1], "p": pool.slope.p[1],
            "tau2": pool.slope.tau2,
        }  # fmt: skip
    return table


def _type_table(test: TypeTest) -> dict[str, object]:
    fit, q = test.fit, test.fit.moderators
    return {
        "reference": test.reference,
        "types": [
            {"tumour_type": kind, "log_odds": c, "se": se, "p": p}
            for kind, c, se, p in zip(test.types, fit.coef[1:], fit.se[1:], fit.p[1:], strict=True)
        ],
        "q_moderators": q.statistic, "df": q.df, "p": q.p, "tau2": fit.tau2, "series": fit.n,
    }  # fmt: skip


def _type_lines(pool: Pool) -> Iterator[str]:
    """Tumour type as a moderator: between series, and within a series that prints two types."""
    if pool.type_test is not None:
        test, fit = pool.type_test, pool.type_test.fit
        for kind, c, se in zip(test.types, fit.coef[1:], fit.se[1:], strict=True):
            ratio, low, high = (math.exp(x) for x in (c, c - 1.96 * se, c + 1.96 * se))
            name = f"odds of control, {kind} vs {test.reference}"
            yield f"  {name:<34}{ratio:5.2f} ({low:.2f} to {high:.2f})"
        q = fit.moderators
        yield f"  tumour type between series: QM {q.statistic:.2f} on {q.df}, p {q.p:.3f}; {fit.n} series"
    for pair in pool.within:
        (first, second), (a, b) = pair.types, pair.control
        yield (
            f"  within {pair.series}: {first} {100 * a:.1f} %, {second} {100 * b:.1f} %: odds ratio of control "
            f"{math.exp(pair.log_odds):.1f}"
        )
        if pair.implied_fraction is not None and pair.implied_se is not None:
            low, high = (math.exp(pair.log_odds + z * pair.implied_se) for z in (-1.96, 1.96))
            yield (
                f"    its whole control implies that {100 * pair.implied_fraction:.0f} % of its lesions are {first}: "
                f"95 % interval {low:.1f} to {high:.1f} if so"
            )


def _pool_lines(pool: Pool) -> Iterator[str]:
    yield f"Local control, {pool.horizon}"
    for s, c, low, up in zip(pool.series, pool.control, pool.lower, pool.upper, strict=True):
        dose = "" if s.dose_gy is None else f", {s.dose_gy:g} Gy"
        yield f"  {s.name + ' (' + s.tumour_type + ')':<34}{_percent(c, low, up)}  {s.lesions} lesions{dose}; {s.place}"
        if s.note:
            yield f"    {s.note}"
    for t in pool.types:
        if t.n > 1:
            yield f"  {t.tumour_type + f', {t.n} series':<34}{_percent(t.control, t.lower, t.upper)}"
    if pool.mean is not None and pool.pooled is not None:
        c, low, up, new_low, new_up = pool.pooled
        yield f"  {'mean of all series':<34}{_percent(c, low, up)}"
        yield f"  {'a new series':<34}{_percent(c, new_low, new_up)}"
        yield f"  variance between series {pool.mean.tau2:.4f}, I2 {pool.mean.i2_percent:.0f} %"
    yield from _type_lines(pool)
    for s, (c, low, up) in zip(pool.series, pool.without, strict=False):
        yield f"  {'without ' + s.name:<34}{_percent(c, low, up)}"
    if pool.slope is not None:
        yield f"  log odds of control per Gy {pool.slope.coef[1]:.3f}, standard error {pool.slope.se[1]:.3f}"
    for text in pool.unknown:
        yield f"  not known: {text}"


def _percent(c: float, low: float, up: float) -> str:
    return f"{100 * c:5.1f} % ({100 * low:.1f} to {100 * up:.1f})"
