"""What Xu et al. 2021 prints, read from ``xu2021.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

__all__ = ["Claim", "Paper", "Times", "paper"]

# Covariate -> endpoint -> hazard ratio, lower, upper, p.
Ratios = Mapping[str, Mapping[str, tuple[str, str, str, str]]]


@dataclass(frozen=True, slots=True)
class Times:
    """Times to an endpoint in months: median (None: not reached), minimum and maximum."""

    median: str | None
    minimum: str
    maximum: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A place where the paper contradicts itself.

    Parameters
    ----------
    title : str
        What it is about.
    check : str or None
        The check that decides; None for a matter of text.
    decided : bool
        Whether arithmetic decides it: not where the printed numbers can still be true, or the words are at fault.
    printed : str or None
        What the paper prints; None where the check makes it from the tables.
    computed : str or None
        For a matter of text, why it cannot stand.
    instead : str
        What hdrplan does instead.
    """

    title: str
    check: str | None
    decided: bool
    printed: str | None
    computed: str | None
    instead: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """The printed numbers, as text with their decimals.

    Parameters
    ----------
    n_hcc, n_crlm : int
        Patients.
    times : mapping of endpoint to mapping of type ("HCC", "CRLM") to Times
        Table 3.
    logrank_p : mapping of endpoint to str
        Table 3.
    univariate, multivariate : mapping of covariate to mapping of endpoint to (ratio, lower, upper, p)
        Table 4.
    claims : tuple of Claim
    """

    n_hcc: int
    n_crlm: int
    times: Mapping[str, Mapping[str, Times]]
    logrank_p: Mapping[str, str]
    univariate: Ratios
    multivariate: Ratios
    claims: tuple[Claim, ...]


@cache
def paper() -> Paper:
    """Return what the paper prints."""
    data = tomllib.loads((resources.files("hdrplan.outcomes.published") / "xu2021.toml").read_text(encoding="utf-8"))
    ratios = {
        model: {name: {e: tuple(v) for e, v in row.items()} for name, row in data["table_4"][model].items()}
        for model in ("univariate", "multivariate")
    }
    return Paper(
        n_hcc=data["hcc"],
        n_crlm=data["crlm"],
        times={
            endpoint: {
                kind.upper(): Times(row[kind].get("median"), row[kind]["minimum"], row[kind]["maximum"])
                for kind in ("hcc", "crlm")
            }
            for endpoint, row in data["table_3"].items()
        },
        logrank_p={endpoint: row["p"] for endpoint, row in data["table_3"].items()},
        univariate=ratios["univariate"],
        multivariate=ratios["multivariate"],
        claims=tuple(
            Claim(
                title=entry["title"],
                check=entry.get("check"),
                decided=entry.get("decided", "check" in entry),
                printed=entry.get("printed"),
                computed=entry.get("computed"),
                instead=entry["instead"],
            )
            for entry in data["inconsistency"]
        ),
    )
