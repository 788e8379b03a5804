"""An archive of exported treatments: which plans it holds, with whose structures and dose, under which pseudonym."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hdrplan.cautions import Caution, caution
from hdrplan.errors import FormatError, InputError
from hdrplan.io.dicom.folder import DicomFile
from hdrplan.io.dicom.patients import Stranger, strangers_among
from hdrplan.io.files import json_entries
from hdrplan.io.outputs import Output, new_file

__all__ = ["Pseudonyms", "Treatment", "read_key", "treatments_of", "write_key"]

SCHEMA = "hdrplan.key/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """One plan of an archive and the files it needs.

    Parameters
    ----------
    plan : Path
    structures, dose : Path or None
    ct : tuple of Path
        Slices that the structures were drawn on; none where the archive has none.
    uid : str
        Of the plan.
    patient_id : str
        For pseudonyms alone.
    warnings : tuple of Caution
        Where a file is not the one that the plan refers to.
    strangers : tuple of Stranger
        Files of another patient or study.
    """

    plan: Path
    structures: Path | None
    dose: Path | None
    ct: tuple[Path, ...]
    uid: str
    patient_id: str
    warnings: tuple[Caution, ...]
    strangers: tuple[Stranger, ...]


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
        warnings: list[Caution] = []
        drawn = [f for f in sets.values() if f.uid in plan.refers_to]
        structures = _partner(plan, list(sets.values()), drawn, warnings)
        dose = _partner(plan, doses, [f for f in doses if plan.uid in f.refers_to], warnings)
        linked = [s for uid, s in series.items() if structures is not None and uid in sets[structures].refers_to]
        slices = linked[0] if linked else []
        used = [*slices[:1], plan, *(f for f in files if f.path in (structures, dose))]
        treatments.append(
            Treatment(
                plan=plan.path,
                structures=structures,
                dose=dose,
                ct=tuple(f.path for f in slices),
                uid=plan.uid,
                patient_id=plan.patient_id,
                warnings=tuple(warnings),
                strangers=strangers_among(used),
            )
        )
    return treatments


def _partner(
    plan: DicomFile, files: Sequence[DicomFile], linked: Sequence[DicomFile], warnings: list[Caution]
) -> Path | None:
    """Return the file of a kind that is linked to the plan; else the only one beside it, with a warning."""
    if len(linked) > 1:
        # Plan sums first: the single setups add up to them.
        linked = [f for f in linked if f.label in ("PLAN", "BRACHY", "FRACTION")] or linked
        if len(linked) > 1:
            warnings.append(caution("several-partners", count=len(linked), word=linked[0].kind))
    if linked:
        return linked[0].path
    beside = [f for f in files if f.path.parent == plan.path.parent]
    if len(beside) == 1:
        warnings.append(caution("uid-of-partner", word=beside[0].kind))
        return beside[0].path
    return None


class Pseudonyms:
    """Names for patients and plans that only the holder of the secret can trace back."""

    def __init__(self, secret: bytes, *, identify: bool = False) -> None:
        self._secret, self.identify = secret, identify
        self.known: dict[str, str] = {}

    def patient(self, patient_id: str) -> str:
        """Return the pseudonym of a patient, or the ID itself where identities were asked for."""
        if self.identify:
            return patient_id or "unknown"
        name = f"P-{self._digest('patient', patient_id)}"
        self.known[name] = patient_id
        return name

    def planner(self, name: str) -> str:
        """Return the pseudonym of who made a plan, or the name itself where identities were asked for."""
        if not name:
            return "unknown"
        return name if self.identify else f"planner-{self._digest('planner', name)}"

    def of_tag(self, tag: str, value: str) -> str:
        """Return the pseudonym of a patient (PatientID, PatientName) or a study (StudyInstanceUID)."""
        return self.patient(value) if tag.startswith("Patient") else f"S-{self._digest('study', value)}"

    def plan(self, uid: str) -> str:
        """Return the pseudonym of a plan."""
        return self.of_uid("plan", uid)

    def of_uid(self, kind: str, uid: str) -> str:
        """Return the pseudonym of an object of a kind ("plan", "dose")."""
        return f"{kind}-{self._digest(kind, uid)}"

    def _digest(self, kind: str, text: str) -> str:
        return hmac.new(self._secret, f"{kind}\0{text}".encode(), hashlib.sha256).hexdigest()[:10]


def read_key(path: Path | None) -> bytes:
    """Return the secret of a key file; a new one without a file."""
    if path is None or not Path(path).exists():
        return secrets.token_bytes(32)
    entries = json_entries(Path(path))
    entries.choice("schema", (SCHEMA,))
    try:
        secret = bytes.fromhex(entries.text("secret"))
    except ValueError:
        secret = b""
    if len(secret) < 16:
        raise FormatError("expected a key file of hdrplan", got="no secret", where=path)
    return secret


def write_key(path: Path, secret: bytes, known: Mapping[str, str]) -> None:
    """Write or extend the key file, readable by its owner alone: keep it apart from the tables.

    Parameters
    ----------
    path : Path
    secret : bytes
        From :func:`read_key`.
    known : mapping of str to str
        Pseudonym -> patient ID; those of the file stay.

    Raises
    ------
    InputError
        A link stands there.
    """
    path = Path(path)
    patients = json_entries(path).table("patients", {}).values if path.exists() else {}
    table = {"schema": SCHEMA, "secret": secret.hex(), "patients": {**patients, **known}}
    if path.is_symlink():
        raise InputError("the key file must be a plain file", got="a link", where=path)
    with new_file(Output(path=path, overwrite=True, private=True)) as draft:
        draft.write_text(json.dumps(table, indent=1), encoding="utf-8")
