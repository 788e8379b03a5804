"""One rule for every output of every command: never an input, never what exists, never what is not hdrplan's own."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

from hdrplan.cli import cli
from hdrplan.cli.outputs import OutputPath
from hdrplan.errors import InputError
from hdrplan.geometry import Grid, Volume
from hdrplan.io import Output, drafts, new_file, new_folder, other_files, read_volume, write_volume


def written(place: Output | Path, **files: str) -> None:
    """A result folder of these files and a record."""
    with new_folder(place) as draft:
        for name, text in files.items():
            path = draft / name.replace("__", "/")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        (draft / "run.json").write_text('{"schema": "hdrplan.run/1"}')


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_record_lists_what_the_run_wrote(tmp_path: Path) -> None:
    written(tmp_path / "out", table="1", sub__plan="2")
    assert json.loads((tmp_path / "out" / "run.json").read_text())["files"] == ["run.json", "sub/plan", "table"]
    assert other_files(tmp_path / "out") == ()


@pytest.mark.parametrize("links", [True, False])
def test_other_files_stay_where_a_folder_is_overwritten(
    links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not links:
        monkeypatch.setattr(os, "link", lambda *a, **k: (_ for _ in ()).throw(OSError("no links on this disk")))
        monkeypatch.setattr(drafts, "_exchanged", lambda one, other: False)
    out = tmp_path / "out"
    written(out, table="old", gone="old", sub__gone="old")
    (out / "notes.txt").write_text("of the user")
    (out / "sub" / "more.txt").write_text("of the user too")
    (out / "empty").mkdir()
    (out / "link").symlink_to("notes.txt")
    out.chmod(0o750)
    assert other_files(out) == ("empty", "link", "notes.txt", "sub/more.txt")
    written(Output(path=out, overwrite=True), table="new")
    assert {name: data for name, data in tree(out).items() if name != "run.json"} == {
        "table": b"new",
        "notes.txt": b"of the user",
        "sub/more.txt": b"of the user too",
        "link": b"of the user",
    }
    assert (out / "link").is_symlink()
    assert (out / "empty").is_dir()
    assert stat.S_IMODE(out.stat().st_mode) == 0o750
    assert json.loads((out / "run.json").read_text())["files"] == ["run.json", "table"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("taken", ["table", "sub", "sub/plan"])
def test_another_file_of_the_same_name_is_not_replaced(taken: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    written(out, first="1")
    (out / taken).parent.mkdir(exist_ok=True)
    (out / taken).write_text("of the user")
    before = tree(out)
    with pytest.raises(InputError, match="only files that hdrplan wrote"):
        written(Output(path=out, overwrite=True), table="2", sub__plan="2")
    assert tree(out) == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("record", [None, "{}", '{"schema": "hdrplan.run/1"}', '{"files": ["a"]}', "not json"])
def test_a_folder_without_the_list_is_not_overwritten(record: str | None, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis").write_text("work")
    if record is not None:
        (out / "run.json").write_text(record)
    with pytest.raises(InputError, match="only a folder written by hdrplan is overwritten"):
        written(Output(path=out, overwrite=True), table="2")
    assert (out / "thesis").read_text() == "work"


def test_an_output_behind_a_link_stays_behind_it(tmp_path: Path) -> None:
    written(tmp_path / "disk" / "out", table="old")
    (tmp_path / "out").symlink_to(tmp_path / "disk" / "out")
    written(Output(path=tmp_path / "out", overwrite=True), table="new")
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "disk" / "out" / "table").read_text() == "new"


RELATIONS: dict[str, Callable[[Path], tuple[Path, Path]]] = {
    "itself": lambda top: (top / "in", top / "in"),
    "inside": lambda top: (top / "in", top / "in" / "deep" / "out"),
    "around": lambda top: (top / "in" / "file", top / "in"),
    "by a link": lambda top: (top / "in", top / "link" / "out"),
    "by dots": lambda top: (top / "in", top / "in" / ".." / "in" / "out"),
}


@pytest.mark.parametrize("relation", RELATIONS)
def test_a_folder_lies_apart_from_the_inputs(relation: str, tmp_path: Path) -> None:
    written(tmp_path / "in", file="1")
    (tmp_path / "link").symlink_to(tmp_path / "in")
    given, out = RELATIONS[relation](tmp_path)
    before = tree(tmp_path)
    with pytest.raises(InputError, match="must lie apart from the inputs"):
        written(Output(path=out, overwrite=True, inputs=(given,)), table="2")
    assert tree(tmp_path) == before


def file_at(place: Output | Path, text: str = "new") -> None:
    with new_file(place) as draft:
        draft.write_text(text)


def test_a_file_is_new_unless_it_may_be_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    file_at(path, "old")
    path.chmod(0o640)
    with pytest.raises(InputError, match="the output file must be new, got one that exists"):
        file_at(path)
    assert path.read_text() == "old"
    file_at(Output(path=path, overwrite=True))
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    os.link(path, tmp_path / "other-name.csv")
    for given in (path, tmp_path / "other-name.csv", tmp_path):
        with pytest.raises(InputError, match="must lie apart from the inputs"):
            file_at(Output(path=path, overwrite=True, inputs=(given,)), "newer")
    for place in (tmp_path, Path("/dev/null")):
        with pytest.raises(InputError, match="the output must be a file"):
            file_at(Output(path=place, overwrite=True))
    assert Path("/dev/null").is_char_device()
    assert path.read_text() == "new"


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_appears_meanwhile_is_not_replaced(
    links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not links:
        monkeypatch.setattr(os, "link", lambda *a, **k: (_ for _ in ()).throw(OSError("no links on this disk")))

    def run() -> None:
        with new_file(tmp_path / "t.csv") as draft:
            draft.write_text("mine")
            (tmp_path / "t.csv").write_text("of another process")

    with pytest.raises(InputError, match="must be new"):
        run()
    assert (tmp_path / "t.csv").read_text() == "of another process"


def test_what_names_patients_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    written(Output(path=tmp_path / "out", private=True), table="1", sub__plan="2")
    file_at(Output(path=tmp_path / "key", private=True))
    for path in [tmp_path / "out", tmp_path / "key", *(tmp_path / "out").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_drafts_of_killed_runs_are_removed_and_those_of_living_ones_are_not(tmp_path: Path) -> None:
    with new_folder(tmp_path / "out") as living:
        killed = tmp_path / ".out.abcd.part"
        killed.mkdir()
        (killed / "half").write_text("x")
        for folder in (living, killed):
            os.utime(folder, (0, 0))
        file_at(tmp_path / "out.csv")
        with new_folder(tmp_path / "out") as second:
            assert not killed.exists()
            assert living.exists()
            (second / "x").write_text("1")
        (living / "x").write_text("2")
        with pytest.raises(InputError, match="must be new"):
            raise_from(living)
        (tmp_path / "out" / "x").unlink()


def raise_from(draft: Path) -> None:
    """End the outer block by its own words, as another process would meet them."""
    drafts.moved_in(draft, draft.parent / "out", replace=False)


class Disk:
    """What a loss of power would leave: of files and folders only what was synced, as it was then."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.files: dict[tuple[int, int], bytes] = {}
        self.folders: dict[tuple[int, int], set[str]] = {}
        self.moves: list[str] = []
        for name in ("replace", "link", "rename"):
            patch.setattr(os, name, self.moving(getattr(os, name)))
        patch.setattr(Path, "rename", lambda path, target: os.rename(path, target))
        exchanged = drafts._exchanged
        patch.setattr(drafts, "_exchanged", lambda a, b: (self.whole(a), exchanged(a, b))[1])
        patch.setattr(os, "fsync", self.sync)

    def sync(self, descriptor: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        stat_ = path.stat()
        if path.is_dir():
            self.folders[stat_.st_dev, stat_.st_ino] = set(os.listdir(path))
        else:
            self.files[stat_.st_dev, stat_.st_ino] = path.read_bytes()

    def moving(self, real: Callable[..., None]) -> Callable[..., None]:
        def move(source: Path, target: Path, **more: object) -> None:
            # Files of the user that are linked into the draft were on the disk before.
            if Path(source).name != "notes.txt":
                self.whole(Path(source))
            real(source, target, **more)

        return move

    def whole(self, path: Path) -> None:
        """Fail where a move would put into place what is not on the disk."""
        self.moves.append(path.name)
        for part in [path, *path.rglob("*")] if path.is_dir() else [path]:
            key = part.stat().st_dev, part.stat().st_ino
            if part.is_dir():
                assert self.folders.get(key) == set(os.listdir(part)), f"{part} is moved before its names are synced"
            elif part.name != "notes.txt":
                assert self.files.get(key) == part.read_bytes(), f"{part} is moved before it is synced"

    def holds(self, path: Path) -> bool:
        return path.name in self.folders.get((path.parent.stat().st_dev, path.parent.stat().st_ino), set())


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="asks Linux which file is synced")
@pytest.mark.parametrize("exchange", [True, False])
def test_power_may_fail_at_any_moment(exchange: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(monkeypatch)
    if not exchange:
        monkeypatch.setattr(drafts, "_exchanged", lambda one, other: False)
    written(tmp_path / "out", table="1" * 100_000, sub__plan="2")
    assert disk.holds(tmp_path / "out")
    (tmp_path / "out" / "sub" / "notes.txt").write_text("of the user")
    drafts.sync_folder(tmp_path / "out" / "sub")
    written(Output(path=tmp_path / "out", overwrite=True), table="new")
    assert disk.holds(tmp_path / "out")
    file_at(tmp_path / "t.csv", "old")
    file_at(Output(path=tmp_path / "t.csv", overwrite=True))
    assert disk.holds(tmp_path / "t.csv")
    assert len(disk.moves) >= 4, "nothing was moved: the test looks at nothing"


def commands(group: click.Group = cli, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


WRITERS = [(" ".join(path), command) for path, command in commands() if any(p.name == "output" for p in command.params)]


def test_every_command_that_writes_is_known() -> None:
    assert len(WRITERS) >= 22
    for name, command in WRITERS:
        places = [p for p in command.params if p.name in ("output", "page")]
        assert all(isinstance(p.type, OutputPath) for p in places), name
        assert "overwrite" in {p.name for p in command.params}, name


def given(command: click.Command, path: Path, out: Path) -> list[str]:
    """Arguments with this path as the input of everything that is a file or folder."""
    arguments = ["-o", str(out)]
    for p in command.params:
        is_path = isinstance(p.type, click.Path) and not isinstance(p.type, OutputPath)
        if isinstance(p, click.Argument):
            arguments.append(str(path) if is_path or "FILE" in (p.metavar or "") else "x")
        elif is_path and (p.required or p.name in ("plan_path", "grid_like", "points", "structures", "key")):
            arguments += [p.opts[0], str(path)]
        elif p.required and p.name != "output":
            arguments += [p.opts[0], "20"]
    return arguments


@pytest.mark.parametrize(("name", "command"), WRITERS, ids=[name for name, _ in WRITERS])
def test_no_command_replaces_what_exists_nor_touches_its_inputs(
    name: str, command: click.Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    is_folder = next(p.type.folder for p in command.params if p.name == "output" and isinstance(p.type, OutputPath))
    written(tmp_path / "old", table="1")
    (tmp_path / "old.csv").write_text("precious")
    (tmp_path / "old.png").write_text("precious")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file").write_text("precious")
    before = tree(tmp_path)
    outs = [tmp_path / "old"] if is_folder else [tmp_path / "old.csv", tmp_path / "old.png"]
    # What exists, without --overwrite.
    for out in outs:
        run = CliRunner().invoke(command, given(command, tmp_path / "in", out))
        assert isinstance(run.exception, InputError), (run.exception, run.output)
        assert tree(tmp_path) == before
    # An input of its own, with --overwrite.
    for out in outs:
        arguments = given(command, out, out)
        if arguments.count(str(out)) == 1:
            continue  # it has no file that must be given
        run = CliRunner().invoke(command, [*arguments, "--overwrite"])
        assert isinstance(run.exception, InputError), (name, run.exception, run.output)
        assert tree(tmp_path) == before


def test_the_grid_of_a_ct_does_not_become_its_dose(tmp_path: Path) -> None:
    grid = Grid(shape_zyx=(3, 4, 5), origin_mm=np.zeros(3), spacing_mm=np.full(3, 2.0))
    write_volume(tmp_path / "ct.nrrd", Volume(grid, np.full((3, 4, 5), 40.0)))
    (tmp_path / "dwells.csv").write_text("x_mm,y_mm,z_mm,tip_x,tip_y,tip_z,time_s\n3,3,3,0,0,1,10\n")
    arguments = ["dose", "--source", "gammamed-plus", "--strength", "40700", "--dwells", str(tmp_path / "dwells.csv")]
    for more in ([], ["--overwrite"]):
        run = CliRunner().invoke(
            cli, [*arguments, "--grid", str(tmp_path / "ct.nrrd"), "-o", str(tmp_path / "ct.nrrd"), *more]
        )
        assert isinstance(run.exception, InputError)
    assert (read_volume(tmp_path / "ct.nrrd").values_zyx == 40.0).all()


def test_a_file_that_a_case_names_is_an_input(tmp_path: Path) -> None:
    (tmp_path / "case").mkdir()
    (tmp_path / "ct.nrrd").write_text("of the case")
    (tmp_path / "case" / "case.toml").write_text('ct = "../ct.nrrd"\n')
    (tmp_path / "case" / "plan.json").write_text("{}")
    case, out = str(tmp_path / "case"), str(tmp_path / "ct.nrrd")
    arguments = ["evaluate", case, "--plan", case, "-o", out, "--overwrite"]
    run = CliRunner().invoke(cli, arguments)
    assert isinstance(run.exception, InputError)
    assert "must lie apart from the inputs" in str(run.exception)


def test_a_cohort_does_not_become_its_own_endpoints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cohort = tmp_path / "cohort"
    assert (
        CliRunner().invoke(cli, ["simulate", "cohort", "--hcc", "6", "--crlm", "3", "-o", str(cohort)]).exit_code == 0
    )
    before = tree(cohort)
    run = CliRunner().invoke(cli, ["cohort", "derive", str(cohort), "-o", str(cohort), "--overwrite"])
    assert isinstance(run.exception, InputError)
    assert tree(cohort) == before
    derived = tmp_path / "derived"
    arguments = ["cohort", "derive", str(cohort), "-o", str(derived)]
    assert CliRunner().invoke(cli, arguments).exit_code == 0
    (derived / "notes.txt").write_text("of the user")
    run = CliRunner().invoke(cli, [*arguments, "--overwrite"])
    assert run.exit_code == 0
    assert "contains 1 other file, kept: notes.txt" in run.stderr
    assert (derived / "notes.txt").read_text() == "of the user"


@pytest.mark.parametrize(
    ("words", "second"),
    [
        (["bench", "--sizes", "small", "-o", "x.json", "--page", "x.json"], "x.json"),
        (["catheters", "ct.nii.gz", "-o", "y.mrk.json", "--picture", "./sub/../y.mrk.json"], "y.mrk.json"),
        (["catheters", "ct.nii.gz", "-o", "y.mrk.json", "--picture", "y.mrk.json.run.json"], "y.mrk.json.run.json"),
        (["metrics", "archive", "-o", "tables", "--key", "tables/key.json"], "key.json"),
        (["metrics", "archive", "-o", "tables", "--key", "tables"], "tables"),
        (["metrics", "archive", "-o", "tables", "--key", "archive/key.json"], "key.json"),
        (["metrics", "archive", "-o", "key.json/tables", "--key", "key.json"], "tables"),
        (["dvh", "archive", "-o", "tables", "--key", "tables/sub/key.json"], "key.json"),
    ],
)
def test_two_outputs_of_one_command_stand_apart(
    words: list[str], second: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second replaced the first, or the key of the pseudonyms lay among the tables that are handed on."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "a.dcm").write_bytes(b"x" * 200)
    (tmp_path / "ct.nii.gz").write_bytes(b"x" * 200)
    for more in ([], ["--overwrite"]):
        run = CliRunner().invoke(cli, [*words, *more])
        assert isinstance(run.exception, InputError), run.output
        assert second in str(run.exception)
        assert sorted(p.name for p in tmp_path.iterdir()) == ["archive", "ct.nii.gz"]
