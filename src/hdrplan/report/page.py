"""One self-contained page: opens from disk, asks the network for nothing, shows every name as text."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from hdrplan.cautions import Caution

__all__ = ["css_text", "doubts_of", "on_paper", "page"]

_PAPER = "size: A4;"


def _asset(name: str) -> str:
    return (resources.files("hdrplan.report") / "assets" / name).read_text(encoding="utf-8")


@cache
def _templates() -> Environment:
    return Environment(
        loader=FunctionLoader(_asset), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


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
    scripts: tuple[str, ...] = (),
    data: Mapping[str, Any] | None = None,
    pictures: bool = False,
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
        Stand on every printed page.
    scripts : tuple of str
        Assets, joined in this order.
    data : mapping, optional
        For the scripts.
    pictures : bool
        Allow ``data:`` pictures.
    doubts : sequence of (id, sentence, remedy)
        Warnings: a box at the top, or where the template puts it.
    **values
        For the template.
    """
    # Both texts are put into CSS strings, where HTML escaping means nothing.
    foot = f"hdrplan {version}" if version else "hdrplan"
    css = _asset("report.css").replace('"@@title"', css_text(title)).replace('"@@foot"', css_text(foot))
    script = "(() => {\n" + "\n".join(_asset(name) for name in (*scripts, "page.js")) + "\n})();"
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    policy = ["default-src 'none'", f"style-src {_hash(css)}", "base-uri 'none'", "form-action 'none'"]
    # Every page has the script of its Print button.
    policy += [f"script-src {_hash(script)}"]
    policy += ["img-src data:"] if pictures else []
    filled: str = (
        _templates()
        .get_template(template)
        .render(
            title=title,
            version=version,
            csp="; ".join(policy),
            css=Markup(css),
            script=Markup(script),
            data=Markup(text),
            doubts=doubts,
            **values,
        )
    )
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
