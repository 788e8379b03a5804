"""Compile beside the first plan on a machine: ``python -m hdrplan.cli.first_plan bounds grid``."""

from __future__ import annotations

import sys

from hdrplan.compile_process import compile_beside, serve_as_compiler

__all__ = ["compile_beside_plan"]


def compile_beside_plan(*, every_point: bool) -> None:
    """Start another process for the kernels that a plan needs last, if none are kept and there are two processors.

    Parameters
    ----------
    every_point : bool
        Whether the plan searches for cold places.
    """
    from hdrplan.dose import LATE_KERNELS, late_work
    from hdrplan.threads import thread_count

    work = late_work(every_point=every_point)
    if work and thread_count() > 1:
        compile_beside(["-m", __name__, *work], [kernel for piece in work for kernel in LATE_KERNELS[piece]])


def _main(work: list[str]) -> None:
    serve_as_compiler()

    from hdrplan.dose import compile_late

    for piece in work:
        compile_late(piece)


if __name__ == "__main__":
    _main(sys.argv[1:])
