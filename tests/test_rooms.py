"""Rooms load a file when one of its names is first asked for."""

import importlib
import pkgutil
import subprocess
import sys

import pytest

import hdrplan

LAZY = ["analysis", "cohort", "dose", "io", "optimize", "outcomes", "report", "simulate", "workflow"]


@pytest.mark.parametrize("room", LAZY)
def test_every_public_name_of_a_room_is_there(room: str) -> None:
    door = importlib.import_module(f"hdrplan.{room}")
    for name in door.__all__:
        assert getattr(door, name) is not None
    assert set(door.__all__) <= set(dir(door))
    with pytest.raises(AttributeError, match=f"hdrplan.{room}.*no_such_name"):
        door.no_such_name  # noqa: B018


@pytest.mark.parametrize("room", LAZY)
def test_no_file_of_a_room_bears_one_of_its_public_names(room: str) -> None:
    """Importing such a file would bind the name to the file, whoever asked for the function."""
    door = importlib.import_module(f"hdrplan.{room}")
    files = {file.name for file in pkgutil.iter_modules(door.__path__)}
    assert not files & set(door.__all__)


def test_planning_loads_no_room_that_it_does_not_use() -> None:
    """The imports of a plan are a fifth of its processor seconds; what loads is counted, for times are no test."""
    code = (
        "import sys\n"
        "from hdrplan.io import Output, read_case\n"
        "from hdrplan.report import plan_lines\n"
        "from hdrplan.workflow import plan_case\n"
        "rooms = ('outcomes', 'analysis', 'simulate', 'optimize.studies', 'optimize.catheters', 'bench')\n"
        "print([m for m in sys.modules if any(m.startswith(f'hdrplan.{room}.') for room in rooms)])"
    )
    source = str(next(iter(hdrplan.__path__)).removesuffix("/hdrplan"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=source)
    assert done.stdout.strip() == "[]"
