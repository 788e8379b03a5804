"""``--pdf``: a command's page also as PDF, by one option and one way for all commands that write a page."""

from __future__ import annotations

from pathlib import Path

import click

from hdrplan.cli.common import F

__all__ = ["pdf_option", "print_page"]


def pdf_option(command: F) -> F:
    """Add ``--pdf PAPER``; whether a browser can print is asked before any work."""
    option = click.option(
        "--pdf",
        "paper",
        type=click.Choice(["A4", "Letter"], case_sensitive=False),
        callback=_with_browser,
        help="Print the page to PDF as well, on this paper; needs Chromium, Chrome or Edge.",
    )
    return option(command)


def _with_browser(_: click.Context, __: click.Parameter, paper: str | None) -> str | None:
    if paper is not None:
        from hdrplan.io import pdf_browser

        pdf_browser()
    return paper


def print_page(page: Path, paper: str | None) -> None:
    """Print a page that was written, to the PDF of the same name beside it; nothing without a paper.

    Parameters
    ----------
    page : Path
        HTML.
    paper : {"A4", "Letter"} or None
    """
    if paper is None:
        return
    from hdrplan.io import write_pdf
    from hdrplan.report import on_paper

    write_pdf(page.with_suffix(".pdf"), on_paper(page.read_text(encoding="utf-8"), paper))
