"""Exit codes of every command: the one table that commands, ``hdrplan info`` and the page of exit codes share."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["ExitCode"]


class ExitCode(IntEnum):
    """How a command ended.

    Attributes
    ----------
    meaning : str
    remedy : str
        What the caller does next.
    commands : tuple of str
        The commands that can end so; empty: every command.
    """

    meaning: str
    remedy: str
    commands: tuple[str, ...]

    def __new__(cls, value: int, meaning: str, remedy: str = "", commands: tuple[str, ...] = ()) -> ExitCode:
        """Return a member with what is said of it."""
        code = int.__new__(cls, value)
        code._value_ = value
        code.meaning, code.remedy, code.commands = meaning, remedy, commands
        return code

    DONE = 0, "Done. Warnings on standard error begin with `warning [ID]`."
    FAILED = (
        1,
        "The check was made, its results are written, and it did not pass.",
        "Read the rows marked FAIL.",
        ("check", "validate"),
    )
    REFUSED = (
        2,
        "Nothing was done: the input or the flags cannot be right, no plan can satisfy the request, or memory or disk "
        "is too small. One line on standard error says what was expected, what came, where, and the remedy.",
        "Correct what the line names; the same call gives the same answer.",
    )
    LOST = (
        3,
        "Everything else is done and written, but some work was lost with processes that died twice.",
        "Run the command again as the line on standard error says.",
        ("dvh", "metrics", "plan", "simulate"),
    )
    PARTLY = (
        4,
        "Everything that could be done is written; some cases could not be planned, and a table says why.",
        "Correct the cases that failures.csv lists and run again with --overwrite: only these are planned.",
        ("plan",),
    )
    HANGUP = 129, "Stopped by SIGHUP; no incomplete output is left."
    INTERRUPTED = 130, "Stopped by Ctrl-C (SIGINT); no incomplete output is left."
    PIPE_CLOSED = 141, "The reader of standard output went away, as `head` does."
    TERMINATED = 143, "Stopped by SIGTERM; no incomplete output is left."

    @classmethod
    def of_signal(cls, number: int) -> ExitCode:
        """Return the code of a command that a signal ended."""
        return next(code for code in cls if code == 128 + number)

    @classmethod
    def of_command(cls, command: str) -> tuple[ExitCode, ...]:
        """Return the codes that one command can end with."""
        return tuple(code for code in cls if not code.commands or command in code.commands)
