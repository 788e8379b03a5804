"""Two thousand broken files: each reads, or is refused in one clear line. Never a traceback, a hang or a flood.

Every mutant is drawn from its format's name and a number, so a failure names the seed that makes it again; seeds that
once failed stand in REGRESSIONS for good.
"""

from __future__ import annotations

import resource
import signal
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from mutants import mutated

from demo_case import small_plan
from dicom_twins import channel, ct_slice, rt_dose, rt_plan, rt_structures
from hdrplan.errors import HdrPlanError
from hdrplan.geometry import Catheter, Structure, Volume
from hdrplan.io import (
    dicom_files,
    json_text,
    plan_table,
    read_brachy_plan,
    read_case,
    read_catheters,
    read_dose_grid,
    read_mask,
    read_names,
    read_plan,
    read_segmentation,
    read_structure_set,
    read_volume,
    write_markups,
    write_segmentation,
    write_volume,
)
from hdrplan.io.dicom.ct import read_ct_slices
from hdrplan.sources import load_source
from small_case import GRID

EACH = 170
# (format, seed) that once raised something else, and what it was.
REGRESSIONS: tuple[tuple[str, int], ...] = (
    ("RS.dcm", 1492),  # overflow of positions of 1e300 mm
    ("RS.dcm", 2186),  # a message of 3,000 characters
    ("curves.mrk.json", 1402),
    ("catheters.json", 1062),
    ("catheters.csv", 1108),
    ("ct.mha", 1617),  # overflow of direction cosines
    ("names.json", 1060),  # a label of infinity
    ("plan.json", 1126),
    ("case.toml", 1256),  # a message that did not name the file
    ("CT.dcm", 3),  # a transfer syntax that is none
    ("s.seg.nrrd", 5),  # header text that is no text
    ("case.toml", 39),  # a file name of 5,000 letters
)


def structures_with_masks(path: Path) -> None:
    """Read a structure set and make every structure of it, as check and metrics do."""
    read_structure_set(path).structures_that_read(GRID)


