"""Run commands as on another system, as far as one process can: ``python other_system.py SYSTEM SRC WORDS :: WORDS``.

``win32``: POSIX modules and functions are gone, no folder can be opened, no open file can be removed or renamed,
nothing is renamed over a folder, files are read and written as text in cp1252 unless the program says otherwise, and so
is the console. ``darwin``: what only Linux has is gone: /proc, affinities, free pages by sysconf. hdrplan is told the
platform; other libraries are not.
"""

from __future__ import annotations

import builtins
import errno
import importlib
import io
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

GONE = ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "posix_ipc")
MISSING = ("geteuid", "getuid", "getgid", "fork", "sched_getaffinity", "sched_setaffinity", "sysconf", "getloadavg",
           "register_at_fork", "mkfifo", "setsid", "killpg", "getpgid", "fchmod", "chown", "nice")  # fmt: skip
real_open, real_os_open, real_import = builtins.open, os.open, builtins.__import__


def is_open(path: Any) -> bool:
    """Whether this process has a file open, or one below a folder."""
    whole = os.path.realpath(os.fsdecode(path))
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{descriptor}")
        except OSError:
            continue
        if target == whole or target.startswith(whole + os.sep):
            return True
    return False


def in_use(path: Any) -> PermissionError:
    return PermissionError(errno.EACCES, "The process cannot access the file because it is being used", str(path))


def refusing(function: Callable[..., Any], *, over: bool, closed: int) -> Callable[..., Any]:
    """A function of files that refuses open ones (its first ``closed`` arguments), and to go over what is there."""

    def call(*paths: Any, **kwargs: Any) -> Any:
        for path in paths[:closed]:
            if os.path.lexists(path) and is_open(path):
                raise in_use(path)
        if len(paths) > 1 and os.path.lexists(paths[1]) and (over or os.path.isdir(paths[1])):
            raise FileExistsError(errno.EEXIST, "Cannot create a file when that file already exists", str(paths[1]))
        return function(*paths, **kwargs)

    return call


def no_folder(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
    if not isinstance(path, int) and os.path.isdir(path) and dir_fd is None and not flags & os.O_DIRECTORY:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))
    return real_os_open(path, flags, mode, dir_fd=dir_fd)


def in_cp1252(
    file: Any, mode: str = "r", buffering: int = -1, encoding: str | None = None, *rest: Any, **named: Any
) -> Any:
    if encoding is None and "b" not in mode:
        encoding = "cp1252"
    return real_open(file, mode, buffering, encoding, *rest, **named)


class OtherSys:
    """The module sys of another platform."""

    def __init__(self, platform: str) -> None:
        self.platform = platform

    def __getattr__(self, name: str) -> Any:
        return getattr(sys, name)


def telling(platform: str) -> Callable[..., Any]:
    """An import that hands hdrplan's modules another platform."""
    other = OtherSys(platform)

    def told(name: str, variables: Any = None, *rest: Any, **named: Any) -> Any:
        if name == "sys" and str((variables or {}).get("__name__", "")).startswith("hdrplan"):
            return other
        return real_import(name, variables, *rest, **named)

    return told


def no_proc(path: Any, *rest: Any, **named: Any) -> Any:
    # threadpoolctl was imported on Linux and looks there for its libraries; on macOS it asks the loader.
    if not isinstance(path, int) and os.fsdecode(path).startswith("/proc/") and path != "/proc/self/maps":
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(path))
    return real_open(path, *rest, **named)


def make_darwin() -> None:
    """Take away what only Linux has."""
    for name in ("sched_getaffinity", "sched_setaffinity", "posix_fadvise", "memfd_create", "pidfd_open"):
        if hasattr(os, name):
            delattr(os, name)
    real_sysconf = os.sysconf

    def sysconf(name: Any) -> int:
        if name == "SC_AVPHYS_PAGES":
            raise ValueError("unrecognized configuration name")
        return real_sysconf(name)

    os.sysconf = sysconf
    builtins.open = io.open = no_proc  # type: ignore[assignment]
    builtins.__import__ = telling("darwin")  # type: ignore[assignment]


class NoPosix:
    """Finds nothing where Windows has nothing."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name in GONE:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def locks_of_bytes() -> ModuleType:
    """Windows's ``msvcrt.locking`` by a POSIX lock of the same byte."""
    fcntl = importlib.import_module("fcntl")
    module: Any = ModuleType("msvcrt")
    module.LK_NBLCK = 2

    def locking(descriptor: int, mode: int, count: int) -> None:
        assert mode == module.LK_NBLCK
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, count, 0, os.SEEK_CUR)

    module.locking = locking
    return module


def make_windows() -> None:
    """Take away what Windows does not have."""
    # They keep what they need of POSIX before it goes.
    shutil: Any = importlib.import_module("shutil")
    shutil._use_fd_functions = False
    importlib.import_module("subprocess")
    importlib.import_module("tempfile")
    sys.modules["msvcrt"] = locks_of_bytes()
    for name in GONE:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, NoPosix())  # type: ignore[arg-type]
    for name in MISSING:
        if hasattr(os, name):
            delattr(os, name)
    os.unlink = os.remove = refusing(os.unlink, over=False, closed=1)  # type: ignore[assignment]
    os.rename = refusing(os.rename, over=True, closed=2)  # type: ignore[assignment]
    os.replace = refusing(os.replace, over=False, closed=2)  # type: ignore[assignment]
    os.open = no_folder  # type: ignore[assignment]
    builtins.open = io.open = in_cp1252  # type: ignore[assignment]
    builtins.__import__ = telling("win32")  # type: ignore[assignment]
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="cp1252", errors="strict")  # type: ignore[union-attr]


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[2])
    {"win32": make_windows, "darwin": make_darwin}[sys.argv[1]]()
    import uvicorn

    from hdrplan.cli import main

    # A page is served until somebody ends it: tests/live serves it, here it ends at once.
    uvicorn.Server.run = lambda server, sockets=None: [s.close() for s in sockets or ()]  # type: ignore[method-assign]
    for words in " ".join(sys.argv[3:]).split(" :: "):
        sys.argv = ["hdrplan", *words.split()]
        try:
            main()
            code: Any = 0
        except SystemExit as ended:
            code = ended.code or 0
        print(f"exit {code}: {words}", flush=True)
