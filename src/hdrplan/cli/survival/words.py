"""What the commands of ``hdrplan survival`` print: results as JSON and as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hdrplan.errors import InfeasibleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hdrplan.arrays import FloatArray
    from hdrplan.cli.survival.columns import Columns
    from hdrplan.outcomes import Coefficients, Test

__all__ = [
    "coefficient_lines",
    "coefficient_table",
    "few_events",
    "label_text",
    "number_text",
    "p_text",
    "print_result",
    "test_line",
    "test_table",
]


# Levels of a category that are named on its line.
_MOST_LEVELS = 6
# Events for each coefficient below which Peduzzi et al. found biased ratios.
_EVENTS_EACH = 10


def coefficient_table(fit: Coefficients, conf_level: float) -> dict[str, object]:
    """Return coefficients, errors and hazard ratios for JSON.

    Raises
    ------
    InfeasibleError
        A ratio or a limit that is no finite number.
    """
    lower, upper = _finite_interval(fit, conf_level)
    robust = getattr(fit, "robust_se", None)
    rows = [
        {"covariate": name, "coef": c, "se": s, "robust_se": None if robust is None else robust[k], "hr": h, "lower": a,
         "upper": b, "z": z, "p": p}
        for k, (name, c, s, h, a, b, z, p) in enumerate(
            zip(fit.names, fit.coef, fit.se, fit.hazard_ratio, lower, upper, fit.z, fit.p, strict=True))
    ]  # fmt: skip
    return {"conf_level": conf_level, "covariates": rows}


def _finite_interval(fit: Coefficients, conf_level: float) -> tuple[FloatArray, FloatArray]:
    """Limits of the ratios; one that runs from 0 or to infinity is no answer, and refused in words."""
    lower, upper = fit.interval(conf_level)
    known = (lower > 0) & (upper < float("inf")) & (fit.hazard_ratio > 0) & (fit.hazard_ratio < float("inf"))
    if not known.all():
        raise InfeasibleError(
            f"the data do not determine the effect of {fit.names[int(known.argmin())]}",
            got="an interval without end: every ratio agrees with them",
            remedy="Merge categories, or leave the covariate out.",
        )
    return lower, upper


def coefficient_lines(fit: Coefficients, conf_level: float, effect: str = "HR") -> list[str]:
    """Return ratios as lines of text.

    Parameters
    ----------
    fit : Coefficients
    conf_level : float
        Coverage of the intervals.
    effect : str
        What the ratios are called.
    """
    from hdrplan.outcomes import ratio_decimals

    lower, upper = _finite_interval(fit, conf_level)
    lines = [f"{'covariate':<36}{effect:>12}  {'interval':<22}{'p':>8}"]
    for name, h, a, b, p in zip(fit.names, fit.hazard_ratio, lower, upper, fit.p, strict=True):
        # A ratio per small unit is close to 1, and printed as 1 it would say nothing.
        form = ".4g" if max(abs(v - 1.0) for v in (h, a, b)) >= 0.01 else f".{ratio_decimals(h, a, b)}f"
        lines.append(f"{name:<36}{h:>12{form}}  {f'{a:{form}} to {b:{form}}':<22}{p_text(p):>8}")
    return lines


def few_events(events: int, coefficients: int) -> list[str]:
    """Return a doubt where a model has few events for its coefficients.

    Parameters
    ----------
    events, coefficients : int

    Returns
    -------
    list of str
        Empty from ten events a coefficient on.

    References
    ----------
    P. Peduzzi et al., J Clin Epidemiol 1995;48:1503-1510, DOI 10.1016/0895-4356(95)00048-8.
    """
    if not coefficients or events >= _EVENTS_EACH * coefficients:
        return []
    return [
        f"{events} events for {coefficients} coefficients, {events / coefficients:.2g} each: with fewer than "
        f"{_EVENTS_EACH} each, ratios are biased and intervals too narrow"
    ]


def test_table(test: Test) -> dict[str, object]:
    """Return a test for JSON."""
    return {"statistic": test.statistic, "df": test.df, "p": test.p}


def test_line(test: Test) -> str:
    """Return a test as a line of text."""
    if test.p != test.p:
        return "no test: the events carry no information on it"
    return f"chi-square {test.statistic:.4f} on {test.df}, p {p_text(test.p)}"


def p_text(p: float) -> str:
    """Return a p value as text."""
    return "not known" if p != p else "< 0.001" if p < 0.001 else f"{p:.3f}"


def number_text(value: float) -> str:
    """Return a number as text; NaN is a height that a curve does not reach."""
    return "not reached" if value != value else f"{value:.4g}"


def label_text(label: object) -> str:
    """Return the label of a group as text."""
    return "all" if label is None else str(label)


def print_result(
    kind: str, columns: Columns, result: Mapping[str, object], lines: Iterable[str], *, as_json: bool
) -> None:
    """Print a result as JSON or as lines of text.

    Parameters
    ----------
    kind : str
        The analysis.
    columns : Columns
        Rows in use: how many, and how many were left out.
    result : mapping
        For JSON.
    lines : iterable of str
        For people.
    as_json : bool
    """
    from hdrplan.io import json_text

    n, categories = len(columns.table.lines), columns.categories()
    if as_json:
        head = {"analysis": kind, "n": n, "dropped_missing": columns.n_dropped, "categories": categories}
        click.echo(json_text({**head, **result}), nl=False)
        return
    for line in lines:
        click.echo(line)
    for name, levels in categories.items():
        (first, count), *others = levels.items()
        against = ", ".join(f"{level} ({n})" for level, n in others[:_MOST_LEVELS])
        against += f" and {len(others) - _MOST_LEVELS} more" if len(others) > _MOST_LEVELS else ""
        click.echo(f"{name} is taken as a category: {against} against {first} ({count})")
    if columns.n_dropped:
        click.echo(f"{columns.n_dropped} rows with missing values left out, {n} used")
