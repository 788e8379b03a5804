"""The files that a case names: found beside it, and hashed as they are used."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hdrplan.errors import FormatError
from hdrplan.io.files import existing_file, sha256

__all__ = ["CasePaths"]


class CasePaths:
    """File names of a case, turned into paths.

    Parameters
    ----------
    folder : Path
        Relative names start here.
    where : object
        What messages name: the file, or "the command line".
    relative_only : bool
        Refuse absolute names: a case folder can be moved.
    hashes : mapping, optional
        SHA-256 of files that were read before.
    """

    def __init__(
        self, folder: Path, where: object, *, relative_only: bool = False, hashes: Mapping[str, str] | None = None
    ) -> None:
        self.folder, self._where, self._relative_only = folder, where, relative_only
        self._hashes = dict(hashes or {})
        self._by_key: dict[str, str] = {}
        self._files: dict[Path, None] = {}

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that :meth:`path` was asked for, and where it lies."""
        return tuple(self._files)

    @property
    def hashes(self) -> dict[str, str]:
        """Name -> SHA-256 of every file that :meth:`path` was asked for."""
        return dict(self._hashes)

    def sha256_of(self, key: str) -> str | None:
        """Return the hash of the file that the case calls so; None where :meth:`path` was not asked for it."""
        return self._by_key.get(key)

    def path(self, name: object, key: str) -> Path:
        """Return the path of an existing file or folder.

        Parameters
        ----------
        name : object
            As the case gives it.
        key : str
            What the case calls it.

        Raises
        ------
        FormatError, InputError
            No file name, an absolute one where only relative ones may stand, no such file.
        """
        if not isinstance(name, str | Path) or not str(name).strip() or not _is_path(str(name)):
            raise FormatError(f"{key} must be a file name", got=repr(name)[:80], where=self._where)
        if self._relative_only and Path(name).is_absolute():
            raise FormatError(
                f"{key} must be relative to the case folder",
                got=name,
                where=self._where,
                remedy="Absolute paths break when the folder is moved.",
            )
        path = self.folder / name
        if not path.is_dir():
            existing_file(path)
        self._by_key[key] = sha256(path)
        self._files[path] = None
        # Planning systems name the folders of exports after patients, and records are passed on.
        said = f"{key} (folder)" if path.is_dir() else Path(name).as_posix() if self._relative_only else path.name
        self._hashes[said] = self._by_key[key]
        return path


def _is_path(name: str) -> bool:
    """Whether a name can be a path at all: no NUL, no part longer than file systems allow."""
    return (
        "\0" not in name
        and len(name) < 4096
        and all(len(component.encode("utf-8", "replace")) < 256 for component in Path(name).parts)
    )
