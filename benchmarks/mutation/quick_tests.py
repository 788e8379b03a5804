"""Which quick tests run which function, and for how many processor seconds: measured once, again for changed files."""

from __future__ import annotations

import ast
import bisect
import hashlib
import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import coverage
import numba
import pytest
from hypothesis import settings
from numba.core import event

from benchmarks.mutation.choice import ROOMS
from benchmarks.mutation.mutants import Mutant

__all__ = ["COMPILED", "PLAIN", "QuickTests", "Suite", "Watch", "run_pytest", "suite_of"]


@dataclass(frozen=True, slots=True, order=True)
class Suite:
    """Tests that run alike.

    Parameters
    ----------
    name : str
    folders : tuple of str
        Below the root of the tree.
    plain : bool
        Kernels as plain Python: nothing is compiled, and each of their lines is seen.
    """

    name: str
    folders: tuple[str, ...]
    plain: bool


# Twins of the kernels are asked alone: what they let pass is not left for others to find.
PLAIN = Suite("plain kernels", ("tests/kernels",), plain=True)
_ROOMS = ("metrics", "outcomes", "simulate", "dose", "optimize", "workflow")
COMPILED = Suite("rooms", tuple(f"tests/{room}" for room in _ROOMS), plain=False)

# Libraries that are loaded once for all children come before pytest can look into them.
_HARMLESS = "pytest.PytestAssertRewriteWarning"


def suite_of(room: str) -> Suite:
    """Return the tests of a room."""
    return PLAIN if room == "kernels" else COMPILED


def processor_s() -> float:
    """Return the processor seconds of this process and of the children that it has waited for."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


class _Compiling(event.Listener):
    """Processor seconds that Numba compiles for: only the first run of a kernel takes them."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._depth, self._begun = 0, 0.0
        event.register("numba:compile", self)

    def on_start(self, event: event.Event) -> None:
        if self._depth == 0:
            self._begun = processor_s()
        self._depth += 1

    def on_end(self, event: event.Event) -> None:
        self._depth -= 1
        if self._depth == 0:
            self.seconds += processor_s() - self._begun


class Watch:
    """A plugin of pytest: chooses and orders tests, takes their processor seconds, keeps the first that fails."""

    def __init__(self, wanted: Sequence[str] = ()) -> None:
        self.place = {name: k for k, name in enumerate(wanted)}
        self.seconds: dict[str, float] = {}
        self.failed: str | None = None
        self._compiling = _Compiling()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the wanted ones, tests or whole files, in their order."""
        if self.place:
            places = [self.place.get(i.nodeid, self.place.get(i.nodeid.partition("::")[0])) for i in items]
            wanted = [(place, i) for place, i in zip(places, items, strict=True) if place is not None]
            items[:] = [item for _, item in sorted(wanted, key=lambda pair: pair[0])]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Take set-up, call and clean-up together, without the compilation of kernels."""
        begun = processor_s() - self._compiling.seconds
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = processor_s() - self._compiling.seconds - begun

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the first failure."""
        if report.failed:
            self.failed = self.failed or report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Count a module that cannot be imported as a failure."""
        if report.failed:
            self.failed = self.failed or report.nodeid


def run_pytest(tree: Path, suite: Suite, watch: Watch, arguments: Iterable[str]) -> int:
    """Run tests in this process, which must be one made for it: nothing of hdrplan may have been imported.

    Parameters
    ----------
    tree : Path
        Copy of the project.
    suite : Suite
    watch : Watch
    arguments : iterable of str
        Files, and options of pytest.

    Returns
    -------
    int
        pytest's exit code.
    """
    os.chdir(tree)
    os.environ["PYTHONPATH"] = str(tree / "src")
    if suite.plain:
        os.environ["NUMBA_DISABLE_JIT"] = "1"
        numba.config.reload_config()
    # The same examples each time; none kept from another mutant; a busy machine is not a failure.
    settings.register_profile("mutants", database=None, derandomize=True, deadline=None)
    settings.load_profile("mutants")
    options = [
        "-q",
        "-p",
        "no:cacheprovider",
        "-m",
        "not slow and not browser",
        "-W",
        "ignore::pytest.PytestAssertRewriteWarning",
    ]
    return int(pytest.main([*options, *arguments], plugins=[watch]))


