"""Kernels that other kernels call: compiled for those only, without machine code and without a door for Python.

Numba compiles a kernel that another calls as if Python called it: with a wrapper that unpacks its arguments, with all
of LLVM's passes, to machine code; and then its caller, into which LLVM inlines it. Of the 20 CPU s in which the demo's
kernels were compiled, 6 went there. Here a called kernel has no wrapper, LLVM tidies it only, and machine code of it
and of what Numba compiles for it (``np.empty``, ``max``) is made where somebody asks for its address. Kernels that
Python calls are as quick as before, and give the same bits: LLVM optimises them whole, with all that they call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numba
from numba.core.codegen import JITCodeLibrary
from numba.core.environment import lookup_environment

__all__ = ["NEWEST_TRIED", "compile_what_is_called_for_its_caller"]

# What is changed here is private to Numba. With a release newer than those tried, kernels compile as Numba compiles all
# others: right, as quick to run, and slower to compile.
NEWEST_TRIED = (0, 68)

_ENVIRONMENT = "_ZN08NumbaEnv"  # variables that hold what a function raises and prints with


class _OnDemand(JITCodeLibrary):  # type: ignore[misc]
    """Code of one function: for LLVM at once, for the processor when its address is asked for."""

    _emitted = False
    _wanted = False

    def get_pointer_to_function(self, name: str) -> Any:
        if not self._emitted:
            if not any(here.name == name and not here.is_declaration for here in self._final_module.functions):
                return 0  # no wrapper for Python
            self._emit()
        return super().get_pointer_to_function(name)

    def _get_compiled_object(self) -> Any:
        self._emit()
        return super()._get_compiled_object()

    def _optimize_final_module(self) -> None:
        if self._wanted:
            super()._optimize_final_module()
            return
        # Numba's own first pass: small functions are inlined and counts of references pruned. The rest is the caller's.
        passes: Any = self._codegen._module_pass_manager(
            loop_vectorize=self._codegen._loopvect, slp_vectorize=False, opt=self._codegen._opt_level, cost="cheap"
        )
        manager, *builder = passes if isinstance(passes, tuple) else (passes,)  # a manager alone before Numba 0.62
        manager.run(self._final_module, *builder)

    def _finalize_final_module(self) -> None:
        self._finalized = True

    def _emit(self) -> None:
        """Make machine code, as Numba does for every function at once."""
        if self._emitted:
            return
        self._emitted = self._wanted = True
        self._ensure_finalized()
        super()._finalize_final_module()
        for variable in self._final_module.global_variables:
            environment = lookup_environment(variable.name) if variable.name.startswith(_ENVIRONMENT) else None
            if environment is not None:
                type(self._codegen).set_env(self._codegen, variable.name, environment)


@contextmanager
def _on_demand(codegen: Any) -> Iterator[None]:
    """Let all code that is compiled in here be :class:`_OnDemand`. Numba's global lock is held by whoever compiles."""
    if "_library_class" in vars(codegen):  # a kernel within a kernel
        yield
        return

    def set_env(name: str, environment: object) -> None:
        if codegen._engine.is_symbol_defined(name):  # else :meth:`_OnDemand._emit` sets it
            type(codegen).set_env(codegen, name, environment)

    codegen._library_class, codegen.set_env = _OnDemand, set_env
    try:
        yield
    finally:
        del codegen._library_class, codegen.set_env


def compile_what_is_called_for_its_caller(kernel: Any, options: dict[str, Any]) -> None:
    """Change how a kernel is compiled, for Python and for other kernels.

    Parameters
    ----------
    kernel : numba dispatcher
    options : dict
        Those that it was made with.
    """
    if numba.version_info.short > NEWEST_TRIED:
        return
    compile_core: Callable[[Any, Any], Any] = kernel._compiler.compile

    def compiled(args: Any, return_type: Any) -> Any:
        with _on_demand(kernel.targetctx.codegen()):
            return compile_core(args, return_type)

    @cache
    def called() -> Any:
        """Return the kernel as other kernels see it."""
        return numba.njit(no_cpython_wrapper=True, **options)(kernel.py_func)

    kernel._compiler.compile = compiled
    kernel.get_call_template = lambda args, kws: called().get_call_template(args, kws)
    kernel.get_overload = lambda signature: called().get_overload(signature)
