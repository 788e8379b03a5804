"""Programs that recompute the headline of a correlation from lesions.csv: for R, and for SPSS."""

from __future__ import annotations

import re
from dataclasses import fields

from hdrplan.analysis import (
    Correlation,
    Effect,
    LesionRow,
    Term,
    adjusted_without_clusters,
    adjuster_columns,
    adjuster_terms,
    safe_name,
)

__all__ = ["r_script", "spss_syntax"]


def r_script(result: Correlation) -> str:
    """Return an R script that fits the adjusted model to lesions.csv and compares its headline with ours.

    Parameters
    ----------
    result : Correlation
        With a headline.

    References
    ----------
    T. M. Therneau, A Package for Survival Analysis in R: ``coxph`` with Efron's ties and ``cluster``.
    """
    headline = result.models.headline
    if headline is None:
        return ""
    terms = ["d100_per_gy", *(name for name, _ in _columns(result))]
    terms += ["strata(stratum)"] if result.table.strata else []
    columns = "\n".join(f"lesions${name} <- {r}" for name, r in _columns(result))
    return f"""# Recomputes the headline of correlate.json from lesions.csv, with the package survival of R.
# Run it in this folder: Rscript headline.R
library(survival)
lesions <- read.csv("lesions.csv", stringsAsFactors = FALSE)
lesions$d100_per_gy <- lesions$d100_gy - 20
{columns}
fit <- coxph(
  Surv(months, recurrence) ~ {" + ".join(terms)} + cluster(patient_id),
  data = lesions, ties = "efron"
)
print(summary(fit))
ours <- c({_numbers(headline)})
row <- summary(fit)
theirs <- c(
  row$conf.int["d100_per_gy", c("exp(coef)", "lower .95", "upper .95")],
  row$coefficients["d100_per_gy", "Pr(>|z|)"]
)
names(ours) <- names(theirs) <- c("hazard ratio per Gy", "lower 95 %", "upper 95 %", "p")
print(rbind(hdrplan = ours, R = theirs), digits = 8)
stopifnot(all(abs(theirs / ours - 1) < 1e-4))
cat("R and hdrplan agree.\\n")
"""


def spss_syntax(result: Correlation) -> str:
    """Return SPSS syntax that fits the adjusted model to lesions.csv, and what it must show.

    COXREG knows Breslow's ties and no clusters: the numbers in its comment are those of that model, not the headline.

    Parameters
    ----------
    result : Correlation
        With a headline.
    """
    headline = result.models.headline
    if headline is None:
        return ""
    plain = adjusted_without_clusters(result.table)
    terms = ["d100_per_gy", *(name for name, _ in _columns(result))]
    computes = "\n".join(f"COMPUTE {name} = {_spss(r)}." for name, r in _columns(result))
    kinds = {field.name: field.type == "str" for field in fields(LesionRow)}
    kinds |= {name: isinstance(column[0], str) for name, column in adjuster_columns(result.table).items()}
    variables = "\n    ".join(f"{name} {'A64' if text else 'F18.10'}" for name, text in kinds.items())
    strata = "\n  /STRATA=stratum" if result.table.strata else ""
    return f"""* Fits the adjusted model of correlate.json to lesions.csv in SPSS.
* COXREG uses Breslow's ties and takes lesions as independent, the headline Efron's ties and errors by patient:
*   {_text(headline)}.
* The model below gives, by hdrplan:
*   {_text(plain)}.
GET DATA
  /TYPE=TXT
  /FILE="lesions.csv"
  /ENCODING="UTF8"
  /DELIMITERS=","
  /QUALIFIER='"'
  /ARRANGEMENT=DELIMITED
  /FIRSTCASE=2
  /VARIABLES=
    {variables}.
COMPUTE d100_per_gy = d100_gy - 20.
{computes}
EXECUTE.
COXREG months
  /STATUS=recurrence(1){strata}
  /METHOD=ENTER {" ".join(terms)}
  /PRINT=CI(95)
  /CRITERIA=PIN(.05) POUT(.10) ITERATE(20).
"""


def _columns(result: Correlation) -> list[tuple[str, str]]:
    """Return name and R expression of each adjuster of the model."""
    columns: list[tuple[str, str]] = []
    for term in adjuster_terms(result.table):
        stem = f"{term.column} {term.level}" if term.level else term.label
        name = re.sub(r"[^A-Za-z0-9]+", "_", stem.replace(": 1 vs 0", "")).strip("_")
        if name in {known for known, _ in columns}:
            name += f"_{len(columns)}"
        columns.append((name, _expression(term)))
    return columns


def _expression(term: Term) -> str:
    column = f"lesions${safe_name(term.column)}"
    if term.level:
        text = term.level.replace("\\", "\\\\").replace('"', '\\"')
        return f'as.numeric({column} == "{text}")'
    scaled = f"({column} - {term.centre:g}) / {term.unit:g}" if (term.centre, term.unit) != (0.0, 1.0) else column
    if term.index == 0:
        return scaled
    first, *_, before, last = term.knots
    knot, gap = term.knots[term.index - 1], last - before

    def cube(at: float) -> str:
        # Harrell's truncated cubes, in words that R and SPSS share.
        return f"(abs({scaled} - ({at!r})) + ({scaled} - ({at!r})))**3 / 8"

    return (
        f"({cube(knot)} - {cube(before)} * ({(last - knot) / gap!r}) + {cube(last)} * ({(before - knot) / gap!r}))"
        f" / {(last - first) ** 2!r}"
    )


def _spss(expression: str) -> str:
    """Return an R expression of a column as SPSS writes it."""
    return expression.replace("as.numeric", "").replace("lesions$", "").replace("==", "=").replace('\\"', '""')


def _numbers(effect: Effect) -> str:
    return ", ".join(f"{v:.10g}" for v in (effect.hazard_ratio, effect.lower, effect.upper, effect.p))


def _text(effect: Effect) -> str:
    return (
        f"hazard ratio per Gy {effect.hazard_ratio:.5f} (95 % {effect.lower:.5f} to {effect.upper:.5f}), "
        f"p = {effect.p:.5f}, {effect.n} lesions, {effect.n_events} recurrences"
    )
