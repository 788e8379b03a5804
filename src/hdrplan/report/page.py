"""One self-contained page: opens from disk, asks the network for nothing, shows every name as text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from hdrplan.cautions import Caution

__all__ = ["base64_text", "compile_template", "css_text", "doubts_of", "fragment", "on_paper", "page"]

_PAPER = "size: A4;"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DIGITS = 12
_OTHERS = re.compile(r'{% *(?:extends|include) "([^"]+)"')


def _asset(name: str) -> str:
    return (resources.files("hdrplan.report") / "assets" / name).read_text(encoding="utf-8")


@cache
def _templates() -> Environment:
    return Environment(
        loader=FunctionLoader(_asset), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def base64_text(text: str) -> str:
    """Return a text, such as an SVG, as a ``data:`` address holds it."""
    return base64.b64encode(text.encode()).decode()


def css_text(text: str) -> str:
    """Return a CSS string literal that no character of the text can leave."""
    return '"' + "".join(c if c.isascii() and c.isalnum() else f"\\{ord(c):x} " for c in text) + '"'


def doubts_of(warnings: Iterable[Caution]) -> tuple[tuple[str, str, str], ...]:
    """Return id, sentence and remedy of each warning."""
    return tuple((warning.id, warning.sentence, warning.remedy) for warning in warnings)


def page(
    template: str,
    *,
    title: str,
    version: str,
    about: Mapping[str, str] | None = None,
    made: str = "",
    scripts: tuple[str, ...] = (),
    data: Mapping[str, Any] | None = None,
    pictures: bool = False,
    connects: bool = False,
    doubts: Sequence[tuple[str, str, str]] = (),
    **values: object,
) -> str:
    """Fill a template into one self-contained page.

    The content-security policy allows exactly the style sheet and the script written here, by their hashes, and no
    connection at all. Data travel as JSON text that cannot close its element.

    Parameters
    ----------
    template : str
        Name of the asset.
    title, version : str
        Stand on every page, on every sheet of paper.
    about : mapping of str to str, optional
        What the page is about -> its hash or pseudonym; both stand in the header and on every sheet. Of a SHA-256, the
        first twelve digits.
    made : str
        When the numbers were made, as ISO 8601; now, where it is not known.
    scripts : tuple of str
        Assets, joined in this order.
    data : mapping, optional
        For the scripts.
    pictures : bool
        Allow ``data:`` pictures.
    connects : bool
        Allow requests to the server that the page came from.
    doubts : sequence of (id, sentence, remedy)
        Warnings: a box at the top, or where the template puts it.
    **values
        For the template.
    """
    # Both texts are put into CSS strings, where HTML escaping means nothing.
    rows = _about(about or {}, made, version)
    foot = " · ".join(f"{label} {value}".strip() for label, value in rows)
    css = _asset("report.css").replace('"@@title"', css_text(title)).replace('"@@foot"', css_text(foot))
    script = "(() => {\n" + "\n".join(_asset(name) for name in (*scripts, "page.js")) + "\n})();"
    content = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    policy = ["default-src 'none'", f"style-src {_hash(css)}", "base-uri 'none'", "form-action 'none'"]
    # Every page has the script of its Print button.
    policy += [f"script-src {_hash(script)}"]
    policy += ["img-src data:"] if pictures else []
    policy += ["connect-src 'self'"] if connects else []
    filled: str = (
        _templates()
        .get_template(template)
        .render(
            title=title,
            version=version,
            about=rows,
            csp="; ".join(policy),
            css=Markup(css),
            script=Markup(script),
            data=Markup(content),
            doubts=doubts,
            **values,
        )
    )
    return filled


def _about(about: Mapping[str, str], made: str, version: str) -> list[tuple[str, str]]:
    """Return the header of every page: what the page is about, date, program."""
    when = datetime.fromisoformat(made) if made else datetime.now(UTC)
    rows = [(label, value[:_DIGITS] if _SHA256.fullmatch(value) else value) for label, value in about.items()]
    return [*rows, ("Made", f"{when:%Y-%m-%d}"), ("hdrplan", version)]


def compile_template(template: str) -> None:
    """Compile a template, and those that it extends or includes, for a page that is made later.

    Parameters
    ----------
    template : str
    """
    _templates().get_template(template)
    for other in _OTHERS.findall(_asset(template)):
        compile_template(other)


def fragment(template: str, **values: object) -> str:
    """Fill a template that is part of a page."""
    filled: str = _templates().get_template(template).render(**values)
    return filled


def on_paper(html: str, paper: str) -> str:
    """Return a page of :func:`page` that prints on another paper.

    Parameters
    ----------
    html : str
    paper : {"A4", "Letter"}
    """
    head, _, rest = html.partition("<style>")
    css, _, body = rest.partition("</style>")
    sized = css.replace(_PAPER, f"size: {paper};", 1)
    # The policy stands in an attribute, its quotes escaped.
    head = head.replace(_hash(css).strip("'"), _hash(sized).strip("'"))
    return head + "<style>" + sized + "</style>" + body
