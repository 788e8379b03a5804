"""Plans that were kept under names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hdrplan.errors import InputError
from hdrplan.live.shown import Shown
from hdrplan.live.wishes import Wishes

__all__ = ["KeptPlans"]


class KeptPlans(Mapping[str, Shown]):
    """Plans by name, each with what was asked for then."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Wishes, Shown]] = {}

    def __getitem__(self, name: str) -> Shown:
        """Return a plan; InputError lists the names there are."""
        return self.of(name)[1]

    def __contains__(self, name: object) -> bool:
        return name in self._kept

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, name: str, wishes: Wishes, shown: Shown) -> None:
        """Keep a plan; another one of this name is gone."""
        self._kept[name] = (wishes, shown)

    def of(self, name: str) -> tuple[Wishes, Shown]:
        """Return a plan and what was asked for; InputError lists the names there are."""
        if name not in self._kept:
            there = ", ".join(self._kept) or "none"
            raise InputError(f"no plan was kept as {name!r}", remedy=f"There are: {there}.")
        return self._kept[name]
