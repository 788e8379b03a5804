"""Streams made of pieces by several threads are those that everybody reads."""

import gzip
import zlib

import numpy as np
import pytest

from hdrplan import deflating
from hdrplan.deflating import gzip_stream, zlib_stream


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 25_000])
def test_pieces_are_one_stream(monkeypatch, size):
    monkeypatch.setattr(deflating, "PIECE_BYTES", 1000)
    data = np.random.default_rng(1).integers(0, 4, size).astype(np.uint8).tobytes()
    packed = b"".join(gzip_stream(memoryview(data), level=2))
    assert gzip.decompress(packed) == data
    # One member, which readers that stop at the first end read whole.
    reader = zlib.decompressobj(zlib.MAX_WBITS | 16)
    assert reader.decompress(packed) == data
    assert reader.eof
    assert not reader.unused_data
    assert zlib.decompress(b"".join(zlib_stream(memoryview(data), level=6, strategy=zlib.Z_RLE))) == data


def test_the_bytes_do_not_depend_on_the_threads(monkeypatch):
    monkeypatch.setattr(deflating, "PIECE_BYTES", 1000)
    data = memoryview(np.random.default_rng(2).integers(0, 9, 50_000).astype(np.uint8).tobytes())
    made = []
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("HDRPLAN_THREADS", threads)
        made.append(b"".join(gzip_stream(data, level=2)))
    assert made[0] == made[1] == made[2]
