"""Figures of the house: how large its files, functions and values are, and how its rooms hang together.

    python tools/house_figures.py [SRC]      # default: src/hdrplan of this checkout

Counted from the syntax trees, nothing is imported.
"""

from __future__ import annotations

import ast
import json
import sys
from collections import defaultdict
from pathlib import Path

MANY_PARAMETERS, LONG_FUNCTION, LONG_FILE, MANY_POSITIONAL, MANY_KERNEL_PARAMETERS = 7, 60, 300, 7, 8
# The modules of the ground floor count as one room.
GROUND = {"kernels", "cautions", "errors", "arrays", "door", "options", "threads", "processes", "memory", "costs"}


def main() -> None:
    """Print the figures as JSON, and the places behind them with ``--places``."""
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    root = Path(words[0]) if words else Path(__file__).parents[1] / "src/hdrplan"
    files = {path: path.read_text(encoding="utf-8") for path in sorted(root.rglob("*.py"))}
    trees = {path: ast.parse(text) for path, text in files.items()}
    places: dict[str, list[str]] = defaultdict(list)
    frozen = {node.name for tree in trees.values() for node in ast.walk(tree) if _is_dataclass(node)}
    for path, tree in trees.items():
        name = str(path.relative_to(root))
        lines = files[path].count("\n")
        if lines > LONG_FILE:
            places["files over 300 lines"].append(f"{name}: {lines}")
        kernel = name.startswith("kernels/")
        _walk(tree, name, kernel, frozen, places)
    imports = _imports(root, trees)
    circles = _circles(imports)
    figures: dict[str, object] = {
        "source lines": sum(text.count("\n") for text in files.values()),
        "files": len(files),
        "import arrows between files": sum(len(to) for to in imports.values()),
        "files in circles": sorted(name for circle in circles for name in circle),
        "import floors of files": _floors(imports, circles),
        "import floors of rooms": _room_floors(imports),
        **{key: len(places[key]) for key in sorted(places)},
    }
    print(json.dumps(figures, indent=1))
    if "--places" in sys.argv:
        for key in sorted(places):
            print(f"\n## {key}", *places[key], sep="\n")


def _is_dataclass(node: ast.AST) -> bool:
    return isinstance(node, ast.ClassDef) and any("dataclass" in ast.unparse(d) for d in node.decorator_list)


def _walk(tree: ast.Module, name: str, kernel: bool, values: set[str], places: dict[str, list[str]]) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            args = node.args
            count = len([a for a in (*args.posonlyargs, *args.args, *args.kwonlyargs) if a.arg not in ("self", "cls")])
            length = (node.end_lineno or node.lineno) - node.lineno + 1 - _docstring_lines(node)
            if length > LONG_FUNCTION:
                places["functions over 60 lines"].append(f"{name}:{node.lineno} {node.name} {length}")
            command = name.startswith("cli/") and any("command" in ast.unparse(d) for d in node.decorator_list)
            if kernel and count > MANY_KERNEL_PARAMETERS:
                places["kernels over 8 parameters"].append(f"{name}:{node.lineno} {node.name} {count}")
            if not kernel and not command and count > MANY_PARAMETERS:
                key = "functions over 7 parameters, " + ("private" if node.name.startswith("_") else "public")
                places[key].append(f"{name}:{node.lineno} {node.name} {count}")
            text = ast.get_docstring(node) or ""
            if not node.name.startswith("_") and not command and count >= 3 and "Parameters\n" not in text:
                places["public functions of 3 and more parameters without Parameters"].append(
                    f"{name}:{node.lineno} {node.name}"
                )
        if isinstance(node, ast.Call) and len(node.args) >= MANY_POSITIONAL:
            called = ast.unparse(node.func).split(".")[-1]
            if called in values:
                places["constructors called with 7 and more positional arguments"].append(
                    f"{name}:{node.lineno} {called} {len(node.args)}"
                )
        if isinstance(node, ast.ClassDef):
            _class(node, name, places)
        if isinstance(node, ast.Name) and node.id == "Any":
            places["Any"].append(f"{name}:{node.lineno}")


