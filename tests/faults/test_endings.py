"""Ways in which a run ends that nobody wanted: full disks, closed streams, signals, folders for reading only."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import hdrplan
from hdrplan.cli import cli
from hdrplan.errors import HdrPlanError
from hdrplan.geometry import Grid, Volume
from hdrplan.io import ResultStore, new_file, new_folder, open_journal, read_volume, write_volume
from hdrplan.io.dicom.objects import save
from hdrplan.io.journal import FINISHED_IS_KEPT
from held import held
from small_case import write_small_case

SRC = Path(hdrplan.__file__).parents[1]
GRID = Grid(shape_zyx=(20, 40, 50), origin_mm=np.zeros(3), spacing_mm=np.full(3, 2.0))
NOISE = Volume(GRID, np.random.default_rng(0).random((20, 40, 50)).astype(np.float32))


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of work that was done."""

    id: str
    text: str


@pytest.fixture(params=[16, 64, 128, 140, 148, 400])
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A real file system of so many kB: too small for anything, nearly large enough, and large enough."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={request.param}k", "none", str(place)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("no right to mount a file system here")
    try:
        yield place, request.param
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


@pytest.mark.parametrize("suffix", ["nrrd", "nii.gz", "nii", "mha"])
def test_an_image_is_whole_or_absent_on_a_small_disk(small_disk: tuple[Path, int], suffix: str) -> None:
    place, kilobytes = small_disk
    try:
        with new_file(place / f"dose.{suffix}") as draft:
            write_volume(draft, NOISE)
        whole = True
    except (HdrPlanError, OSError) as error:
        assert isinstance(error, HdrPlanError) or error.errno == errno.ENOSPC  # noqa: PT017
        whole = False
    if whole:
        np.testing.assert_array_equal(read_volume(place / f"dose.{suffix}").values_zyx, NOISE.values_zyx)
    else:
        assert list(place.iterdir()) == []
        assert kilobytes < 400
    assert whole or kilobytes < 400
    assert not whole or kilobytes > 64


def test_a_folder_is_whole_or_absent_on_a_small_disk(small_disk: tuple[Path, int]) -> None:
    place, kilobytes = small_disk
    text = "x" * 50_000

    def write() -> None:
        with new_folder(place / "out") as draft:
            for k in range(3):
                (draft / f"{k}.txt").write_text(text)
            (draft / "run.json").write_text('{"schema": "hdrplan.run/1"}')

    if kilobytes < 140:
        with pytest.raises(OSError, match="No space left"):
            write()
        assert list(place.iterdir()) == []
    elif kilobytes >= 400:
        write()
        assert sorted(p.name for p in (place / "out").iterdir()) == ["0.txt", "1.txt", "2.txt", "run.json"]


def hdrplan_run(*arguments: object, cwd: Path, **more: object) -> subprocess.Popen[bytes]:
    settings: dict[str, object] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more
    env = os.environ | {"PYTHONPATH": str(SRC), "HDRPLAN_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-m", "hdrplan", *map(str, arguments)], cwd=cwd, env=env, **settings)  # type: ignore[call-overload]


@pytest.mark.parametrize("small_disk", [64], indirect=True)
def test_a_journal_on_a_full_disk_says_where_finished_work_is_and_leaves_none_without(
    small_disk: tuple[Path, int],
) -> None:
    disk, _ = small_disk
    path = disk / "out.partial"

    def run(entries: int) -> str:
        try:
            with open_journal(path, Piece, options={}, secret=b"s") as journal:
                for k in range(entries):
                    journal.add(Piece(id=f"{len(journal.done)} {k}", text=1000 * "x"))
        except OSError as error:
            return f"{error.strerror} {error.filename}"
        return ""

    assert FINISHED_IS_KEPT in run(1000)
    assert path.exists()
    with open_journal(path, Piece, options={}, secret=b"s") as journal:
        assert len(journal.done) >= 10
    with (disk / "filled").open("ab", buffering=0) as stream, suppress(OSError):
        while True:
            stream.write(1000 * b"y")
    assert FINISHED_IS_KEPT not in run(1000)
    assert str(path) in run(1000)
    assert not path.exists()


