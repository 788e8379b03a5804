"""Faults that an audit put in by hand and the tests of that day did not see: each is tried in every run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.mutation.mutants import Mutant

__all__ = ["KNOWN", "Known", "known_mutants"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A fault, found by its text.

    Parameters
    ----------
    name : str
        What it breaks.
    file, function : str
        Below ``src/hdrplan``; "Class.method".
    before, after : str
        Text that must stand exactly once in the file, and what takes its place.
    """

    name: str
    file: str
    function: str
    before: str
    after: str


KNOWN = (
    Known(
        name="slivers of a CTV dropped from the search",
        file="dose/boxes.py",
        function="BoxTree.halves",
        before="max(axis=1, initial=-np.inf) >= 0",
        after="max(axis=1, initial=-np.inf) >= 0.05",
    ),
    Known(
        name="boxes dropped in which a CTV is a sliver",
        file="dose/boxes.py",
        function="first_boxes",
        before="max(axis=1) >= 0.0",
        after="max(axis=1) >= 0.05",
    ),
    Known(
        name="negative multipliers of the surface",
        file="kernels/levels.py",
        function="lowest_inside_rows",
        before="w = (rise[b, right] - rise[b, left]) /",
        after="w = (rise[b, left] - rise[b, right]) /",
    ),
    Known(
        name="multipliers on absent limits",
        file="optimize/program/rows.py",
        function="RowTable.dual",
        before="np.where((y > 0) & np.isinf(low) | (y < 0) & np.isinf(high), 0.0, y)",
        after="np.asarray(y, dtype=np.float64)",
    ),
    Known(
        name="cost of the solver's tolerance halved in the dual",
        file="optimize/program/rows.py",
        function="Dual.bound",
        before="gained + float(",
        after="gained + 0.5 * float(",
    ),
    Known(
        name="cost of the longest times halved in the dual of a set",
        file="optimize/catheters/set_bounds.py",
        function="SetBounds._solved",
        before="gained - float(",
        after="gained - 0.5 * float(",
    ),
    Known(
        name="curvature remainder halved",
        file="kernels/bounds.py",
        function="_modifier",
        before="0.5 * rho * rho * bend",
        after="0.25 * rho * rho * bend",
    ),
    Known(
        name="kinks of g dropped",
        file="kernels/bounds.py",
        function="_modifier",
        before=" + g_kinks * f_high",
        after="",
    ),
    Known(
        name="gamma50 of the Poisson model doubled",
        file="outcomes/tcp.py",
        function="TcpFit._derived",
        before="-np.log(2.0) / 2.0 * theta[1]",
        after="-np.log(2.0) * theta[1]",
    ),
    Known(
        name="band of TCP half as wide",
        file="outcomes/tcp.py",
        function="TcpFit.tcp",
        before="stats.norm.ppf(0.5 + conf_level / 2.0) * error",
        after="stats.norm.ppf(0.5 + conf_level / 2.0) * 0.5 * error",
    ),
    Known(
        name="larger lesions get more dose in the simulation",
        file="simulate/course.py",
        function="_new_lesion",
        before="dose.mean_gy + dose.slope_gy_per_mm",
        after="dose.mean_gy - dose.slope_gy_per_mm",
    ),
    Known(
        name="larger lesions recur less in the simulation",
        file="simulate/course.py",
        function="_new_lesion",
        before="+ LOG_HR_DIAMETER",
        after="- LOG_HR_DIAMETER",
    ),
    Known(
        name="tilt of a catheter halved",
        file="simulate/uncertainty.py",
        function="_moved",
        before="np.deg2rad(u.rotation_deg)",
        after="np.deg2rad(0.5 * u.rotation_deg)",
    ),
)


def known_mutants(root: Path) -> list[Mutant]:
    """Return the known faults as mutants.

    Parameters
    ----------
    root : Path
        ``src/hdrplan`` of a tree.

    Raises
    ------
    LookupError
        A text is not there, or more than once: the code has changed, so must the list.
    """
    made = []
    for known in KNOWN:
        source = (root / known.file).read_text(encoding="utf-8")
        if source.count(known.before) != 1:
            raise LookupError(
                f"{known.name}: {known.file} holds {source.count(known.before)} times, not once: {known.before!r}. "
                "Mend its entry in benchmarks/mutation/known.py."
            )
        start = source.index(known.before)
        line = source.count("\n", 0, start) + 1
        made.append(
            Mutant(
                file=known.file,
                function=known.function,
                kind=f"known: {known.name}",
                line=line,
                start=start,
                end=start + len(known.before),
                before=known.before,
                after=known.after,
                text=source.splitlines()[line - 1].strip(),
                at_import=not known.function,
            )
        )
    return made
