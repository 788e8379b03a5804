"""``hdrplan sources``: which sources there are, what they look like, how well their own tables are met."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hdrplan.cli.common import json_option

if TYPE_CHECKING:
    from hdrplan.dose import AlongAwayCheck
    from hdrplan.sources import TG43Source

__all__ = ["command"]


@click.group()
def command() -> None:
    """TG-43 sources: list them, draw one, verify one.

    A source is named, or it is a file of your own: JSON, NAME_g.csv with NAME_F.csv, or a spreadsheet (.xlsx, .xls) in
    ESTRO's layout.

    \b
    Examples:
      hdrplan sources list
      hdrplan sources show gammamed-12i -o gammamed-12i.png
      hdrplan sources verify gammamed-plus
      hdrplan sources verify my_source.json --json
    """


@command.command("list")
@json_option
def list_sources(as_json: bool) -> None:
    """List the packaged sources.

    \b
    Examples:
      hdrplan sources list
      hdrplan sources list --json
    """
    from hdrplan.io import json_text
    from hdrplan.sources import load_source, source_aliases, source_names

    sources = [load_source(name) for name in source_names()]
    if as_json:
        aliases = source_aliases()
        rows = [_facts(s) | {"aliases": sorted(a for a, n in aliases.items() if n == s.name)} for s in sources]
        click.echo(json_text({"sources": rows}), nl=False)
        return
    click.echo(f"{'name':<28}{'kind':<14}{'Lambda':>9}{'L':>7}{'to':>7}  {'table':<6} model")
    click.echo(f"{'':<28}{'':<14}{'cGy/h/U':>9}{'mm':>7}{'cm':>7}")
    for s in sources:
        facts = _facts(s)
        click.echo(
            f"{s.name:<28}{s.kind:<14}{facts['dose_rate_constant_cgy_per_h_per_u']:>9.5g}{s.active_length_mm:>7g}"
            f"{s.table_r_max_mm / 10:>7g}  {'yes' if s.along_away else '-':<6} {s.model}"
        )
    click.echo("The first is the default. table: a published along-away table to verify against.")


@command.command()
@click.argument("name", metavar="NAME|FILE")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Picture: .png, .svg or .pdf [NAME.png].")
@json_option
def show(name: str, output: Path | None, as_json: bool) -> None:
    """Draw g(r), F(r, theta) and isodose lines of a source; print what it is.

    With --json the tables are printed, and a picture is drawn only if -o names one.

    \b
    Examples:
      hdrplan sources show gammamed-12i
      hdrplan sources show microselectron-v2 -o v2.svg
      hdrplan sources show my_source_g.csv --json
    """
    from hdrplan.io import json_text, new_file, read_source

    source = read_source(name)
    if output is None and not as_json:
        output = Path(f"{source.name}.png")
    if output is not None:
        from hdrplan.report import source_figure

        with new_file(output) as draft:
            source_figure(source, draft)
    if as_json:
        click.echo(json_text(_facts(source) | _tables(source)), nl=False)
        return
    facts = _facts(source)
    for key in ("name", "model", "manufacturer", "kind", "citation", "provenance", "note"):
        if facts[key]:
            click.echo(f"{key:<14}{facts[key]}")
    click.echo(f"{'Lambda':<14}{facts['dose_rate_constant_cgy_per_h_per_u']:.6g} cGy/h/U")
    click.echo(f"{'active length':<14}{source.active_length_mm:g} mm")
    click.echo(f"{'half-life':<14}{source.half_life_days:g} d")
    click.echo(f"{'published to':<14}{source.table_r_max_mm / 10:g} cm; beyond, doses are marked extrapolated")
    click.echo(f"{'picture':<14}{output}")


@command.command()
@click.argument("name", metavar="[NAME|FILE]", required=False)
@json_option
def verify(name: str | None, as_json: bool) -> None:
    """Compute the published along-away table of a source and print the deviations.

    Cells inside capsule and cable, and farther than g and F were published for, are left out. Without a name all
    packaged sources that have a table are summed up.

    \b
    Examples:
      hdrplan sources verify
      hdrplan sources verify gammamed-plus
      hdrplan sources verify my_source.xlsx --json
    """
    from hdrplan.dose import along_away_check
    from hdrplan.io import json_text, read_source
    from hdrplan.sources import load_source, source_names

    if name is None:
        sources = [s for s in map(load_source, source_names()) if s.along_away is not None]
        checks = [along_away_check(s) for s in sources]
        if as_json:
            rows = [_summary(s, c) for s, c in zip(sources, checks, strict=True)]
            click.echo(json_text({"sources": rows}), nl=False)
            return
        click.echo("| source | cells | mean | largest | at along, away (mm) |")
        click.echo("|---|---|---|---|---|")
        for s, c in zip(sources, checks, strict=True):
            row = _summary(s, c)
            click.echo(
                f"| {s.name} | {row['cells']} | {row['mean_pct']:.3f} % | {row['largest_pct']:.3f} % | "
                f"{row['largest_at_mm'][0]:g}, {row['largest_at_mm'][1]:g} |"
            )
        return
    source = read_source(name)
    check = along_away_check(source)
    if as_json:
        click.echo(json_text(_summary(source, check) | _deviations(check)), nl=False)
        return
    _print_deviations(source, check)


def _facts(source: TG43Source) -> dict[str, Any]:
    """Return what a source is, without its tables."""
    return {
        "name": source.name,
        "model": source.model,
        "manufacturer": source.manufacturer,
        "kind": source.kind,
        "citation": source.citation,
        "provenance": source.provenance,
        "note": source.note,
        "dose_rate_constant_cgy_per_h_per_u": source.dose_rate_constant_gy_per_s_per_u * 360_000.0,
        "active_length_mm": source.active_length_mm,
        "half_life_days": source.half_life_days,
        "table_r_max_mm": source.table_r_max_mm,
        "along_away": source.along_away is not None,
    }


def _tables(source: TG43Source) -> dict[str, Any]:
    """Return g and F as the dose engine uses them."""
    return {
        "radial_r_mm": source.radial_r_mm.tolist(),
        "radial_dose": source.radial_dose.tolist(),
        "anisotropy_r_mm": source.anisotropy_r_mm.tolist(),
        "anisotropy_theta_rad": source.anisotropy_theta_rad.tolist(),
        "anisotropy": source.anisotropy.tolist(),
        "anisotropy_filled": source.anisotropy_filled.tolist(),
    }


def _summary(source: TG43Source, check: AlongAwayCheck) -> dict[str, Any]:
    """Return the deviations in a few numbers."""
    return {
        "name": source.name,
        "cells": int(check.valid.sum()),
        "cells_left_out": int(check.valid.size - check.valid.sum()),
        "mean_pct": 100.0 * check.mean_frac,
        "largest_pct": 100.0 * check.max_frac,
        "largest_at_mm": list(check.worst_mm),
    }


def _deviations(check: AlongAwayCheck) -> dict[str, Any]:
    """Return all cells; those left out are null."""
    return {
        "along_mm": check.published.along_mm.tolist(),
        "away_mm": check.published.away_mm.tolist(),
        "deviation_pct": [[None if v != v else 100.0 * v for v in row] for row in check.deviation_frac.tolist()],
    }


def _print_deviations(source: TG43Source, check: AlongAwayCheck) -> None:
    """Print the summary, and all cells of a table that fits a page."""
    row = _summary(source, check)
    along, away = row["largest_at_mm"]
    click.echo(f"{source.name}: {source.citation}")
    click.echo(f"{row['cells']} cells compared, {row['cells_left_out']} left out (blank, in capsule or cable, too far)")
    click.echo(
        f"mean deviation {row['mean_pct']:.3f} %, largest {row['largest_pct']:.3f} % "
        f"at along {along:g}, away {away:g} mm"
    )
    table = check.published
    if len(table.along_mm) > 40:
        click.echo("The table is too large to print; --json gives every cell.")
        return
    click.echo("\nComputed / published - 1 in percent; rows along (mm), columns away (mm)")
    click.echo(f"{'':>7}" + "".join(f"{a:>8g}" for a in table.away_mm))
    for k, z in enumerate(table.along_mm):
        cells = "".join(f"{'':>8}" if v != v else f"{100 * v:>8.3f}" for v in check.deviation_frac[:, k])
        click.echo(f"{z:>7g}{cells}")
