"""The arithmetic of nested endpoints and of rounding in Xu et al. 2021."""

from __future__ import annotations

from collections.abc import Callable

from hdrplan.outcomes.published.nested import check_component, check_subset
from hdrplan.outcomes.published.printed_numbers import Finding, printed
from hdrplan.outcomes.published.verdicts import Verdict
from hdrplan.outcomes.published.xu2021_paper import Times, paper

__all__ = ["component_check", "rounding_check", "subset_check"]


def _only(times: Times, bound: str) -> dict[str, str]:
    return {bound: getattr(times, bound)}


def component_check(kind: str, bound: str, composite: str, *components: str) -> Callable[[], Verdict]:
    """Return the check of a composite endpoint's minimum or maximum against those of its components.

    Parameters
    ----------
    kind : {"HCC", "CRLM"}
    bound : {"minimum", "maximum"}
    composite, *components : str
        Endpoints of Table 3.
    """

    def check() -> Verdict:
        times = paper().times
        findings: list[Finding] = []
        for component in components:
            pair = (_only(times[name][kind], bound) for name in (composite, component))
            findings += check_component(component, *pair)
        words = [f"{getattr(times[x][kind], bound)} ({x})" for x in components]
        computed = f"each time to {composite} is at most the same treatment's time to {' and to '.join(components)}, "
        computed += f"but the {bound} is {getattr(times[composite][kind], bound)} against {' and '.join(words)}"
        return Verdict(len(findings) == len(components), computed, _both(kind, bound, composite, *components))

    return check


def subset_check(kind: str, bound: str, whole: str, some: str) -> Callable[[], Verdict]:
    """Return the check of all treatments' minimum or maximum against that of the first ones.

    Parameters
    ----------
    kind : {"HCC", "CRLM"}
    bound : {"minimum", "maximum"}
    whole, some : str
        Endpoints of Table 3: of all treatments, of the first treatments.
    """

    def check() -> Verdict:
        times = paper().times
        findings = check_subset("", _only(times[whole][kind], bound), _only(times[some][kind], bound))
        a, b = (getattr(times[x][kind], bound) for x in (whole, some))
        computed = f"{some} is of first treatments and {whole} of all, with these among them, but {b} lies outside {a}"
        return Verdict(len(findings) == 1, computed, _both(kind, bound, whole, some))

    return check


def _both(kind: str, bound: str, *endpoints: str) -> str:
    values = (f"{endpoint} {getattr(paper().times[endpoint][kind], bound)}" for endpoint in endpoints)
    return f"{bound} of {', of '.join(values)} months ({kind})"


def rounding_check() -> Verdict:
    """Compare numbers that only rounding makes with numbers that only cutting off makes."""
    shown = (("85.09", 97, 114, 100), ("78.9", 90, 114, 100), ("92.9", 106, 114, 100), ("1.24", 142, 114, 1))
    rounded, cut = [], []
    for text, count, total, unit in shown:
        value, number = unit * count / total, printed(text)
        if number.low <= value <= number.high:
            if value < number.value:
                rounded.append(f"{count}/{total} = {value:.3f} is printed {text}")
        elif value < number.high + (number.high - number.value):
            cut.append(f"{count}/{total} = {value:.3f} is printed {text}")
    computed = f"rounded: {'; '.join(rounded)}; cut off: {'; '.join(cut)}"
    return Verdict(bool(rounded) and len(cut) == 2, computed)
