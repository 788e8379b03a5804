"""One line of the dossier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Aim", "Question", "Row", "State", "judged", "skipped"]

State = Literal["pass", "explained", "fail", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is compared with which truth.

    Parameters
    ----------
    section, what : str
    source : str
        Where the truth comes from.
    method : str
        How the two are compared.
    """

    section: str
    what: str
    source: str
    method: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What a deviation should be at most.

    Parameters
    ----------
    value : float
    unit : str
    limit : float, optional
        Wider than the aim: up to here the deviation is explained by ``why``; beyond, the row fails.
    why : str
    """

    value: float
    unit: str = "%"
    limit: float | None = None
    why: str = ""

    @property
    def text(self) -> str:
        """The aim as the page shows it: "0.3 % (explained up to 0.9 %)"."""
        wider = self.limit is not None and self.limit > self.value
        return f"{self.value:g} {self.unit}{f' (explained up to {self.limit:g} {self.unit})' if wider else ''}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A comparison with a truth, and how it ended.

    Parameters
    ----------
    question : Question
    tolerance, result : str
    state : {"pass", "explained", "fail", "skipped"}
        "explained": outside the aim, inside a wider limit whose reason the note gives.
    note : str
    """

    question: Question
    tolerance: str
    result: str
    state: State
    note: str = ""


def judged(question: Question, deviation: float, aim: Aim) -> Row:
    """Return the row of a deviation.

    Parameters
    ----------
    question : Question
    deviation : float
        At least 0, in the aim's unit.
    aim : Aim

    Returns
    -------
    Row
        "pass" within the aim, "explained" within its limit, else "fail".
    """
    explained = aim.limit is not None and deviation <= aim.limit
    state: State = "pass" if deviation <= aim.value else "explained" if explained else "fail"
    return Row(
        question=question,
        tolerance=aim.text,
        result=f"{deviation:.3g} {aim.unit}".strip(),
        state=state,
        note=aim.why if aim.limit is not None else "",
    )


def skipped(question: Question, *, why: str) -> Row:
    """Return the row of a comparison that this machine cannot make."""
    return Row(question=question, tolerance="", result="not run", state="skipped", note=why)
