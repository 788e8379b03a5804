"""Tables of text as Markdown, HTML and LaTeX."""

from __future__ import annotations

from html import escape

from hdrplan.analysis import TextTable

__all__ = ["html_table", "latex_table", "markdown_table"]

_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
}  # fmt: skip


def markdown_table(table: TextTable) -> str:
    """Return a GitHub-style table with its title and notes."""
    lines = [f"**{table.title}**", "", _bar(table.columns), "|" + "---|" * len(table.columns)]
    lines += [_bar(row) for row in table.rows]
    return "\n".join([*lines, "", *table.notes, ""])


def _bar(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"


def html_table(table: TextTable) -> str:
    """Return a table element with caption; notes below."""
    head = "".join(f"<th>{escape(c)}</th>" for c in table.columns)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in table.rows)
    notes = "".join(f"<p>{escape(n)}</p>\n" for n in table.notes)
    return (
        f"<table>\n<caption>{escape(table.title)}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n"
        f"</table>\n{notes}"
    )


def latex_table(table: TextTable) -> str:
    """Return a booktabs table."""
    rows = [" & ".join(_tex(c) for c in row) + r" \\" for row in table.rows]
    notes = "\n".join(rf"\par\footnotesize {_tex(n)}" for n in table.notes)
    return "\n".join(
        [
            r"\begin{table}", r"\centering", rf"\caption{{{_tex(table.title)}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(table.columns) - 1)}}}", r"\toprule",
            " & ".join(_tex(c) for c in table.columns) + r" \\", r"\midrule", *rows, r"\bottomrule", r"\end{tabular}",
            notes, r"\end{table}", "",
        ]
    )  # fmt: skip


def _tex(text: str) -> str:
    return "".join(_LATEX.get(c, c) for c in text).replace("+-", r"$\pm$")
