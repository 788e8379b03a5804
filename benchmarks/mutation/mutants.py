"""Small faults made from the syntax trees of the rooms that compute."""

from __future__ import annotations

import ast
import hashlib
import io
import tokenize
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

__all__ = ["Mutant", "mutants_of"]

# Operator -> what may stand in its place by mistake.
_ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*", "//": "/", "%": "*", "**": "*", "@": "*", "&": "|", "|": "&"}
_BOUNDARY = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
# Functions of which one argument alone is a likely mistake.
_WRAPPERS = {"abs", "max", "min", "maximum", "minimum", "clip", "sqrt"}
# Order of arguments does not matter to these.
_SYMMETRIC = {*_WRAPPERS, "hypot", "isinstance", "allclose"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One fault.

    Parameters
    ----------
    file : str
        Path below ``src/hdrplan``.
    function : str
        "Class.method"; empty at the level of the module.
    kind : str
        "arithmetic", "boundary", "constant", ...
    line : int
        From 1.
    start, end : int
        Characters that are replaced.
    before, after : str
    text : str
        The line, stripped: by this a person finds it.
    at_import : bool
        Whether the code runs when the module is imported.
    later : int
        How many mutants of the same words come after it in the line.
    """

    file: str
    function: str
    kind: str
    line: int
    start: int
    end: int
    before: str
    after: str
    text: str
    at_import: bool
    later: int = 0

    @property
    def room(self) -> str:
        """The room of the file."""
        return self.file.partition("/")[0]

    @property
    def what(self) -> str:
        """The fault in one line."""
        before, after = (" ".join(text.split()) for text in (self.before, self.after))
        return f"{before} -> {after or 'nothing'}"

    @property
    def id(self) -> str:
        """Name that stays while the line and its function stay."""
        parts = "\0".join((self.file, self.function, self.kind, self.text, self.before, self.after))
        parts += f"\0{self.later}" if self.later else ""
        return hashlib.sha256(parts.encode()).hexdigest()[:12]

    def applied(self, source: str) -> str:
        """Return the source with the fault.

        Raises
        ------
        ValueError
            The source is not that of which the mutant was made.
        """
        if source[self.start : self.end] != self.before:
            raise ValueError(f"{self.file}:{self.line} has changed since its mutants were made")
        return source[: self.start] + self.after + source[self.end :]


class _Maker:
    """Walks one syntax tree; texts are cut from the source, so that everything else stays as it is."""

    def __init__(self, file: str, source: str) -> None:
        self.file, self.source, self.lines = file, source, source.splitlines()
        self.starts = [0]
        for line in source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.operators = [
            (self.starts[t.start[0] - 1] + t.start[1], t.string)
            for t in tokenize.generate_tokens(io.StringIO(source).readline)
            if t.type == tokenize.OP or t.string in ("and", "or", "in", "is", "not")
        ]
        self.made: list[Mutant] = []
        self.function: tuple[str, ...] = ()
        self.at_import = True

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        # ast counts bytes of a line, Python characters.
        def place(line: int, column: int) -> int:
            return self.starts[line - 1] + len(self.lines[line - 1].encode()[:column].decode())

        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return place(node.lineno, node.col_offset), place(node.end_lineno, node.end_col_offset)

    def put(self, kind: str, start: int, end: int, after: str) -> None:
        line = self.source.count("\n", 0, start) + 1
        self.made.append(
            Mutant(
                file=self.file,
                function=".".join(self.function),
                kind=kind,
                line=line,
                start=start,
                end=end,
                before=self.source[start:end],
                after=after,
                text=self.lines[line - 1].strip(),
                at_import=self.at_import,
            )
        )

    def between(self, left: ast.expr, right: ast.expr, wanted: dict[str, str], kind: str) -> None:
        """Replace the operator that stands between two operands."""
        low, high = self.span(left)[1], self.span(right)[0]
        for place, text in self.operators:
            if low <= place < high and text in wanted:
                self.put(kind, place, place + len(text), wanted[text])

    # -- the walk -------------------------------------------------------------------------------------------------

    def statements(self, body: Sequence[ast.stmt]) -> None:
        for k, statement in enumerate(body):
            docstring = k == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            if not docstring:
                self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            self.definition(node)
            return
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Raise | ast.Pass | ast.Assert):
            return  # texts of errors are not what is asked here
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return
        self.drop(node)
        for name in ("value", "test", "iter", "items"):
            value = getattr(node, name, None)
            for child in value if isinstance(value, list) else [value]:
                expression = child.context_expr if isinstance(child, ast.withitem) else child
                if isinstance(expression, ast.expr):
                    self.expression(expression)
        if isinstance(node, ast.If | ast.While):
            start, end = self.span(node.test)
            self.put("condition", start, end, f"not ({self.source[start:end]})")
        if isinstance(node, ast.AugAssign):
            self.between(node.target, node.value, {f"{k}=": f"{v}=" for k, v in _ARITHMETIC.items()}, "arithmetic")
        for name in ("body", "orelse", "finalbody"):
            self.statements(getattr(node, name, []))
        for handler in getattr(node, "handlers", []):
            self.statements(handler.body)

    def definition(self, node: ast.FunctionDef | ast.ClassDef) -> None:
        outside, self.function = (self.function, self.at_import), (*self.function, node.name)
        if isinstance(node, ast.FunctionDef):
            for default in (*node.args.defaults, *node.args.kw_defaults):
                if default is not None:
                    self.expression(default)
            self.at_import = False
        self.statements(node.body)
        self.function, self.at_import = outside

    def drop(self, node: ast.stmt) -> None:
        """Leave out what changes something: an addition, a written element, a call for its effect."""
        written = isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript)
        called = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
        left = isinstance(node, ast.Break | ast.Continue)
        if isinstance(node, ast.AugAssign) or written or called or left:
            self.put("dropped statement", *self.span(node), "pass")

    def expression(self, node: ast.expr) -> None:
        if isinstance(node, ast.JoinedStr):
            return
        if isinstance(node, ast.Constant):
            self.constant(node)
        elif isinstance(node, ast.Call):
            self.call(node)
        else:
            self.operator(node)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.expression(child)
            elif isinstance(child, ast.keyword):
                self.expression(child.value)
            elif isinstance(child, ast.comprehension):
                for part in (child.iter, *child.ifs):
                    self.expression(part)

    def operator(self, node: ast.expr) -> None:
        if isinstance(node, ast.BinOp):
            if not any(isinstance(n, ast.JoinedStr) for n in (node.left, node.right)):
                self.between(node.left, node.right, _ARITHMETIC, "arithmetic")
        elif isinstance(node, ast.Compare):
            for left, right in zip((node.left, *node.comparators), node.comparators, strict=False):
                self.between(left, right, _BOUNDARY, "boundary")
                self.between(left, right, _TURNED, "turned comparison")
        elif isinstance(node, ast.BoolOp):
            for left, right in pairwise(node.values):
                self.between(left, right, {"and": "or", "or": "and"}, "logic")
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not | ast.Invert):
            kind = "sign" if isinstance(node.op, ast.USub) else "logic"
            start, end = self.span(node)
            self.put(kind, start, end, self.source[self.span(node.operand)[0] : end])

    def constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self.put("constant", *self.span(node), str(not value))
        elif isinstance(value, int):
            for other in (value + 1, value - 1) if value else (1,):
                self.put("constant", *self.span(node), str(other) if other >= 0 else f"({other})")
        elif isinstance(value, float):
            for other in (0.5 * value, 2.0 * value) if value else (1.0,):
                self.put("constant", *self.span(node), repr(other))

    def call(self, node: ast.Call) -> None:
        function = node.func
        if not node.args or any(isinstance(a, ast.Starred | ast.GeneratorExp) for a in node.args):
            return
        method = isinstance(function, ast.Attribute) and ast.unparse(function.value) not in ("np", "math")
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        if not method and name in _WRAPPERS and (name in ("abs", "sqrt") or len(node.args) > 1):
            for argument in node.args[: 1 if name == "clip" else 2]:
                start, end = self.span(argument)
                self.put("dropped call", *self.span(node), f"({self.source[start:end]})")
        elif method or name not in _SYMMETRIC:
            self.swap(node)

    def swap(self, node: ast.Call) -> None:
        for one, two in pairwise(node.args):
            (a, b), (c, d) = self.span(one), self.span(two)
            plain = all(isinstance(n, ast.Name | ast.Attribute | ast.Subscript) for n in (one, two))
            if plain and self.source[a:b] != self.source[c:d]:
                after = self.source[c:d] + self.source[b:c] + self.source[a:b]
                self.put("swapped arguments", a, d, after)


def mutants_of(file: str, source: str) -> list[Mutant]:
    """Return all mutants of one file, in the order of the text; each change once. A few may not compile.

    Parameters
    ----------
    file : str
        Path below ``src/hdrplan``.
    source : str
    """
    maker = _Maker(file, source)
    maker.statements(ast.parse(source).body)
    unlike = {(m.start, m.end, m.after): m for m in maker.made}
    alike: Counter[str] = Counter()
    made = []
    for m in sorted(unlike.values(), key=lambda m: m.start, reverse=True):
        made.append(replace(m, later=alike[m.id]))
        alike[m.id] += 1
    return made[::-1]
