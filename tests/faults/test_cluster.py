"""A Dask scheduler or worker that dies under ``metrics``: no traceback, finished work kept, a rerun ends well."""

from __future__ import annotations

import csv
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import hdrplan
from demo_case import GRID, write_demo_dicom
from hdrplan.geometry import Grid

distributed = pytest.importorskip("distributed", reason="the optional extra 'cluster' is not installed")
SRC = Path(hdrplan.__file__).parents[1]
BOX = Grid(shape_zyx=(12, 48, 52), origin_mm=GRID.world([0, 0, 0]), spacing_mm=GRID.spacing_mm)
ENV = {**os.environ, "PYTHONPATH": str(SRC), "HDRPLAN_THREADS": "1"}


def started(*arguments: object, cwd: Path, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as stream:
        return subprocess.Popen(
            [sys.executable, "-m", *map(str, arguments)], cwd=cwd, env=ENV, stdout=stream, stderr=stream
        )


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes], list[subprocess.Popen[bytes]]]]:
    """Address, scheduler and one worker, each a process of its own."""
    log = tmp_path / "scheduler.log"
    command = ["distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    scheduler = started(*command, cwd=tmp_path, log=log)
    address = None
    for _ in range(1200):
        match = re.search(r"tcp://127\.0\.0\.1:\d+", log.read_text())
        if match:
            address = match[0]
            break
        time.sleep(0.05)
    assert address, log.read_text()
    command = ["distributed.cli.dask_worker", address, "--no-nanny", "--nthreads", "1", "--no-dashboard"]
    workers = [started(*command, cwd=tmp_path, log=tmp_path / "worker.log")]
    try:
        yield address, scheduler, workers
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()


@pytest.mark.slow
def test_a_scheduler_that_dies_costs_no_finished_work(
    cluster: tuple[str, subprocess.Popen[bytes], list[subprocess.Popen[bytes]]], tmp_path: Path
) -> None:
    address, scheduler, _ = cluster
    for k in range(12):
        write_demo_dicom(tmp_path / "archive" / f"t{k}", box=BOX)
    arguments = ["hdrplan", "metrics", "archive", "-o", "t", "--quiet"]
    run = started(*arguments, "--cluster", address, cwd=tmp_path, log=tmp_path / "run.log")
    journal = tmp_path / "t.partial"
    for _ in range(2400):
        if journal.exists() and len(journal.read_text().splitlines()) > 2:
            break
        assert run.poll() is None, (tmp_path / "run.log").read_text()
        time.sleep(0.05)
    scheduler.send_signal(signal.SIGKILL)
    code = run.wait(timeout=120)
    said = (tmp_path / "run.log").read_text()
    assert "Traceback" not in said, said
    assert code == 2, said
    assert "the Dask scheduler must stay until the end" in said.splitlines()[-1]
    kept = len(journal.read_text().splitlines()) - 1
    assert kept >= 2
    again = started(*arguments, "--jobs", "1", cwd=tmp_path, log=tmp_path / "again.log")
    assert again.wait(timeout=300) == 0, (tmp_path / "again.log").read_text()
    with (tmp_path / "t" / "errors.csv").open() as stream:
        assert list(csv.DictReader(stream)) == []
    assert not journal.exists()
