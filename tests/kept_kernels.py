"""Compiled kernels of this session, for runs that keep theirs elsewhere: compiling them takes most of such a run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from numba import config

from hdrplan.kernels import interp
from hdrplan.kernels._cache import KernelCache


def kept_kernels() -> list[Path]:
    """Return the files of all kernels that were compiled for this checkout so far."""
    return sorted(Path(interp.cell_of._cache.cache_path).glob("*.nbc"))


def copy_kernels(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copy them to where a run with this ``NUMBA_CACHE_DIR`` looks for them, and return that folder."""
    with monkeypatch.context() as patch:
        patch.setattr(config, "CACHE_DIR", str(folder))
        place = Path(KernelCache(interp.cell_of.py_func).cache_path)
    place.mkdir(parents=True, exist_ok=True)
    for path in kept_kernels():
        shutil.copy2(path, place)
    return place
