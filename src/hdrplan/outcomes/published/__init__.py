"""Published survival tables, and whether their printed numbers can be true together."""

from hdrplan.outcomes.published.counts import (
    check_counted_mean,
    check_counts,
    check_mean_sd,
    check_percent,
    smallest_sd,
)
from hdrplan.outcomes.published.nested import check_component, check_subset
from hdrplan.outcomes.published.printed_numbers import Finding, Printed, printed
from hdrplan.outcomes.published.ratios import check_ratio, events_from_interval, p_from_interval
from hdrplan.outcomes.published.rows import PRINTED_COLUMNS, check_columns, check_nested, check_row, unchecked
from hdrplan.outcomes.published.times import check_median, check_rates
from hdrplan.outcomes.published.whole_numbers import check_share, check_whole_mean
from hdrplan.outcomes.published.xu2021 import XU2021_DOI, Inconsistency, hazard_ratio_findings, inconsistencies

__all__ = [
    "PRINTED_COLUMNS",
    "XU2021_DOI",
    "Finding",
    "Inconsistency",
    "Printed",
    "check_columns",
    "check_component",
    "check_counted_mean",
    "check_counts",
    "check_mean_sd",
    "check_median",
    "check_nested",
    "check_percent",
    "check_rates",
    "check_ratio",
    "check_row",
    "check_share",
    "check_subset",
    "check_whole_mean",
    "events_from_interval",
    "hazard_ratio_findings",
    "inconsistencies",
    "p_from_interval",
    "printed",
    "smallest_sd",
    "unchecked",
]
