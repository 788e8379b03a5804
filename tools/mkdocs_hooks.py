"""Hooks of the documentation site: docstrings name functions by Sphinx roles, which Markdown shows as text."""

from __future__ import annotations

import re
from typing import Any

_ROLE = re.compile(r":(?:func|class|meth|mod|data):(?=<code>)")


def on_page_content(html: str, **_: Any) -> str:
    """Drop the role before a name: ``:func:`plan_case``` becomes ``plan_case``."""
    return _ROLE.sub("", html)
