"""UIDs of our own, made of words: the same words, the same UID (2.25 and a UUID, PS3.5 B.2)."""

from __future__ import annotations

import hashlib
import uuid

__all__ = ["new_uid"]

# A name space of our own, so that UIDs made of equal words by other programs differ.
_SPACE = uuid.UUID("5f1f2c1e-9c5f-5d0e-8a53-6f64686470ff")


def new_uid(*words: object) -> str:
    """Return the UID of some words."""
    digest = hashlib.sha256("\0".join(map(str, words)).encode()).hexdigest()
    return f"2.25.{uuid.uuid5(_SPACE, digest).int}"
