"""The page docs/measurements/paper-check.md: a published table checked, made by code: no number is typed twice."""

from __future__ import annotations

from hdrplan.outcomes import XU2021_DOI, hazard_ratio_findings, inconsistencies

__all__ = ["paper_check_page"]

_TOP = """# A published survival table, checked

This page shows how `hdrplan paper-check` finds contradictions in printed tables. Use it to check a table that you read
or write. The example is the paper whose follow-up rules hdrplan uses: Xu et al. 2021 (DOI {doi}).

The tables of this paper contain numbers that cannot be true together. They are listed here so that nobody uses them
unchecked. hdrplan corrects none of them silently. Everything under "computed" follows from other printed numbers. A
printed number stands for every number that would be rounded to it, so rounding causes no finding. The page is written
by `hdrplan paper-check --markdown`; do not edit it.

| # | subject | printed | computed | what hdrplan does |
|---|---|---|---|---|
"""

_MIDDLE = """
{computed} contradictions were found by arithmetic. {text} are not decided by it: they are about wording, or the numbers
are unlikely but can be true. These are marked *not decided*.

## All hazard ratios of Table 4

Every row of Table 4 was checked: are the bounds in order, does the ratio lie inside its interval and in the middle of
it, and does the p value agree with the interval? These rows fail:

| where | printed | computed |
|---|---|---|
"""

_BOTTOM = '''
Where the interval implies a smaller p than the printed 0.001, a program probably printed 0.000.

## Check another table

`hdrplan paper-check printed.csv` checks any table. Write one printed quantity per row, with all its decimals, and leave
unused cells blank. The columns are:

- `row`: a name;
- `ratio, lower, upper` (or `interval`, such as 1.10-2.05), `p`; for a hazard ratio between two groups also `events`;
- `count, total, percent`, or `total, percent` alone (a denominator that stands in the text);
- `n, mean, sd`; for counts also `sum` and `ones` (how many units have exactly one); `whole` is 1 where all values are
  whole numbers (GRIM and GRIMMER tests);
- `median, minimum, maximum`; `component_of` names the row of the composite endpoint, `subset_of` the row of all units.

A column that is not read is an error, so that a misspelt name cannot pass as a clean table. What a blank cell leaves
unchecked is listed.

```python
from pathlib import Path

Path("printed.csv").write_text("""row,ratio,lower,upper,p,count,total,percent
age,1.028,1.008,1.048,0.050,,,
female,,,,,24,114,22.1
""")
```

```console
$ hdrplan paper-check printed.csv
age: p against interval
    printed:  1.028 (1.008-1.048), p 0.050
    computed: the interval implies p 0.005
female: percent against count
    printed:  24 of 114 (22.1 %)
    computed: 24/114 is 21.05 %
2 findings
```

In Python, the same checks are functions:

```python
from hdrplan.outcomes import check_counted_mean, check_ratio, smallest_sd

assert [f.rule for f in check_ratio("age", "1.028", "1.008", "1.048", "0.050")] == ["p against interval"]
assert not check_ratio("age", "1.023", "1.005", "1.041", "0.013")
assert check_counted_mean("lesions", 114, "1.24", "0.50", total=142, n_ones=97)
assert round(smallest_sd(114, 142, n_ones=97), 3) == 0.618
```
'''


def paper_check_page() -> str:
    """Return the page as Markdown."""
    rows = inconsistencies()
    page = _TOP.format(doi=XU2021_DOI)
    for r in rows:
        title = r.title if r.confirmed else f"{r.title} *(not decided)*"
        cells = (str(r.number), title, r.printed, r.computed, r.instead)
        page += f"| {' | '.join(_cell(cell) for cell in cells)} |\n"
    page += _MIDDLE.format(computed=sum(r.confirmed is True for r in rows), text=sum(r.confirmed is None for r in rows))
    for f in hazard_ratio_findings():
        page += f"| {' | '.join(_cell(cell) for cell in (f.where, f.printed, f.computed))} |\n"
    return page + _BOTTOM


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
