"""Dose-volume histograms of any stored dose and any structures."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hdrplan.cautions import Caution, caution, each_once
from hdrplan.dose import Region
from hdrplan.errors import HdrPlanError, InputError, among
from hdrplan.geometry import Outline, Structure, Volume
from hdrplan.io import DoseUnit, Regions, StoredDose, StoredDVH, checked_pair, read_dose, read_regions
from hdrplan.workflow.dvh_beside import BesideDVH, beside_dvhs, dvhs_doubted, some_of
from hdrplan.workflow.dvh_structure import structure_dvh
from hdrplan.workflow.dvh_values import DVHOptions, StructureDVH
from hdrplan.workflow.steps import StepProgress, Steps

__all__ = ["DVHResult", "DosePair", "dvh", "dvh_of_pair", "read_pair"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DosePair:
    """A dose with the structures that it is asked about.

    Parameters
    ----------
    dose : StoredDose
    regions : Regions
    files : mapping of str to Path
        "dose" and "structures".
    warnings : tuple of Caution
    """

    dose: StoredDose
    regions: Regions
    files: Mapping[str, Path]
    warnings: tuple[Caution, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DVHResult:
    """The DVHs of one dose.

    Parameters
    ----------
    structures : tuple of StructureDVH
        In the order of the file.
    left_out : tuple of (str, str)
        Structures without a DVH, and why.
    facts : tuple of (str, str)
        What was read and how, in words.
    options : DVHOptions
    warnings : tuple of Caution
    beside : tuple of BesideDVH
        What the DVHs in the file of the dose say of these structures.
    """

    structures: tuple[StructureDVH, ...]
    left_out: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str], ...]
    options: DVHOptions
    warnings: tuple[Caution, ...]
    beside: tuple[BesideDVH, ...] = ()

    def __getitem__(self, name: str) -> StructureDVH:
        """Return the DVH of a structure.

        Raises
        ------
        InputError
            None of that name.
        """
        for structure in self.structures:
            if structure.name == name:
                return structure
        raise InputError(f"no structure is named {name!r}", remedy=among(name, (s.name for s in self.structures)))


def dvh(
    dose: str | os.PathLike[str] | Volume,
    structures: str | os.PathLike[str] | Sequence[Region],
    options: DVHOptions | None = None,
    *,
    unit: DoseUnit | None = None,
    names: str | os.PathLike[str] | None = None,
    only: Sequence[str] = (),
    accept_other_patient: bool = False,
) -> DVHResult:
    """Compute the dose-volume histograms of structures in a dose, with the errors of the computation.

    Parameters
    ----------
    dose : path or Volume
        RT Dose, NIfTI, NRRD or MetaImage; or a dose in Gy.
    structures : path or sequence of Outline and Structure
        RT Structure Set, DICOM Segmentation, ``.seg.nrrd``, label map, mask or folder of masks.
    options : DVHOptions, optional
        Metrics, and how structures are read between slices and at their ends.
    unit : {"Gy", "cGy"}, optional
        Of a dose image, which does not state it.
    names : path, optional
        JSON file of names for a label map.
    only : sequence of str
        Structures to compute; all where it is empty.
    accept_other_patient : bool
        Take files of different patients or frames of reference, with a warning.

    Returns
    -------
    DVHResult

    Raises
    ------
    InputError, FormatError
        Files that cannot be read or do not belong together, a name that is none.

    Examples
    --------
    >>> import numpy as np
    >>> import hdrplan
    >>> from hdrplan.geometry import Grid, Structure, Volume
    >>> grid = Grid(shape_zyx=(20, 20, 20), origin_mm=[0, 0, 0], spacing_mm=[2, 2, 2])
    >>> dose = Volume(grid, np.full((20, 20, 20), 12.0))
    >>> mask = np.zeros((20, 20, 20), dtype=bool)
    >>> mask[5:15, 5:15, 5:15] = True
    >>> cube = Structure(name="cube", role="OAR", grid=grid, mask_zyx=mask)
    >>> result = hdrplan.dvh(dose, [cube])
    >>> round(result["cube"].volume_cc, 6), round(result["cube"].metric("D95").value, 6)
    (8.0, 12.0)
    """
    if isinstance(dose, Volume) or not isinstance(structures, str | os.PathLike):
        pair = _in_memory(dose, structures, unit, names)
    else:
        pair = read_pair(
            Path(dose),
            Path(structures),
            unit=unit,
            names=None if names is None else Path(names),
            accept_other_patient=accept_other_patient,
        )
    return dvh_of_pair(pair, options or DVHOptions(), only=only)


def _in_memory(
    dose: str | os.PathLike[str] | Volume,
    structures: str | os.PathLike[str] | Sequence[Region],
    unit: DoseUnit | None,
    names: str | os.PathLike[str] | None,
) -> DosePair:
    """Return a pair of which at least one is no file."""
    if isinstance(dose, Volume):
        stored = StoredDose(volume=dose, kind="dose in Gy")
    elif not isinstance(dose, str | os.PathLike):
        raise InputError(
            "a dose is a file or a Volume",
            got=type(dose).__name__,
            remedy="Doses and volumes of points, as arrays, are taken by hdrplan.metrics.dvh.",
        )
    else:
        stored = read_dose(Path(dose), unit=unit)
    if isinstance(structures, str | os.PathLike):
        regions = read_regions(Path(structures), names=None if names is None else Path(names))
    else:
        regions = Regions(regions=tuple(structures), left_out=(), kind="structures")
    return DosePair(dose=stored, regions=regions, files={}, warnings=(*stored.warnings, *regions.warnings))


def read_pair(
    dose: Path,
    structures: Path,
    *,
    unit: DoseUnit | None = None,
    names: Path | None = None,
    accept_other_patient: bool = False,
) -> DosePair:
    """Read a dose and structures, and see that they belong together.

    Parameters
    ----------
    dose, structures : Path
    unit, names, accept_other_patient
        As for :func:`dvh`.

    Raises
    ------
    InputError, FormatError
        As :func:`dvh`.
    """
    stored = read_dose(dose, unit=unit)
    regions = read_regions(structures, names=names)
    notes = checked_pair(stored, regions, accept=accept_other_patient, where=structures)
    return DosePair(
        dose=stored,
        regions=regions,
        files={"dose": dose, "structures": structures},
        warnings=(*stored.warnings, *regions.warnings, *notes),
    )


def dvh_of_pair(
    pair: DosePair, options: DVHOptions, *, only: Sequence[str] = (), on_progress: StepProgress | None = None
) -> DVHResult:
    """Compute the DVHs of a pair.

    Parameters
    ----------
    pair : DosePair
    options : DVHOptions
    only : sequence of str
        Structures to compute; all where it is empty.
    on_progress : callable, optional
        Called with (step, done, total).

    Raises
    ------
    InputError
        A name in ``only`` that is none, no structure that has a DVH.
    """
    regions = _wanted(pair.regions, only)
    structures: list[StructureDVH] = []
    left_out = [row for row in pair.regions.left_out if not only or row[0] in only]
    # Only masks are blurred, which leaves memory in the threads; to give it back takes 1 ms of a contour's 15.
    has_masks = any(isinstance(region, Structure) for region in regions)
    with Steps(on_progress, gives_back=has_masks)("structures") as progress:
        for k, region in enumerate(regions):
            try:
                structures.append(structure_dvh(region, pair.dose.volume, options))
            except HdrPlanError as error:
                left_out.append((region.name, str(error)))
            progress(k + 1, len(regions))
    if not structures:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out[:3])
        raise InputError("no structure has a DVH", got=reasons or "no structure")
    if all(structure.curve is None for structure in structures):
        raise InputError(
            "a structure must lie in the dose grid",
            got=f"{len(structures)} structures outside of it",
            remedy="Are dose and structures of one treatment?",
        )
    notes = [*pair.warnings, *(note for structure in structures for note in structure.warnings)]
    notes += _at_full_scale(structures, pair.dose.full_scale_gy)
    if left_out:
        without = [f"{name} ({reason})" for name, reason in left_out]
        notes.append(caution("structures-without-dvh", names=some_of(without)))
    beside = beside_dvhs(_own_dvhs(pair), pair.regions.numbers, structures, options)
    notes += dvhs_doubted(beside)
    return DVHResult(
        structures=tuple(structures),
        left_out=tuple(left_out),
        facts=_facts(pair, structures),
        options=options,
        warnings=each_once(notes),
        beside=beside,
    )


def _own_dvhs(pair: DosePair) -> tuple[StoredDVH, ...]:
    """Return the DVHs that came with the dose, where they are of these structures."""
    same = bool(pair.regions.uid) and pair.dose.structures_uid == pair.regions.uid
    return pair.dose.dvhs if same else ()


def _at_full_scale(structures: Sequence[StructureDVH], top_gy: float | None) -> list[Caution]:
    """Doubt structures that reach where the dose tops out."""
    if top_gy is None:
        return []
    notes = []
    for s in structures:
        # Between a voxel at the top and one below it the dose is not known either; float32 rounds.
        if s.curve is not None and s.curve.max_gy >= top_gy * (1 - 1e-6):
            share = float(s.curve.volume_at_gy(top_gy * (1 - 1e-6))) / s.volume_cc
            notes.append(caution("dvh-at-full-scale", name=s.name, share=share, top_gy=top_gy))
    return notes


def _wanted(regions: Regions, only: Sequence[str]) -> list[Outline | Structure]:
    known = {region.name: region for region in regions.regions}
    missing = [name for name in only if name not in known]
    if missing:
        raise InputError(
            f"no structure is named {missing[0]!r}",
            got=dict(regions.left_out).get(missing[0]),
            remedy=among(missing[0], known),
        )
    return [known[name] for name in only] if only else list(regions.regions)


def _facts(pair: DosePair, structures: Sequence[StructureDVH]) -> tuple[tuple[str, str], ...]:
    grid = pair.dose.volume.grid
    spacing = " x ".join(f"{mm:.3g}" for mm in grid.spacing_mm)
    shape = " x ".join(str(n) for n in grid.shape_zyx[::-1])
    return (
        ("Dose", pair.dose.kind),
        ("Dose grid", f"{shape} voxels of {spacing} mm, linear between their centres, nothing beyond"),
        ("Structures", pair.regions.kind),
        ("Between slices", "; ".join(dict.fromkeys(s.between for s in structures))),
        ("Ends", "; ".join(dict.fromkeys(s.ends for s in structures))),
        ("Points", f"about {max(s.points for s in structures)} a structure, and on surfaces"),
    )
