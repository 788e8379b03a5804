"""How long survival methods take as tables grow, and R beside them in the same run where R is installed.

Run: python -m benchmarks.survival_speed [--write]. Each measurement is a process of its own, so that its peak of memory
is its own; processor seconds leave out the start of the process. R's column needs Rscript with the packages survival
and cmprsk; it is left out where they are missing.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "measurements" / "survival-speed.md"
SIZES = (2_000, 20_000, 200_000)
METHODS = {
    "kaplan_meier": "Kaplan-Meier, with errors",
    "log_rank": "log-rank test, 2 groups",
    "gray": "Gray's test, 2 groups",
    "concordance": "concordance (Harrell)",
    "uno": "concordance (Uno)",
    "aalen_johansen": "Aalen-Johansen, 2 causes, with errors",
    "fine_gray": "Fine-Gray, 3 covariates, with errors",
    "cox": "Cox (Efron), 3 covariates",
    "zph": "test of proportional hazards, with its Cox model",
    "weibull": "Weibull regression on intervals, 3 covariates",
    "frailty": "Cox with gamma frailty, 3 covariates, clusters of 2 rows",
}
# R is stopped after so many processor seconds; the table then says more than that.
R_LIMIT_S = 100
# The same data in R: exponential times in whole days, two causes and censoring, three covariates.
R_SETUP = """
suppressMessages(library(survival)); set.seed(1); n <- {n}
x <- matrix(rnorm(3 * n), n); time <- round(1000 * rexp(n) * exp(-0.5 * x[, 1])) + 1
cause <- sample(0:2, n, TRUE); id <- (seq_len(n) - 1) %/% 2
"""
R_CALLS = {
    "kaplan_meier": "survfit(Surv(time, cause == 1) ~ 1)",
    "log_rank": "survdiff(Surv(time, cause == 1) ~ (x[, 2] > 0))",
    "gray": "cmprsk::cuminc(time, cause, x[, 2] > 0)",
    "uno": "concordance(Surv(time, cause == 1) ~ x[, 1], reverse = TRUE, timewt = 'n/G2')",
    "zph": "cox.zph(coxph(Surv(time, cause == 1) ~ x))",
    "weibull": "survreg(Surv(pmax(time - 90, 0.5), ifelse(cause == 1, time, NA), type = 'interval2') ~ x)",
    "concordance": "concordance(Surv(time, cause == 1) ~ x[, 1], reverse = TRUE)",
    "aalen_johansen": "survfit(Surv(time, factor(cause)) ~ 1)",
    "fine_gray": "cmprsk::crr(time, cause, x)",
    "cox": "coxph(Surv(time, cause == 1) ~ x)",
    "frailty": "coxph(Surv(time, cause == 1) ~ x + frailty(id))",
}


def one(method: str, n: int) -> dict[str, float]:
    """Measure a method in this process."""
    _call(method, 50)()  # what is imported and compiled at a first call is not of the method
    run = _call(method, n)
    used = time.process_time()
    run()
    used = time.process_time() - used
    return {"cpu_s": used, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0}


def _call(method: str, n: int) -> Callable[[], object]:
    """Return a method with its data, yet to run."""
    import numpy as np

    from hdrplan import outcomes

    rng = np.random.default_rng(1)
    x = rng.normal(size=(n, 3))
    time_days = np.round(1000 * rng.exponential(size=n) * np.exp(-0.5 * x[:, 0])) + 1
    cause = rng.integers(0, 3, n)
    rows = outcomes.follow_up(time_days, cause == 1)
    risks = outcomes.competing_risks(time_days, cause)
    shared = outcomes.follow_up(time_days, cause == 1, cluster=np.arange(n) // 2)
    seen = np.where(cause == 1, time_days, np.inf)
    between = outcomes.intervals(np.maximum(time_days - 90, 0.5), seen)
    calls: dict[str, Callable[[], object]] = {
        "kaplan_meier": lambda: outcomes.kaplan_meier(rows),
        "log_rank": lambda: outcomes.log_rank(rows, x[:, 1] > 0),
        "gray": lambda: outcomes.gray_test(risks, x[:, 1] > 0),
        "uno": lambda: outcomes.concordance(rows, x[:, 0], method="uno"),
        "zph": lambda: outcomes.zph(outcomes.cox(rows, x)),
        "weibull": lambda: outcomes.interval_regression(between, x, family="weibull"),
        "concordance": lambda: outcomes.concordance(rows, x[:, 0]),
        "aalen_johansen": lambda: outcomes.aalen_johansen(risks),
        "fine_gray": lambda: outcomes.fine_gray(risks, x),
        "cox": lambda: outcomes.cox(rows, x),
        "frailty": lambda: outcomes.frailty(shared, x),
    }
    return calls[method]


def in_r(method: str, n: int) -> str:
    """CPU seconds of the same in R; a dash where R, or the package, is not installed."""
    if shutil.which("Rscript") is None:
        return "-"
    code = R_SETUP.format(n=n) + f"t <- system.time({R_CALLS[method]}); cat(t[[1]] + t[[2]])"
    ran = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True, check=False, preexec_fn=_limited)
    if ran.returncode in (-signal.SIGXCPU, -signal.SIGKILL, 128 + signal.SIGXCPU, 128 + signal.SIGKILL):
        return f"stopped after {R_LIMIT_S}"
    return f"{float(ran.stdout):.3g}" if ran.returncode == 0 else "-"


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (R_LIMIT_S, R_LIMIT_S + 5))


def table() -> str:
    """Return the page's table."""
    head = [f"{n:,} rows" for n in SIZES]
    lines = [f"| method | {' | '.join(head)} | exponent | memory | R, {head[-1]} |", "|---|---|---|---|---|---|---|"]
    for method, words in METHODS.items():
        measured = []
        for n in SIZES:
            command = [sys.executable, "-m", "benchmarks.survival_speed", "--one", method, str(n)]
            ran = subprocess.run(command, capture_output=True, text=True, check=True)
            measured.append(json.loads(ran.stdout))
        seconds = [m["cpu_s"] for m in measured]
        exponent = math.log(seconds[-1] / seconds[-2]) / math.log(SIZES[-1] / SIZES[-2])
        cells = [f"{s:.3g}" for s in seconds]
        cells += [f"{exponent:.2f}", f"{measured[-1]['peak_mb']:.0f} MB", in_r(method, SIZES[-1])]
        lines.append(f"| {words} | {' | '.join(cells)} |")
        print(lines[-1], file=sys.stderr)
    return "\n".join(lines)


def versions() -> str:
    """Versions of R and its packages."""
    if shutil.which("Rscript") is None:
        return "not installed"
    parts = ["'R ', getRversion()", *(f"', {name} ', packageVersion('{name}')" for name in ("survival", "cmprsk"))]
    code = f"cat(paste0({', '.join(parts)}))"
    return subprocess.run(["Rscript", "-e", code], capture_output=True, text=True, check=True).stdout


def page() -> str:
    """Return the page."""
    return f"""# Survival methods at size

This page shows how long the survival methods take as a table grows from 2,000 to 200,000 rows: processor seconds, the
exponent of the last tenfold growth, and the peak of memory at 200,000 rows. The page is made by
`python -m benchmarks.survival_speed --write`. Where R with survival and cmprsk is installed, the last column holds its
processor seconds in the same run ({versions()}); a dash means that it was not installed.
Imports and compilation are left out.

{table()}

Every method needs about n log n steps: sums over risk sets are cumulated sums over rows in order of time, and no table
of rows and times, of rows and clusters, or of pairs of rows is made.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    parser.add_argument("--one", nargs=2, metavar=("METHOD", "ROWS"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(one(given.one[0], int(given.one[1]))))
    elif given.write:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        print(page())


if __name__ == "__main__":
    main()
