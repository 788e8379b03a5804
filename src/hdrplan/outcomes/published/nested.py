"""Whether printed times of nested endpoints and groups can be true together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hdrplan.outcomes.published.printed_numbers import Finding, printed

__all__ = ["check_component", "check_subset"]


def check_component(where: str, composite: Mapping[str, str], component: Mapping[str, str]) -> tuple[Finding, ...]:
    """Return a finding where a composite endpoint comes later than one of its components.

    Of each subject the time of the composite (progression of any kind) is at most that of a component (local
    progression), which is followed up at least as long. So the minimum, the median and the maximum are too.

    Parameters
    ----------
    where : str
        Name of both.
    composite, component : mapping of str to str
        Printed ``minimum``, ``median`` and ``maximum``, any of which may be absent.

    Returns
    -------
    tuple of Finding
    """
    return tuple(
        Finding(
            rule="composite not later than its component",
            where=where,
            printed=f"{name} {composite[name]} of the composite, {component[name]} of the component",
            computed=f"who reaches {component[name]} in the component has reached or left the composite by then",
        )
        for name in _in_both(composite, component)
        if printed(composite[name]).low > printed(component[name]).high
    )


def check_subset(where: str, whole: Mapping[str, str], subset: Mapping[str, str]) -> tuple[Finding, ...]:
    """Return a finding where the range of all units leaves out that of some of them.

    Parameters
    ----------
    where : str
        Name of both.
    whole, subset : mapping of str to str
        Printed ``minimum`` and ``maximum`` of all units (treatments) and of some of them (first treatments).

    Returns
    -------
    tuple of Finding
    """
    findings = []
    for name, sign in (("minimum", 1.0), ("maximum", -1.0)):
        if name not in whole or name not in subset:
            continue
        a, b = printed(whole[name]), printed(subset[name])
        if (a.low > b.high) if sign > 0 else (a.high < b.low):
            text = f"{name} {a} of all, {b} of some of them"
            findings.append(
                Finding(rule="all include some", where=where, printed=text, computed=f"all have a {name} of {b} too")
            )
    return tuple(findings)


def _in_both(a: Mapping[str, str], b: Mapping[str, str]) -> Iterator[str]:
    return (name for name in ("minimum", "median", "maximum") if name in a and name in b)
