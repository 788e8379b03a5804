"""Broken files: what disks, mail gateways, careless scripts and people with bad intent make of good ones."""

from __future__ import annotations

import re

import numpy as np

NUMBERS = [
    "nan", "NaN", "inf", "-inf", "1e400", "-1", "0", "1e-300", "99999999999999999999", "0x10", '""', "null", "true",
    "[]", "{}", '"text"', "1e308", "-0.0",
]  # fmt: skip
WORDS = [
    "../../../../etc/passwd", "/dev/zero", "\\u0000", "A" * 5000, "<script>", "${HOME}", "🦠", "con", ".", "..", "",
    "a/b/c", "%s%n", "=1+1", "\r\n", "file:///etc/passwd",
]  # fmt: skip


def mutated(good: bytes, seed: int, *, text: bool) -> bytes:
    """Return a broken copy: one to three injuries, all drawn from the seed."""
    rng = np.random.default_rng(seed)
    kinds = (
        (_token, _word, _line, _cut, _flip, _swap) if text else (_cut, _flip, _block, _length, _insert, _swap, _token)
    )
    data = good
    for _ in range(int(rng.integers(1, 4))):
        data = kinds[int(rng.integers(len(kinds)))](data, rng)
    return data


def _at(data: bytes, rng: np.random.Generator) -> int:
    return int(rng.integers(0, max(1, len(data))))


def _cut(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: _at(data, rng)]


def _flip(data: bytes, rng: np.random.Generator) -> bytes:
    broken = bytearray(data)
    for _ in range(int(rng.integers(1, 12))):
        if broken:
            broken[_at(data, rng)] = int(rng.integers(256))
    return bytes(broken)


def _block(data: bytes, rng: np.random.Generator) -> bytes:
    at, size = _at(data, rng), int(rng.integers(1, 200))
    filler = bytes([int(rng.choice([0, 255, 32]))]) * size
    return data[:at] + filler + data[at + size :]


def _length(data: bytes, rng: np.random.Generator) -> bytes:
    """Return the file with some word turned into a huge, odd or negative length."""
    at = _at(data, rng)
    word = [b"\xff\xff\xff\xff", b"\xfe\xff\xff\x7f", b"\x00\x00\x00\x80", b"\x01\x00\x00\x00", b"\x00\x00\x00\x00"]
    return data[:at] + word[int(rng.integers(len(word)))] + data[at + 4 :]


def _insert(data: bytes, rng: np.random.Generator) -> bytes:
    at = _at(data, rng)
    return data[:at] + rng.bytes(int(rng.integers(1, 40))) + data[at:]


def _swap(data: bytes, rng: np.random.Generator) -> bytes:
    """Return the file with one part repeated somewhere else."""
    a, b = sorted((_at(data, rng), _at(data, rng)))
    at = _at(data, rng)
    return data[:at] + data[a : min(b, a + 3000)] + data[at:]


def _token(data: bytes, rng: np.random.Generator) -> bytes:
    """Return the file with one number replaced."""
    found = list(re.finditer(rb"-?\d+\.?\d*", data[:20000]))
    if not found:
        return data[:-1]
    match = found[int(rng.integers(len(found)))]
    return data[: match.start()] + NUMBERS[int(rng.integers(len(NUMBERS)))].encode() + data[match.end() :]


def _word(data: bytes, rng: np.random.Generator) -> bytes:
    """Return the file with one quoted text replaced."""
    found = list(re.finditer(rb'"[^"\n]*"', data))
    if not found:
        return data[1:]
    match = found[int(rng.integers(len(found)))]
    return data[: match.start() + 1] + WORDS[int(rng.integers(len(WORDS)))].encode() + data[match.end() - 1 :]


def _line(data: bytes, rng: np.random.Generator) -> bytes:
    """Return the file with one line missing, twice, or moved to the end."""
    lines = data.split(b"\n")
    at = int(rng.integers(len(lines)))
    line = lines.pop(at)
    choice = int(rng.integers(3))
    return b"\n".join(
        lines if choice == 0 else [*lines, line] if choice == 1 else [*lines[:at], line, line, *lines[at:]]
    )
