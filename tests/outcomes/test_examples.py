"""The examples in the docstrings are true."""

import doctest
import importlib
import pkgutil

import pytest

import hdrplan.outcomes

MODULES = [m.name for m in pkgutil.walk_packages(hdrplan.outcomes.__path__, "hdrplan.outcomes.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_the_module(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
