"""What the options of ``hdrplan survival`` name: columns, values of the event, reference levels."""

from __future__ import annotations

from dataclasses import dataclass

from hdrplan.errors import InputError

__all__ = ["ColumnNames"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnNames:
    """What the options of a command name; None where an option is not given.

    Parameters
    ----------
    time, event, group, cluster, strata, case_weight, entry, left, right, score, value : str or None
        Columns.
    event_value : str or None
        Value of the event column that counts as the event.
    cause, censored : str
        Values of the event column: the cause of interest, and what means censored.
    covariates : str or None
        Columns, separated by commas.
    reference : tuple of str
        COLUMN=LEVEL of text covariates.
    """

    time: str | None = None
    event: str | None = None
    group: str | None = None
    cluster: str | None = None
    strata: str | None = None
    case_weight: str | None = None
    entry: str | None = None
    left: str | None = None
    right: str | None = None
    score: str | None = None
    value: str | None = None
    event_value: str | None = None
    cause: str = "1"
    censored: str = "0"
    covariates: str | None = None
    reference: tuple[str, ...] = ()

    @property
    def covariate_names(self) -> list[str]:
        """Names of the covariates."""
        return [name.strip() for name in self.covariates.split(",") if name.strip()] if self.covariates else []

    @property
    def reference_levels(self) -> dict[str, str]:
        """Reference level of each text covariate that names one."""
        return dict(_pair(text) for text in self.reference)


def _pair(text: str) -> tuple[str, str]:
    name, equals, level = text.partition("=")
    if not equals:
        raise InputError("--reference takes COLUMN=LEVEL", got=text)
    return name.strip(), level.strip()
