"""The journal of a run: nothing finished is lost, nothing of another run is taken, one process at a time."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from hdrplan.errors import InputError
from hdrplan.io import open_journal


@dataclass(frozen=True)
class Work:
    id: str
    rows: list[dict[str, float | None]]


OPTIONS = {"engine": "both", "rules": {"CTV": ["gtv"]}}
FIRST, SECOND = Work("one", [{"d100_gy": 20.5, "v150_pct": None}]), Work("two", [])


def stopped(path: Path) -> None:
    """A run that dies after its first piece of work."""
    with suppress(KeyboardInterrupt), open_journal(path, Work, options=OPTIONS, secret=b"k" * 32) as journal:
        journal.add(FIRST)
        raise KeyboardInterrupt


def test_a_run_that_ends_well_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "new" / "t.partial"
    with open_journal(path, Work, options=OPTIONS, secret=b"k" * 32) as journal:
        journal.add(FIRST)
        assert journal.done == {"one": FIRST}
        assert path.exists()
    assert not path.exists()


@pytest.mark.parametrize("torn", ["", '{"id": "two", "ro', '{"other": 1}\n', "17\n"])
def test_a_stopped_run_goes_on_with_its_secret_and_its_work(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "t.partial"
    stopped(path)
    with path.open("a") as stream:
        stream.write(torn)
    with suppress(KeyboardInterrupt), open_journal(path, Work, options=OPTIONS, secret=b"n" * 32) as journal:
        assert journal.secret == b"k" * 32
        assert journal.done == {"one": FIRST}
        journal.add(SECOND)
        raise KeyboardInterrupt
    with open_journal(path, Work, options=OPTIONS, secret=b"n" * 32) as journal:
        assert journal.done == {"one": FIRST, "two": SECOND}


@pytest.mark.parametrize("head", ["{}", "[]", '{"secret": "zz", "options": {}}', "\x00"])
def test_another_run_is_not_gone_on_with(tmp_path: Path, head: str) -> None:
    path = tmp_path / "t.partial"
    stopped(path)
    with (
        pytest.raises(InputError, match="same options only"),
        open_journal(path, Work, options=OPTIONS | {"engine": "stored"}, secret=b"k" * 32),
    ):
        pass
    path.write_text(head + "\n")
    with pytest.raises(InputError, match="same options only"), open_journal(path, Work, options={}, secret=b"k" * 32):
        pass
    assert path.exists(), "what is not understood is not deleted"


def test_a_run_that_did_nothing_holds_no_other_one_off(tmp_path: Path) -> None:
    path = tmp_path / "t.partial"
    with suppress(KeyboardInterrupt), open_journal(path, Work, options=OPTIONS, secret=b"k" * 32):
        raise KeyboardInterrupt
    assert path.exists()
    with open_journal(path, Work, options={"other": 1}, secret=b"n" * 32) as journal:
        assert journal.secret == b"n" * 32
        assert not journal.done


def test_stopped_before_its_first_line_was_whole_it_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "t.partial"
    path.write_text('{"sha256": "6b')
    with open_journal(path, Work, options=OPTIONS, secret=b"n" * 32) as journal:
        assert journal.secret == b"n" * 32
        assert not journal.done


def test_one_run_at_a_time(tmp_path: Path) -> None:
    pytest.importorskip("fcntl", reason="the system has no such lock")
    path = tmp_path / "t.partial"
    with open_journal(path, Work, options=OPTIONS, secret=b"k" * 32) as journal:
        with (
            pytest.raises(InputError, match="one run at a time"),
            open_journal(path, Work, options=OPTIONS, secret=b"k" * 32),
        ):
            pass
        journal.add(FIRST)
    assert not path.exists()


@pytest.mark.parametrize(("old", "new"), [("20.5", "25.5"), ('"one"', '"two"'), ("d100", "d900"), ("20.5", '"20.5"')])
def test_an_entry_that_was_changed_is_told_and_its_work_done_again(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "t.partial"
    stopped(path)
    path.write_text(path.read_text().replace(old, new))
    with open_journal(path, Work, options=OPTIONS, secret=b"k" * 32) as journal:
        assert journal.damaged == 1
        assert not journal.done
        journal.add(FIRST)


def test_another_secret_in_a_journal_is_not_taken(tmp_path: Path) -> None:
    """Pseudonyms of one archive would be of two kinds."""
    path = tmp_path / "t.partial"
    stopped(path)
    path.write_text(path.read_text().replace("6b6b", "6b6c", 1))
    with (
        pytest.raises(InputError, match="same options only"),
        open_journal(path, Work, options=OPTIONS, secret=b"k" * 32),
    ):
        pass


def test_the_mode_of_somebody_elses_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "t.partial"
    path.write_text("a line of somebody else\n")
    path.chmod(0o644)
    with pytest.raises(InputError), open_journal(path, Work, options=OPTIONS, secret=b"k" * 32):
        pass
    assert path.stat().st_mode & 0o777 == 0o644