@pytest.mark.parametrize("small_disk", [64], indirect=True)
def test_a_store_on_a_full_disk_leaves_no_draft_and_names_its_folder(small_disk: tuple[Path, int]) -> None:
    disk, _ = small_disk
    store = ResultStore(disk / "out.tasks", Piece)
    with pytest.raises(OSError, match="what is finished is kept") as raised:
        [store.write(f"{k:032x}", Piece(id=str(k), text=1000 * "x")) for k in range(1000)]
    assert raised.value.filename == str(store.folder)
    assert not list(store.folder.rglob("*.part"))
    assert store.read(f"{0:032x}") is not None


@pytest.mark.parametrize(
    "words",
    [
        ["plan", "--all", "cases", "--samples-only", "--jobs", "1"],
        ["simulate", "cohort", "--plans", "cases/one", "--hcc", "1", "--crlm", "0", "--workers", "1"],
    ],
    ids=["plan --all", "simulate"],
)
def test_a_disk_that_fills_after_the_work_says_where_the_work_is(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cases").mkdir()
    write_small_case(tmp_path / "cases" / "one")
    monkeypatch.chdir(tmp_path)

    def full(*arguments: object, **more: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as failing:
        failing.setattr("hdrplan.io.write_run", full)
        run = CliRunner().invoke(cli, [*words, "-o", "new/out"])
    assert isinstance(run.exception, OSError)
    assert FINISHED_IS_KEPT in str(run.exception)
    assert "out.tasks" in str(run.exception)
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["out.tasks"]


def test_folders_that_were_made_for_an_output_go_with_it(tmp_path: Path) -> None:
    """A full disk left `images` beside a page that was not written."""
    (tmp_path / "old").mkdir()
    for place in ("new/folder/out.json", "old/out.json"):
        with pytest.raises(OSError, match="full"), new_file(tmp_path / place):
            raise OSError("full")
    assert [p.name for p in tmp_path.iterdir()] == ["old"]
    with new_file(tmp_path / "new/folder/out.json") as draft:
        draft.write_text("{}")
    assert (tmp_path / "new/folder/out.json").exists()


def test_a_reader_that_closes_the_pipe_is_no_traceback(tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    process = hdrplan_run("sources", "list", "--json", cwd=tmp_path, stdout=theirs)
    os.close(theirs)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 141
    assert err == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="asks for a device that is always full")
def test_output_that_cannot_be_printed_is_a_message(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        process = hdrplan_run("sources", "list", cwd=tmp_path, stdout=full)
        _, err = process.communicate(timeout=120)
    assert process.returncode != 0
    assert b"Traceback" not in err
    assert b"No space left" in err


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_closed_standard_streams_do_not_spoil_a_file(closed: tuple[int, ...], tmp_path: Path) -> None:
    (tmp_path / "dwells.csv").write_text("x_mm,y_mm,z_mm,tip_x,tip_y,tip_z,time_s\n3,3,3,0,0,1,10\n")
    arguments = ["dose", "--source", "gammamed-plus", "--strength", "40700", "--dwells", "dwells.csv"]
    arguments += ["--spacing", "5", "--margin", "20", "-o"]

    def close() -> None:
        for descriptor in closed:
            os.close(descriptor)

    for name, before in (("usual.nrrd", None), ("closed.nrrd", close)):
        process = hdrplan_run(*arguments, name, cwd=tmp_path, preexec_fn=before)
        process.communicate(timeout=300)
        assert process.returncode == 0
    assert (tmp_path / "closed.nrrd").read_bytes() == (tmp_path / "usual.nrrd").read_bytes()


def test_a_dicom_file_on_a_full_disk_is_the_systems_error(small_disk: tuple[Path, int]) -> None:
    """Pydicom would pack a traceback into the message, and drop the number."""
    from pydicom.dataset import Dataset, FileMetaDataset

    data = Dataset()
    data.SOPClassUID, data.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.481.2", "1.2.3"
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    data.PixelData = bytes(1 << 20)
    data["PixelData"].VR = "OW"
    with pytest.raises(OSError, match="No space left") as caught:
        save(data, small_disk[0] / "RD.dcm")
    assert caught.value.errno == errno.ENOSPC
    assert "Traceback" not in str(caught.value)


SWALLOWED = """
import os, signal, sys, time
from hdrplan.cli.ending import Stopped, heed_signals
heed_signals()
class Module:
    def __del__(self):
        os.kill(os.getpid(), int(sys.argv[1]))
        time.sleep(0.1)
try:
    Module()
    time.sleep(30)
except (KeyboardInterrupt, Stopped):
    sys.exit(7)
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_that_a_destructor_swallows_comes_again(how: signal.Signals) -> None:
    process = subprocess.run(
        [sys.executable, "-c", SWALLOWED, str(int(how))],
        env=os.environ | {"PYTHONPATH": str(SRC)},
        preexec_fn=partial(signal.signal, how, signal.SIG_DFL),
        capture_output=True,
        check=False,
    )
    assert (process.returncode, process.stderr) == (7, b"")


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_a_plan_in_good_order(how: signal.Signals, tmp_path: Path) -> None:
    """It waits before the last file of its draft, when the signal comes."""
    here = tmp_path / "here"
    here.mkdir()
    write_small_case(here / "case")
    arguments = ("plan", "case", "-o", "out", "--samples-only", "--sample", "6")
    # A shell's job in the background inherits SIGINT and SIGHUP ignored, and so would this process.
    heard = partial(signal.signal, how, signal.SIG_DFL)
    with held(*arguments, place="hdrplan.io.results:write_run", cwd=here, preexec_fn=heard) as run:
        (draft,) = here.glob(".out.*.part")
        assert (draft / "report.html").exists()
        run.process.send_signal(how)
        _, err = run.process.communicate(timeout=120)
        assert run.process.returncode == 128 + how
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1
    assert sorted(p.name for p in here.iterdir()) == ["case"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes into any folder")
def test_a_folder_for_reading_only_is_a_message_and_untouched(tmp_path: Path) -> None:
    place = tmp_path / "archive"
    place.mkdir()
    place.chmod(0o500)
    try:
        with pytest.raises(OSError, match="Permission denied"), new_folder(place / "out") as draft:
            (draft / "x").write_text("1")
        assert list(place.iterdir()) == []
    finally:
        place.chmod(0o700)


def test_a_file_system_for_reading_only_is_a_message(tmp_path: Path) -> None:
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "ro,size=64k", "none", str(place)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("no right to mount a file system here")
    try:
        process = hdrplan_run("phantom", "make", "sphere", "-o", place / "sphere", cwd=tmp_path)
        _, err = process.communicate(timeout=300)
        assert process.returncode == 2
        assert err.decode().count("\n") == 1
        assert "a folder that you may write to" in err.decode()
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


def test_two_processes_that_write_one_file_leave_one_whole(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from hdrplan.io import Output, new_file\n"
        "for k in range(60):\n"
        "    with new_file(Output(path=Path('t.csv'), overwrite=True)) as draft:\n"
        "        draft.write_text(sys.argv[1] * 100_000)\n"
    )
    env = os.environ | {"PYTHONPATH": str(SRC)}
    both = [subprocess.Popen([sys.executable, "-c", script, letter], cwd=tmp_path, env=env) for letter in "ab"]
    while any(process.poll() is None for process in both):
        if (tmp_path / "t.csv").exists():
            text = (tmp_path / "t.csv").read_text()
            assert text in ("a" * 100_000, "b" * 100_000)
        time.sleep(0.001)  # where the disk is slow to keep what is written, reading without a pause took two minutes
    assert [process.returncode for process in both] == [0, 0]
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]