def _class(node: ast.ClassDef, name: str, places: dict[str, list[str]]) -> None:
    if _is_dataclass(node):
        fields = [n for n in node.body if isinstance(n, ast.AnnAssign)]
        text = " ".join(ast.unparse(d) for d in node.decorator_list)
        if len(fields) >= 4 and "kw_only=True" not in text:
            places["values of 4 and more fields that are not keyword-only"].append(f"{name}:{node.lineno} {node.name}")
        if "frozen=True" not in text:
            places["dataclasses that are not frozen"].append(f"{name}:{node.lineno} {node.name}")
        return
    written = {
        t.attr
        for n in ast.walk(node)
        if isinstance(n, (ast.Assign, ast.AnnAssign, ast.AugAssign))
        for top in (n.targets if isinstance(n, ast.Assign) else [n.target])
        for t in ast.walk(top)
        if isinstance(t, ast.Attribute) and isinstance(t.value, ast.Name) and t.value.id == "self"
    }
    if len(written) >= 10:
        places["mutable classes with 10 and more attributes"].append(f"{name}:{node.lineno} {node.name} {len(written)}")


def _docstring_lines(node: ast.FunctionDef) -> int:
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return (first.end_lineno or first.lineno) - first.lineno + 1
    return 0


def _imports(root: Path, trees: dict[Path, ast.Module]) -> dict[str, set[str]]:
    """Return module -> modules of this package it imports, late imports included, those for types left out."""
    names = {}
    for path in trees:
        parts = path.relative_to(root).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    found: dict[str, set[str]] = {name: set() for name in names}
    for name, path in names.items():
        typing_only = {
            id(n)
            for block in ast.walk(trees[path])
            if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
            for n in ast.walk(block)
        }
        for node in ast.walk(trees[path]):
            if (
                isinstance(node, ast.ImportFrom)
                and (node.module or "").startswith("hdrplan")
                and id(node) not in typing_only
            ):
                module = (node.module or "").removeprefix("hdrplan").lstrip(".")
                targets = {f"{module}.{a.name}".lstrip(".") for a in node.names}
                found[name] |= {t if t in names else module for t in targets} - {name, ""}
    return found


def _circles(imports: dict[str, set[str]]) -> list[list[str]]:
    """Strongly connected sets of two and more modules (Tarjan)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(v: str) -> None:
        index[v] = low[v] = len(index)
        stack.append(v)
        for w in imports.get(v, ()):
            if w not in index:
                visit(w)
                low[v] = min(low[v], low[w])
            elif w in stack:
                low[v] = min(low[v], index[w])
        if low[v] == index[v]:
            part = []
            while True:
                w = stack.pop()
                part.append(w)
                if w == v:
                    break
            if len(part) > 1:
                found.append(part)

    sys.setrecursionlimit(10_000)
    for v in imports:
        if v not in index:
            visit(v)
    return found


def _floors(imports: dict[str, set[str]], circles: list[list[str]]) -> int:
    """Modules on the longest way down; a circle counts as one."""
    of = {name: name for name in imports} | {name: part[0] for part in circles for name in part}
    down: dict[str, set[str]] = defaultdict(set)
    for name, to in imports.items():
        down[of[name]] |= {of[t] for t in to if t in of} - {of[name]}
    known: dict[str, int] = {}

    def height(v: str) -> int:
        if v not in known:
            known[v] = 1 + max((height(w) for w in down[v]), default=0)
        return known[v]

    return max(height(v) for v in list(down))


def _room_floors(imports: dict[str, set[str]]) -> int | str:
    """Rooms (packages and loose modules at the top) on the longest way down."""
    rooms: dict[str, set[str]] = defaultdict(set)
    for name, to in imports.items():
        room, *below = ["ground" if part in GROUND else part for part in (n.split(".")[0] for n in (name, *to))]
        # The entry point of python -m hdrplan is no room.
        if room not in ("", "__main__"):
            rooms[room] |= set(below) - {room, ""}
    if _circles(rooms):
        return f"circles: {_circles(rooms)}"
    return _floors(dict(rooms), [])


if __name__ == "__main__":
    main()