READERS: dict[str, Callable[[Path], object]] = {
    "RP.dcm": read_brachy_plan,
    "RS.dcm": structures_with_masks,
    "RD.dcm": read_dose_grid,
    "CT.dcm": lambda path: read_ct_slices([path]),
    "curves.mrk.json": read_catheters,
    "catheters.json": read_catheters,
    "catheters.csv": read_catheters,
    "s.seg.nrrd": read_segmentation,
    "ct.nrrd": read_volume,
    "ct.mha": read_volume,
    "ct.nii": read_volume,
    "mask.nii.gz": lambda path: read_mask(path, "mask", "CTV"),
    "names.json": read_names,
    "plan.json": read_plan,
    "own-plan.json": read_plan,
    "case.toml": lambda path: read_case(path),
}
TEXT = {"curves.mrk.json", "catheters.json", "catheters.csv", "names.json", "plan.json", "own-plan.json", "case.toml"}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the unbroken bytes of every format."""
    folder = tmp_path_factory.mktemp("good")
    small = GRID.box([0, 0, 0], (6, 8, 10))
    values = np.random.default_rng(1).integers(-100, 900, small.shape_zyx).astype(np.int16)
    for name in ("ct.nrrd", "ct.mha", "ct.nii"):
        write_volume(folder / name, Volume(small, values))
    write_volume(folder / "mask.nii.gz", Volume(small, (values > 500).astype(np.uint8)))
    box = [Structure(name=f"s{k}", role="OAR", grid=small, mask_zyx=values > 100 * k) for k in range(3)]
    write_segmentation(folder / "s.seg.nrrd", box, small)
    curves = [Catheter(f"c{k}", np.array([[0.0, k, 0], [5, k, 40], [5, k, 90]])) for k in range(3)]
    write_markups(folder / "curves.mrk.json", curves)
    rows = "".join(f"c1,{k},0,{10 * k}\n" for k in range(6))
    (folder / "catheters.csv").write_text("catheter,x_mm,y_mm,z_mm\n" + rows)
    (folder / "catheters.json").write_text('[{"name": "c1", "hub_to_tip_mm_lps": [[0, 0, 0], [1.5, 2, 40]]}]')
    (folder / "names.json").write_text('{"1": "liver", "32": "lesion", "stomach": 6}')
    (folder / "plan.json").write_text(json_text(plan_table(small_plan(), "x")))
    own = replace(small_plan(), source=replace(load_source("gammamed-plus"), name="mine"))
    (folder / "own-plan.json").write_text(json_text(plan_table(own, "x")))
    dwells = [(float(5 * k), 3.0, -5.0 * k) for k in range(8)]
    rt_plan(folder / "RP.dcm", [channel(dwells, 24.0, 24.0), channel(dwells, 24.0, 1000.0, ChannelNumber=2)])
    square = np.array([[-50.0, -40, 0], [-20, -40, 0], [-20, -10, 0], [-50, -10, 0]])
    rois = {f"roi {k}": [square + np.array([0, k, 105.0 + 5 * z]) for z in range(4)] for k in range(3)}
    rt_structures(folder / "RS.dcm", rois)
    rt_dose(folder / "RD.dcm", np.arange(120).reshape(4, 5, 6), [0.0, 2.5, 5.0, 7.5])
    ct_slice(folder / "CT.dcm", 5.0, np.zeros((12, 10)))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(autouse=True)
def guarded() -> Iterator[None]:
    """Limit memory to 4 GiB more than now, and stop a hang after two minutes."""

    def stop(*_: object) -> None:
        raise TimeoutError("a reader hangs")

    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else 0
    old = resource.getrlimit(resource.RLIMIT_AS)
    if pages:
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (4 << 30), old[1]))
    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(120)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
    resource.setrlimit(resource.RLIMIT_AS, old)


def outcome(reader: Callable[[Path], object], path: Path, what: str) -> bool:
    """Whether the file was refused; fails on anything but a clear refusal."""
    try:
        reader(path)
    except HdrPlanError as error:
        message = str(error)
        assert "\n" not in message, what
        assert len(message) < 3000, what
        assert path.name.split(".")[0] in message or path.parent.name in message or "structure" in message, (
            what,
            message,
        )
        return True
    except Exception as error:
        pytest.fail(f"{what}: {type(error).__name__}: {error}")
    return False


@pytest.mark.parametrize("name", READERS)
def test_broken_files_are_refused_or_read(name: str, good: dict[str, bytes], case_folder: Path, tmp_path: Path) -> None:
    source = (case_folder / "case.toml").read_bytes() if name == "case.toml" else good[name]
    seeds = [*range(EACH), *(seed for known, seed in REGRESSIONS if known == name)]
    refused = 0
    for seed in seeds:
        path = (case_folder if name == "case.toml" else tmp_path) / name
        path.write_bytes(mutated(source, zlib.crc32(name.encode()) + seed, text=name in TEXT))
        refused += outcome(READERS[name], path, f"{name}, seed {seed}")
    # A format whose mutants nearly all pass is not looked at closely enough.
    assert refused > EACH // 10


def test_enough_mutants() -> None:
    assert EACH * len(READERS) >= 2000


def test_a_million_dimensions_do_not_hang(good: dict[str, bytes], tmp_path: Path) -> None:
    """ITK loops over NDims before it doubts it: found as a mutant that never came back."""
    path = tmp_path / "ct.mha"
    for number in (b"99999999999999999999", b"4", b"-1", b"3\nNDims = 2000000000"):
        path.write_bytes(good["ct.mha"].replace(b"NDims = 3", b"NDims = " + number))
        assert outcome(read_volume, path, "NDims")


WRONG = ["", "x", "nan", "-1", "0", "1e400", [], ["1", "2"], ["nan"] * 3, b"\xff\xfe", "9" * 40]


@pytest.mark.parametrize("name", ["RP.dcm", "RS.dcm", "RD.dcm", "CT.dcm"])
def test_missing_and_wrong_typed_tags(name: str, good: dict[str, bytes], tmp_path: Path) -> None:
    """Every element of the file in turn: taken out, and given values of the wrong kind."""
    path = tmp_path / name
    path.write_bytes(good[name])
    count = sum(1 for _ in pydicom.dcmread(path).iterall())
    rng = np.random.default_rng(7)
    for k in range(count) if count < 120 else rng.choice(count, 120, replace=False):
        for wrong in (None, WRONG[int(rng.integers(len(WRONG)))]):
            path.write_bytes(good[name])
            data = pydicom.dcmread(path)
            element = list(data.iterall())[int(k)]
            _break(data, element.tag, wrong)
            try:
                data.save_as(path)
            except Exception:  # pydicom itself cannot write this one
                continue
            outcome(READERS[name], path, f"{name}, element {k} ({element.keyword}) = {wrong!r}")


def _break(data: pydicom.Dataset, tag: object, wrong: object) -> None:
    """Change the first element of that tag, wherever it stands."""
    for element in list(data):
        if element.tag == tag:
            if wrong is None:
                del data[element.tag]
            else:
                element._value = wrong  # past pydicom's own checks, as a careless exporter would
            return
        if element.VR == "SQ":
            for item in element.value:
                if any(inner.tag == tag for inner in item.iterall()):
                    _break(item, tag, wrong)
                    return


def test_a_folder_of_broken_files_is_walked_to_its_end(good: dict[str, bytes], tmp_path: Path) -> None:
    for name in ("RP.dcm", "RS.dcm", "RD.dcm", "CT.dcm"):
        for seed in range(20):
            (tmp_path / f"{seed}_{name}").write_bytes(mutated(good[name], seed, text=False))
        (tmp_path / name).write_bytes(good[name])
    files, broken = dicom_files(tmp_path)
    assert {f.path.name for f in files} >= {"RP.dcm", "RS.dcm", "RD.dcm", "CT.dcm"}
    assert broken
