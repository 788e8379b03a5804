"""CT series in DICOM: a folder of slices becomes one volume in HU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hdrplan.cautions import Caution, caution
from hdrplan.errors import FormatError, InputError
from hdrplan.geometry import Grid, Volume
from hdrplan.io.dicom.slices import Slice, read_slices, stack_of
from hdrplan.io.dicom.sop_classes import CT_IMAGE, ENHANCED_CT
from hdrplan.io.dicom.tags import Tags, read_tags

__all__ = ["CTSeries", "read_ct_grid", "read_ct_series", "read_ct_slices"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CTSeries:
    """A CT with the identity that other DICOM objects refer to.

    Parameters
    ----------
    volume : Volume
        HU; int16 where the numbers allow it.
    series_uid, study_uid, frame_uid : str
    instance_uids : tuple of str
        One a slice of the volume; empty text where a missing slice was filled.
    header : Tags
        First slice: patient and study tags.
    warnings : tuple of Caution
    """

    volume: Volume
    series_uid: str
    study_uid: str
    frame_uid: str
    instance_uids: tuple[str, ...]
    header: Tags
    warnings: tuple[Caution, ...]


def read_ct_series(folder: Path) -> CTSeries:
    """Read the one CT series of a folder; DICOM files that cannot be read are reported in its warnings.

    Raises
    ------
    InputError
        No CT, or several series (listed).
    FormatError
        As :func:`read_ct_slices`.
    """
    series: dict[str, list[Path]] = {}
    broken: list[str] = []
    for path in sorted(p for p in Path(folder).iterdir() if p.is_file()):
        try:
            tags = read_tags(path, pixels=False)
        except (FormatError, InputError):
            # Other files may lie beside a series; a broken slice at its end would leave no gap to be seen.
            if path.suffix.lower() == ".dcm":
                broken.append(f"one of {path.stat().st_size} bytes")
            continue
        if tags.text("SOPClassUID", "") in (CT_IMAGE, ENHANCED_CT):
            series.setdefault(tags.text("SeriesInstanceUID", ""), []).append(path)
    if len(series) != 1:
        raise InputError(
            "expected one CT series",
            got=", ".join(f"{len(v)} slices of series ...{k[-8:]}" for k, v in series.items()) or "no CT slice",
            where=folder,
            remedy="Put each series into a folder of its own." if series else "",
        )
    ct = read_ct_slices(next(iter(series.values())))
    if not broken:
        return ct
    warning = caution("ct-files-unreadable", count=len(broken), first=broken[0])
    return replace(ct, warnings=(*ct.warnings, warning))


def read_ct_slices(paths: Sequence[Path]) -> CTSeries:
    """Read the slices of one series, sort them along the slice normal, and stack them.

    Slices that are missing at regular distances are filled by linear interpolation and reported; identical duplicates
    are dropped and reported.

    Raises
    ------
    FormatError
        Slices of different size, spacing, orientation or frame; gantry tilt; distances that fit no regular grid;
        different slices at one position; pixel data that cannot be decoded.
    """
    slices = read_slices(paths)
    warnings: list[Caution] = []
    stack = stack_of(slices, warnings, pixels=True)
    header = slices[0].tags
    warnings += _odd_headers(slices)
    return CTSeries(
        volume=Volume(stack.grid(), stack.hu()),
        series_uid=header.text("SeriesInstanceUID", ""),
        study_uid=header.text("StudyInstanceUID", ""),
        frame_uid=header.text("FrameOfReferenceUID", ""),
        instance_uids=stack.uids(),
        header=header,
        warnings=tuple(warnings),
    )


def read_ct_grid(paths: Sequence[Path]) -> Grid:
    """Return the voxels of one series from its headers alone: a tenth of the time.

    Raises
    ------
    FormatError
        As :func:`read_ct_slices`, apart from the pixels.
    """
    return stack_of(read_slices(paths, pixels=False), [], pixels=False).grid()


def _odd_headers(slices: Sequence[Slice]) -> list[Caution]:
    """Say where headers contradict the slices' positions, or one slice is scaled otherwise than the others."""
    odd: list[Caution] = []
    degrees = max((abs(s.tags.number("GantryDetectorTilt", 0.0)) for s in slices), default=0.0)
    # Half a degree shears a stack of 30 cm by less than the 3 mm of a slice.
    if degrees > 0.5 and len(slices) > 1:
        odd.append(caution("ct-tilt-in-header", degrees=degrees))
    scales = [(s.tags.number("RescaleSlope", 1.0), s.tags.number("RescaleIntercept", 0.0)) for s in slices]
    common = max(set(scales), key=scales.count)
    others = [scale for scale in scales if scale != common]
    if others:
        first = f"slope {others[0][0]:g}, intercept {others[0][1]:g} instead of {common[0]:g}, {common[1]:g}"
        odd.append(caution("ct-rescale-differs", count=len(others), of=len(scales), first=first))
    lossy = sum(s.tags.text("LossyImageCompression", "") == "01" for s in slices)
    if lossy:
        odd.append(caution("ct-compressed-with-losses", count=lossy, of=len(slices)))
    return odd
