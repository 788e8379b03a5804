"""``--pdf``: a command's page also as PDF, by one option and one way for all commands that write a page."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from hdrplan.errors import InputError

__all__ = ["pdf_option", "print_page", "refuse_pdf"]

_PAPER = "hdrplan.paper"


def pdf_option(function: Callable[..., None]) -> Callable[..., None]:
    """Add ``--pdf PAPER`` to a command with ``-o``, or with ``--folder`` beside it, for its page.

    Whether a browser can print is asked before any work.

    Parameters
    ----------
    function : callable
    """

    @functools.wraps(function)
    def call(**options: Any) -> None:
        context = click.get_current_context()
        # `hdrplan plan --all` has a folder of its own, of cases.
        writes = any("--folder" in parameter.opts for parameter in context.command.params)
        place, flag = ("folder", "--folder") if writes else ("output", "-o")
        if options[place] is None and context.meta[_PAPER] is not None:
            raise click.UsageError(f"expected {flag} FOLDER beside --pdf, got none.")
        function(**options)

    option = click.option(
        "--pdf",
        type=click.Choice(["A4", "Letter"], case_sensitive=False),
        expose_value=False,
        callback=_with_browser,
        help="Print the page to PDF as well, on this paper; needs Chromium, Chrome or Edge.",
    )
    return option(call)


def _with_browser(ctx: click.Context, _: click.Parameter, paper: str | None) -> None:
    if paper is not None and not ctx.resilient_parsing:
        from hdrplan.io import pdf_browser

        pdf_browser()
    ctx.meta[_PAPER] = paper


def refuse_pdf(why: str) -> None:
    """Refuse ``--pdf`` where the command writes no page this time.

    Parameters
    ----------
    why : str
        "goes with --optimum, ...".

    Raises
    ------
    InputError
        It was given.
    """
    if click.get_current_context().meta.get(_PAPER) is not None:
        raise InputError(f"--pdf {why}, and would be ignored here")


def print_page(page: Path, name: str | None = None) -> None:
    """Print a page that was written, to a PDF beside it, where the command was asked for a PDF.

    A browser that fails now, after it has printed an empty page before the work, costs the PDF and not the work.

    Parameters
    ----------
    page : Path
        HTML.
    name : str or None
        Of the PDF, where a picture has the name of the page.
    """
    paper = click.get_current_context().meta.get(_PAPER)
    if paper is None:
        return
    from hdrplan.io import write_pdf
    from hdrplan.report import on_paper

    printed = on_paper(page.read_text(encoding="utf-8"), paper)
    try:
        write_pdf(page.with_name(name or f"{page.stem}.pdf"), printed)
    except InputError as failed:
        click.echo(f"hdrplan: everything but the PDF is written: {failed}", err=True)