@dataclass(slots=True)
class QuickTests:
    """The map from functions to tests.

    Parameters
    ----------
    path : Path
        Where it is kept.
    files : dict
        Suite and test file -> digest of its text, "seconds" of each test, "touched": source file -> function -> tests.
    """

    path: Path
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def kept(cls, path: Path) -> QuickTests:
        """Read what was measured before."""
        return cls(path, json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {})

    def stale(self, tree: Path, suite: Suite) -> list[str]:
        """Return the test files to be measured: new or changed, or measured with other files of source; forget others.

        A file of source that was not there when a test was measured would look as if no test ran it.
        """
        paths = sorted(p for folder in suite.folders for p in (tree / folder).rglob("test_*.py"))
        names = [p.relative_to(tree).as_posix() for p in paths]
        there = {f"{suite.name} {name}" for name in names}
        for gone in [key for key in self.files if key.startswith(f"{suite.name} ") and key not in there]:
            del self.files[gone]
        sources = _sources(tree)
        kept = {n: self.files.get(f"{suite.name} {n}", {}) for n in names}
        return [n for n, k in kept.items() if k.get("digest") != _digest(tree / n) or k.get("sources") != sources]

    def measure(self, tree: Path, suite: Suite, files: Sequence[str]) -> str | None:
        """Run test files under coverage, in this process; return the test that fails, if one does."""
        watch = Watch()
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "coverage"
            os.environ["COVERAGE_FILE"] = str(data)
            cover = [f"--cov={tree / 'src/hdrplan' / room}" for room in ROOMS]
            run_pytest(tree, suite, watch, [*cover, "--cov-context=test", "--cov-report=", *files])
            if watch.failed is None:
                self.take(tree, suite, files, watch.seconds, data)
        return watch.failed

    def take(self, tree: Path, suite: Suite, files: Sequence[str], seconds: dict[str, float], data: Path) -> None:
        """Keep what coverage has seen, and write it.

        Parameters
        ----------
        tree : Path
        suite : Suite
        files : sequence of str
            Test files that ran.
        seconds : dict
            Test -> processor seconds.
        data : Path
            File of coverage, with the tests as contexts.
        """
        touched: dict[str, dict[str, dict[str, set[str]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(set)))
        read = coverage.CoverageData(str(data))
        read.read()
        source = tree / "src/hdrplan"
        for path in map(Path, sorted(read.measured_files())):
            if path.is_relative_to(source) and path.relative_to(source).parts[0] in ROOMS:
                functions = _functions(path.read_text(encoding="utf-8"))
                for line, contexts in read.contexts_by_lineno(str(path)).items():
                    function = _function_at(functions, line)
                    for context in filter(None, contexts):
                        test = context.rpartition("|")[0]
                        touched[test.partition("::")[0]][path.relative_to(source).as_posix()][function].add(test)
        for name in files:
            self.files[f"{suite.name} {name}"] = {
                "digest": _digest(tree / name),
                "sources": _sources(tree),
                "seconds": {test: round(s, 3) for test, s in seconds.items() if test.partition("::")[0] == name},
                "touched": {
                    file: {f: sorted(tests) for f, tests in functions.items()}
                    for file, functions in touched[name].items()
                },
            }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(self.files), encoding="utf-8")

    def of(self, mutant: Mutant) -> dict[str, float]:
        """Return the tests that run a mutant's function and their processor seconds, the quickest first.

        Code that runs at import only is judged by all tests that touch its file and by those of its room, which may
        read what it made and run nothing of it.
        """
        suite = suite_of(mutant.room)
        entries = {name: e for name, e in self.files.items() if name.startswith(f"{suite.name} tests/")}
        own, whole, room = dict[str, float](), dict[str, float](), dict[str, float]()
        for name, entry in entries.items():
            for function, tests in entry["touched"].get(mutant.file, {}).items():
                seconds = {test: entry["seconds"][test] for test in tests}
                whole |= seconds
                if f"{mutant.function}.".startswith(f"{function}."):
                    own |= seconds
            if name.startswith(f"{suite.name} tests/{mutant.room}/"):
                room |= entry["seconds"]
        tests = whole | room if mutant.at_import else own or whole or room
        return dict(sorted(tests.items(), key=lambda pair: (pair[1], pair[0])))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _sources(tree: Path) -> str:
    """Return a digest of the names of all source files of the rooms."""
    names = sorted(
        p.relative_to(tree).as_posix() for room in ROOMS for p in (tree / "src/hdrplan" / room).rglob("*.py")
    )
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]


def _functions(source: str) -> list[tuple[int, int, str]]:
    """First and last line of the body of each function or class that is not within a function; its dotted name."""
    found: list[tuple[int, int, str]] = []

    def walk(body: Sequence[ast.stmt], outer: tuple[str, ...]) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef):
                walk(node.body, (*outer, node.name))
            elif isinstance(node, ast.FunctionDef):
                found.append((node.body[0].lineno, node.end_lineno or node.lineno, ".".join((*outer, node.name))))
            else:
                for part in ("body", "orelse"):
                    walk(getattr(node, part, []), outer)

    walk(ast.parse(source).body, ())
    return sorted(found)


def _function_at(functions: Sequence[tuple[int, int, str]], line: int) -> str:
    k = bisect.bisect_right(functions, (line, 10**9, "")) - 1
    return functions[k][2] if k >= 0 and line <= functions[k][1] else ""
