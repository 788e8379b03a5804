"""An archive of exported treatments: which plans it holds, with whose structures and dose, under which pseudonym."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hdrplan.errors import FormatError, InputError
from hdrplan.io.dicom.folder import DicomFile
from hdrplan.io.files import json_object
from hdrplan.io.outputs import new_file

__all__ = ["Pseudonyms", "Treatment", "read_key", "treatments_of", "write_key"]


@dataclass(frozen=True, slots=True)
class Treatment:
    """One plan of an archive and the files it needs."""

    plan: Path
    structures: Path | None
    dose: Path | None
    ct: tuple[Path, ...]
    uid: str
    patient_id: str
    warnings: tuple[str, ...]


def treatments_of(files: Sequence[DicomFile]) -> list[Treatment]:
    """Return every brachytherapy plan with the structure set and dose that belong to it.

    By UIDs first; where they lead nowhere (anonymisers break them), by being the only file of its kind beside the plan.
    """
    series: dict[str, list[DicomFile]] = {}
    for file in files:
        if file.kind == "CT":
            series.setdefault(file.series_uid, []).append(file)
    sets = {f.path: f for f in files if f.kind == "RS"}
    doses = [f for f in files if f.kind == "RD"]
    treatments = []
    for plan in (f for f in files if f.kind == "RP"):
        warnings: list[str] = []
        referred, uid = plan.refers_to, plan.uid
        rs = _partner(plan, sets.values(), lambda f, uids=referred: f.uid in uids, warnings)  # type: ignore[misc]
        rd = _partner(plan, doses, lambda f, own=uid: own in f.refers_to, warnings)  # type: ignore[misc]
        slices = [s for uid, s in series.items() if rs is not None and uid in sets[rs].refers_to]
        ct = tuple(f.path for f in slices[0]) if slices else ()
        treatments.append(Treatment(plan.path, rs, rd, ct, plan.uid, plan.patient_id, tuple(warnings)))
    return treatments


def _partner(
    plan: DicomFile, files: Iterable[DicomFile], linked: Callable[[DicomFile], bool], warnings: list[str]
) -> Path | None:
    files = list(files)
    by_uid = [f for f in files if linked(f)]
    if len(by_uid) > 1:
        by_uid = [f for f in by_uid if f.label in ("PLAN", "BRACHY", "FRACTION")] or by_uid
        if len(by_uid) > 1:
            warnings.append(f"{len(by_uid)} files of kind {by_uid[0].kind} refer to the plan; the first is taken")
    if by_uid:
        return by_uid[0].path
    beside = [f for f in files if f.path.parent == plan.path.parent]
    if len(beside) == 1:
        warnings.append(f"the {beside[0].kind} beside the plan is not the one it refers to (UIDs differ)")
        return beside[0].path
    return None


class Pseudonyms:
    """Names for patients and plans that only the holder of the secret can trace back."""

    def __init__(self, secret: bytes, *, identify: bool = False) -> None:
        self._secret, self._identify = secret, identify
        self.known: dict[str, str] = {}

    def patient(self, patient_id: str) -> str:
        """Return the pseudonym of a patient, or the ID itself where identities were asked for."""
        if self._identify:
            return patient_id or "unknown"
        name = f"P-{self._digest('patient', patient_id)}"
        self.known[name] = patient_id
        return name

    def plan(self, uid: str) -> str:
        """Return the pseudonym of a plan."""
        return f"plan-{self._digest('plan', uid)}"

    def _digest(self, kind: str, text: str) -> str:
        return hmac.new(self._secret, f"{kind}\0{text}".encode(), hashlib.sha256).hexdigest()[:10]


def read_key(path: Path | None) -> bytes:
    """Return the secret of a key file; a new one without a file."""
    if path is None or not Path(path).exists():
        return secrets.token_bytes(32)
    table = json_object(Path(path))
    text = table.get("secret")
    try:
        secret = bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError:
        secret = b""
    if table.get("schema") != "hdrplan.key/1" or len(secret) < 16:
        raise FormatError("expected a key file of hdrplan", got="no secret", where=path)
    return secret


def write_key(path: Path, secret: bytes, known: Mapping[str, str]) -> None:
    """Write or extend the key file, readable by its owner alone: keep it apart from the tables."""
    path = Path(path)
    patients = dict(json_object(path).get("patients", {})) if path.exists() else {}
    table = {"schema": "hdrplan.key/1", "secret": secret.hex(), "patients": patients | dict(known)}
    if path.is_symlink():
        raise InputError("the key file must be a plain file", got="a link", where=path)
    with new_file(path) as draft:
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(table, indent=1), encoding="utf-8")
    os.chmod(path, 0o600)
