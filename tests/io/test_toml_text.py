"""TOML that is written is what Python's parser reads back."""

from __future__ import annotations

import tomllib
from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from hdrplan.io.toml_text import toml_text

TEXTS = st.text(max_size=20)
NUMBERS = st.floats(allow_nan=False) | st.integers(-(2**60), 2**60)
KEYS = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)


@settings(deadline=None)
@given(
    values=st.dictionaries(KEYS, TEXTS | NUMBERS | st.booleans() | st.lists(NUMBERS | TEXTS, min_size=1, max_size=3)),
    roles=st.dictionaries(TEXTS, TEXTS),
    goals=st.lists(st.dictionaries(KEYS, TEXTS | NUMBERS, min_size=1), max_size=3),
)
def test_what_is_written_is_read_back(values: dict, roles: dict, goals: list) -> None:
    table = {f"v_{key}": value for key, value in values.items()} | {"roles": roles, "goals": goals}
    read = tomllib.loads(toml_text(table))
    assert read.pop("goals", []) == goals
    assert read.pop("roles") == roles
    assert read == {f"v_{key}": value for key, value in values.items()}


def test_values_stand_before_tables_and_comments_where_they_are_given() -> None:
    text = toml_text({"#": "made", "source": {"name": "x", "#": "strength_u ="}, "at": datetime(2024, 5, 31, 12)})
    assert text == '# made\nat = 2024-05-31T12:00:00\n\n[source]\nname = "x"\n# strength_u =\n'


def test_names_beyond_the_basic_plane_are_read_back() -> None:
    roles = {"Läsion 𝛼 \x7f": "CTV"}
    assert tomllib.loads(toml_text({"roles": roles})) == {"roles": roles}
    assert toml_text({"name": "é"}) == 'name = "\\u00e9"\n'
