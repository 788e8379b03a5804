"""Survival that a Cox model predicts for given patients: predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from hdrplan.cli.survival.curves import ConfType
from hdrplan.cli.survival.fits import Ties, fitted_cox
from hdrplan.cli.survival.options import MODEL_OPTIONS, numbers_of, table_command
from hdrplan.cli.survival.words import few_events, print_result
from hdrplan.door import number_in
from hdrplan.errors import InputError

if TYPE_CHECKING:
    from hdrplan.cli.survival.columns import Columns

__all__ = ["predict"]


@click.command(short_help="Curves that Cox's model predicts.")
@table_command(*MODEL_OPTIONS, "conf_level")
@click.option("--profile", "profiles", metavar="COL=V,COL=V", multiple=True, required=True,
              help="Values of all covariates; repeatable.")  # fmt: skip
@click.option("--stratum", metavar="V", help="Stratum of the profiles, with --strata.")
@click.option("--at", metavar="T,T", help="Print the survival at these times.")
@click.option("--conf-type", type=click.Choice(["log-log", "log", "plain"]), default="log-log", show_default=True)
def predict(
    columns: Columns,
    as_json: bool,
    ties: Ties,
    conf_level: float,
    profiles: tuple[str, ...],
    stratum: str | None,
    at: str | None,
    conf_type: ConfType,
) -> None:
    """Survival that Cox's model predicts for profiles of covariates, with limits; without --at, at all event times.

    \b
    Examples:
      hdrplan survival predict sample/lesions.csv --time days --event recurred --covariates d100_gy,diameter_mm \\
          --cluster patient --profile d100_gy=15,diameter_mm=30 --profile d100_gy=20,diameter_mm=30 --at 365
      hdrplan survival predict sample/lesions.csv --time days --event recurred --covariates type,d100_gy \\
          --profile type=HCC,d100_gy=18 --json
    """
    import numpy as np

    from hdrplan.outcomes import predicted_survival

    fit = fitted_cox(columns, ties)
    values = [_values(columns, text) for text in profiles]
    label = _stratum(columns, stratum)
    times = numbers_of(at, "--at") if at else np.unique(fit.data.rows.time[fit.data.rows.event]).tolist()
    curve = predicted_survival(
        fit, [_row(fit.names, columns, value) for value in values], times,
        stratum=label, conf_type=conf_type, conf_level=conf_level,
    )  # fmt: skip
    shown, lines = [], []
    for k, value in enumerate(values):
        fields = {name: getattr(curve, name)[k] for name in ("survival", "std_err", "lower", "upper")}
        shown.append({"profile": value, "time": times, **fields})
        lines.append(", ".join(f"{name} {v}" for name, v in value.items()))
        lines += [
            f"  at {t:g}: {s:.4f} ({low:.4f} to {high:.4f})"
            for t, s, low, high in zip(times, curve.survival[k], curve.lower[k], curve.upper[k], strict=True)
        ]
    doubts = [*_outside(columns, values), *few_events(fit.n_events, len(fit.names))]
    head = {"conf_type": conf_type, "conf_level": conf_level, "ties": ties, "stratum": label}
    print_result("predict", columns, head | {"curves": shown, "doubts": doubts}, [*lines, *doubts], as_json=as_json)


def _values(columns: Columns, text: str) -> dict[str, str]:
    """Read COL=V,COL=V: every covariate once."""
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    values = {name.strip(): value.strip() for name, _, value in pairs}
    wanted = columns.names.covariate_names
    if sorted(values) != sorted(wanted) or len(pairs) != len(values) or not all(values.values()):
        raise InputError(f"--profile must give each of {', '.join(wanted)} a value, as COL=V", got=text)
    return {name: values[name] for name in wanted}


def _row(names: Sequence[str], columns: Columns, values: Mapping[str, str]) -> list[float]:
    """Return the covariates of the model, in its order: numbers, and 0 or 1 for the levels of a category."""
    row: dict[str, float] = {}
    for name, value in values.items():
        if not columns.is_category(name):
            try:
                row[name] = number_in(value)
            except ValueError:
                raise InputError(f"--profile needs a number for {name}", got=value) from None
            continue
        levels = columns.categories()[name]
        if value not in levels:
            raise InputError(f"--profile needs a level of {name}: {', '.join(levels)}", got=value)
        reference = next(iter(levels))
        row |= {f"{name}: {level} vs {reference}": float(level == value) for level in levels if level != reference}
    return [row[name] for name in names]


def _stratum(columns: Columns, stratum: str | None) -> object:
    labels = columns.labels("strata")
    if labels is None:
        if stratum is not None:
            raise InputError("--stratum needs --strata")
        return None
    known = {str(label): label.item() for label in set(labels)}
    if stratum not in known:
        raise InputError(f"--stratum must be one of {', '.join(sorted(known))}", got=stratum)
    return known[stratum]


def _outside(columns: Columns, values: Sequence[Mapping[str, str]]) -> list[str]:
    """Return a doubt for each covariate whose profile lies outside what the model has seen."""
    doubts = []
    for name in columns.names.covariate_names:
        if columns.is_category(name):
            continue
        seen = columns.table.numbers(name)
        strange = sorted({v[name] for v in values if not seen.min() <= number_in(v[name]) <= seen.max()})
        if strange:
            doubts.append(f"{name} {', '.join(strange)} lies outside the data, {seen.min():g} to {seen.max():g}")
    return doubts
