"""Warnings about tables: those of a study, and those in which the warnings of many plans are counted."""

from __future__ import annotations

from hdrplan.cautions.caution import Kind

__all__ = ["TABLES"]

TABLES = (
    Kind(
        id="treatments-doubted",
        sentence="{count} of {plans} plans have the warning {kind}",
        remedy="Look at the column 'warnings' of metrics.csv.",
        why="An archive's table keeps the warnings of each plan in its rows; this counts them.",
    ),
    Kind(
        id="cases-doubted",
        sentence="{count} of {cases} cases have the warning {kind}",
        remedy="Look at the column 'warning_texts' of results.csv.",
        why="The table of a folder of cases keeps the warnings of each case in its row; this counts them.",
    ),
    Kind(
        id="structures-doubted",
        sentence="{count} of {structures} structures have the warning {kind}",
        remedy="Look at the column 'warnings' of metrics.csv.",
        why="The table of a folder's doses keeps the warnings of each structure in its rows; this counts them.",
    ),
    Kind(
        id="rows-all-twice",
        sentence="every row of the table stands there {times} times or more: {rows} rows, {different} different ones",
        remedy="Make sure that the table was not pasted twice.",
        why="Patients with equal follow-up and status occur; that all rows have as many twins does not. Doubled rows "
        "leave the curve and halve its variance. Given from ten different rows on.",
    ),
    Kind(
        id="times-of-calendar",
        sentence="all times of {column} lie between {low:.0f} and {high:.0f}",
        remedy="Subtract the day of the treatment: these look like the day numbers of a spreadsheet's dates.",
        why="Excel counts days from 1900: 25569 is 1970, 55153 is 2050. No follow-up begins after 70 years.",
    ),
    Kind(
        id="code-for-missing",
        sentence="the largest value of {column} is {value:g}, the next {next:g}",
        remedy="Leave the cell blank where the value is missing; codes such as 999 are read as numbers.",
        why="Given for a number of nines alone that is more than three times the next one.",
    ),
    Kind(
        id="groups-alike",
        sentence="groups {one!r} and {other!r} differ in capitals or blanks only",
        remedy="Write one group in one way.",
        why="Each spelling is a group of its own, and patients of one group are compared with each other.",
    ),
    Kind(
        id="groups-many",
        sentence="{column} makes {groups} groups of {rows} rows",
        remedy="Give a column of few groups; a quantity belongs into a model (`hdrplan survival cox`).",
        why="Given for more than ten groups with fewer than three rows each in the mean.",
    ),
)
