"""Compiled kernels on disk: paid once a machine, safe for processes that start together and after a crash.

Numba's own cache has three gaps that matter here. A kernel is not recompiled when another kernel that LLVM inlined into
it has changed (only its own file counts); the index of a kernel is written before its code, so a process that comes in
between, or after a crash there, can run the code of an older version; two processes that add two signatures together
can give both the same file. So each signature has one file of its own, named by its key, which holds the digest of all
kernels' sources and of its own content; it appears at once, by renaming. What does not fit is compiled anew.
"""

from __future__ import annotations

import hashlib
import pickle
from contextlib import suppress
from functools import cache
from glob import escape, glob
from importlib import resources
from typing import Any

import llvmlite
import numba
import numpy as np
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.runtime import rtsys

from hdrplan.compiling import keeping, kept_elsewhere, note_compiled, note_kept

__all__ = ["KernelCache", "is_kept"]


@cache
def _stamp() -> bytes:
    """Digest of all kernels' sources and of what compiles them."""
    digest = hashlib.sha256(f"{numba.__version__} {llvmlite.__version__} {np.__version__}".encode())
    for file in sorted(resources.files(__package__).iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".py"):
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.digest()


class _OneFileEach(IndexDataCacheFile):  # type: ignore[misc]
    def save(self, key: object, data: object) -> None:
        content = self._dump(data)
        with keeping, self._open_for_write(self._path(key)) as stream:
            stream.write(_stamp() + hashlib.sha256(content).digest() + content)

    def load(self, key: object) -> Any:
        try:
            with open(self._path(key), "rb") as stream:
                stamp, digest, content = stream.read(32), stream.read(32), stream.read()
        except OSError:
            return None
        if stamp != _stamp() or hashlib.sha256(content).digest() != digest:
            return None
        return pickle.loads(content)

    def flush(self) -> None:
        """Forget nothing: a stale file is recognised when it is read."""

    def paths(self) -> list[str]:
        """Return the files there are, whatever they were made of."""
        return glob(escape(self._data_path(self._data_name_pattern.format(number=0)))[: -len("0.nbc")] + "*.nbc")

    def _path(self, key: object) -> str:
        # Numba's key does not say whether indices are checked: such code has files of its own.
        checked = " checked" if numba.config.BOUNDSCHECK else ""
        name = hashlib.sha256((repr(key) + checked).encode()).hexdigest()[:20]
        return str(self._data_path(self._data_name_pattern.format(number=0).replace(".0.nbc", f".{name}.nbc")))


class KernelCache(FunctionCache):  # type: ignore[misc]
    """Numba's cache of one function, with files that cannot be mistaken."""

    def __init__(self, function: object) -> None:
        super().__init__(function)
        base = self._impl.filename_base
        self._cache_file = _OneFileEach(cache_path=self._cache_path, filename_base=base, source_stamp=None)

    def load_overload(self, sig: object, target_context: object) -> Any:
        """Return a compiled signature from its file; None where there is none.

        Numba loads all that it compiles NumPy with before it looks: 0.27 CPU seconds in every process. Finished code
        needs only Numba's runtime, which it is linked to; a signature without a file loads the rest to be compiled.
        """
        rtsys.initialize(target_context)
        kept = self._loaded(sig, target_context)
        if kept is None:
            note_compiled()
            if kept_elsewhere(self.name):
                kept = self._loaded(sig, target_context)
        return kept

    def save_overload(self, sig: object, data: object) -> None:
        """Keep a compiled signature, and say that it is kept."""
        super().save_overload(sig, data)
        note_kept(self.name)

    def _loaded(self, sig: object, target_context: object) -> Any:
        kept = None
        with self._guard_against_spurious_io_errors():
            kept = self._load_overload(sig, target_context)
        return kept

    @property
    def name(self) -> str:
        """Name of the function."""
        return str(self._py_func.__name__)


def is_kept(kernel: object) -> bool:
    """Return whether any signature of a kernel has a file; True where none can be kept."""
    kept = getattr(kernel, "_cache", None)
    if not isinstance(kept, KernelCache):
        return True
    for path in kept._cache_file.paths():
        with suppress(OSError), open(path, "rb") as stream:
            if stream.read(32) == _stamp():
                return True
    return False
