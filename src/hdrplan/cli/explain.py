"""``hdrplan explain``: the register of warnings, read aloud."""

from __future__ import annotations

import click

from hdrplan.cautions import REGISTER, Kind
from hdrplan.cli.common import echo_lines, json_option
from hdrplan.cli.flags import in_flags
from hdrplan.errors import InputError

__all__ = ["command"]


@click.command("explain", short_help="Explain what a warning means, why it is given and what to do.")
@click.argument("warning", metavar="[ID]", required=False)
@json_option
def command(warning: str | None, as_json: bool) -> None:
    """Explain what a warning means, why it is given and what to do. Without an ID, list all warnings.

    \b
    Examples:
      hdrplan explain
      hdrplan explain catheter-hub-first
      hdrplan explain --json
    """
    from hdrplan.io import json_text

    if warning is not None and warning not in REGISTER:
        near = [id_ for id_ in REGISTER if set(id_.split("-")) & set(warning.lower().strip("[]").split("-"))]
        raise InputError(
            "no warning has this id",
            got=repr(warning[:60]),
            remedy=f"Near it: {', '.join(near[:5])}." if near else "`hdrplan explain` lists all.",
        )
    kinds = list(REGISTER.values()) if warning is None else [REGISTER[warning]]
    if as_json:
        click.echo(json_text({"warnings": [_table(kind) for kind in kinds]}), nl=False)
    elif warning is None:
        width = max(len(kind.id) for kind in kinds) + 2
        echo_lines(f"{kind.id:<{width}}{_plain(kind.sentence)}" for kind in kinds)
    else:
        kind = kinds[0]
        echo_lines([kind.id, f"  says     {_plain(kind.sentence)}", f"  why      {kind.why}"])
        echo_lines([f"  remedy   {in_flags(_plain(kind.remedy))}"])


def _table(kind: Kind) -> dict[str, object]:
    return {"id": kind.id, "sentence": _plain(kind.sentence), "why": kind.why, "remedy": in_flags(_plain(kind.remedy))}


def _plain(template: str) -> str:
    """Return a text whose fields are shown by their names: ``<name>``."""
    import string

    return "".join(text + (f"<{name}>" if name else "") for text, name, _, _ in string.Formatter().parse(template))
