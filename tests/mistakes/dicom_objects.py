"""Mistakes in DICOM exports."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
from mistake import Shelf

DICOM = Shelf("DICOM exports")


def edit(path: Path, change: Callable[[Any], None]) -> None:
    data = pydicom.dcmread(path)
    change(data)
    data.save_as(path)


def slices(folder: Path) -> list[Path]:
    return sorted(folder.glob("CT_*.dcm"))


def source(folder: Path, **values: Any) -> None:
    def change(data: Any) -> None:
        for keyword, value in values.items():
            setattr(data.SourceSequence[0], keyword, value)

    edit(folder / "RP.dcm", change)


def vendor(data: Any) -> None:
    """Another planning system: our own exports are never approved, and that is known."""
    data.Manufacturer, data.ManufacturerModelName = "Vendor", "TPS"
    for machine in data.TreatmentMachineSequence:
        machine.Manufacturer = "Vendor"
    for item in data.SourceSequence:
        item.SourceManufacturer = "Vendor"


@DICOM("a rejected plan", warns="plan-not-approved")
def rejected(folder: Path) -> None:
    edit(folder / "RP.dcm", lambda d: setattr(d, "ApprovalStatus", "REJECTED"))


@DICOM("a plan of the TPS that nobody approved", warns="plan-not-approved")
def unapproved(folder: Path) -> None:
    def change(data: Any) -> None:
        vendor(data)
        data.ApprovalStatus = "UNAPPROVED"

    edit(folder / "RP.dcm", change)


@DICOM("a biologically effective dose", refuses="DoseType")
def effective_dose(folder: Path) -> None:
    edit(folder / "RD.dcm", lambda d: setattr(d, "DoseType", "EFFECTIVE"))


@DICOM("the difference of two doses", refuses="DoseType")
def dose_difference(folder: Path) -> None:
    edit(folder / "RD.dcm", lambda d: setattr(d, "DoseType", "ERROR"))


@DICOM("a dose in percent", refuses="DoseUnits")
def relative_dose(folder: Path) -> None:
    edit(folder / "RD.dcm", lambda d: setattr(d, "DoseUnits", "RELATIVE"))


@DICOM("CT of a tilted gantry whose positions were straightened", warns="ct-tilt-in-header")
def tilt_in_header(folder: Path) -> None:
    for path in slices(folder):
        edit(path, lambda d: setattr(d, "GantryDetectorTilt", 12.0))


@DICOM("CT of a tilted gantry", refuses="gantry tilt")
def tilted(folder: Path) -> None:
    for k, path in enumerate(slices(folder)):
        edit(path, lambda d, k=k: d.ImagePositionPatient.__setitem__(1, float(d.ImagePositionPatient[1]) + 0.6 * k))


@DICOM("one slice with another rescale intercept", warns="ct-rescale-differs")
def rescale_of_one(folder: Path) -> None:
    edit(slices(folder)[4], lambda d: setattr(d, "RescaleIntercept", float(d.RescaleIntercept) + 1024))


@DICOM("a slice lost in the export", warns="ct-slices-missing")
def slice_lost(folder: Path) -> None:
    slices(folder)[5].unlink()


@DICOM("a slice of another series of the same patient", refuses="expected one CT series")
def slice_of_another_series(folder: Path) -> None:
    edit(folder / "RS.dcm", _without_references)
    edit(slices(folder)[5], lambda d: setattr(d, "SeriesInstanceUID", "1.2.3.4.5"))


def _without_references(data: Any) -> None:
    data.FrameOfReferenceUID = "1.2.3"
    for frame in data.ReferencedFrameOfReferenceSequence:
        frame.FrameOfReferenceUID = "1.2.3"
        frame.RTReferencedStudySequence[0].RTReferencedSeriesSequence[0].SeriesInstanceUID = "1.2.3"


@DICOM("structures drawn in another frame of reference", refuses="share a frame of reference")
def another_frame(folder: Path) -> None:
    edit(folder / "RS.dcm", _without_references)


@DICOM("a Co-60 plan without a half-life, for an afterloader of both isotopes", refuses="got Co-60")
def cobalt_without_half_life(folder: Path) -> None:
    source(folder, SourceIsotopeHalfLife=None, SourceIsotopeName="Co0.A86", SourceManufacturer="SagiNova")


@DICOM("channels of the afterloader whose numbers the anonymiser emptied", warns="channel-numbers-unclear")
def channels_without_numbers(folder: Path) -> None:
    def change(data: Any) -> None:
        for channel in data.ApplicationSetupSequence[0].ChannelSequence:
            channel.ChannelNumber = None

    edit(folder / "RP.dcm", change)


@DICOM("two catheters on one channel of the afterloader", warns="channel-numbers-unclear")
def one_channel_for_two(folder: Path) -> None:
    def change(data: Any) -> None:
        for channel in data.ApplicationSetupSequence[0].ChannelSequence[:2]:
            channel.ChannelNumber = 1

    edit(folder / "RP.dcm", change)


@DICOM("source axes written from the tip to the hub", warns="channel-orientation-against-dwells")
def orientations_reversed(folder: Path) -> None:
    def change(data: Any) -> None:
        for channel in data.ApplicationSetupSequence[0].ChannelSequence:
            for point in channel.BrachyControlPointSequence:
                point.ControlPointOrientation = [-float(x) for x in point.ControlPointOrientation]

    edit(folder / "RP.dcm", change)


@DICOM("the fraction group of an earlier plan left in the file", warns="fractions-unclear")
def two_fraction_groups(folder: Path) -> None:
    edit(folder / "RP.dcm", lambda d: d.FractionGroupSequence.append(copy.deepcopy(d.FractionGroupSequence[0])))


@DICOM("permanent seeds", refuses="BrachyTreatmentTechnique")
def permanent(folder: Path) -> None:
    edit(folder / "RP.dcm", lambda d: setattr(d, "BrachyTreatmentTechnique", "PERMANENT"))


@DICOM("a strength that is a dose rate in water", refuses="SourceStrengthUnits")
def dose_rate_in_water(folder: Path) -> None:
    source(folder, SourceStrengthUnits="DOSE_RATE_WATER")


@DICOM("a source that moves while it irradiates", refuses="SourceMovementType")
def oscillating(folder: Path) -> None:
    def change(data: Any) -> None:
        data.ApplicationSetupSequence[0].ChannelSequence[0].SourceMovementType = "OSCILLATING"

    edit(folder / "RP.dcm", change)


@DICOM("a structure without a name", warns="roi-without-name")
def nameless(folder: Path) -> None:
    edit(folder / "RS.dcm", lambda d: setattr(d.StructureSetROISequence[1], "ROIName", ""))


@DICOM("a contour that lost a point on its way", warns="contour-points-not-as-stated")
def a_point_lost(folder: Path) -> None:
    def change(data: Any) -> None:
        contour = data.ROIContourSequence[0].ContourSequence[0]
        contour.ContourData = contour.ContourData[:-3]

    edit(folder / "RS.dcm", change)


@DICOM("a structure without contours", warns="roi-without-contours")
def without_contours(folder: Path) -> None:
    edit(folder / "RS.dcm", lambda d: delattr(d.ROIContourSequence[1], "ContourSequence"))


@DICOM("a Co-60 plan", refuses="got Co-60")
def cobalt(folder: Path) -> None:
    source(folder, SourceIsotopeHalfLife=1925.2, SourceIsotopeName="Co-60")


@DICOM("the half-life in hours", refuses="SourceIsotopeHalfLife")
def half_life_in_hours(folder: Path) -> None:
    source(folder, SourceIsotopeHalfLife=1771.9)


@DICOM("a source of other length than the model that its words name", warns="active-length-differs")
def other_length(folder: Path) -> None:
    source(folder, ActiveSourceLength=5.0)


@DICOM("a strength changed after planning: TRAK does not fit", warns="trak-differs")
def strength_changed(folder: Path) -> None:
    source(folder, ReferenceAirKermaRate=20000.0)


@DICOM("a negative strength", refuses="ReferenceAirKermaRate")
def negative_strength(folder: Path) -> None:
    source(folder, ReferenceAirKermaRate=-40700.0)


@DICOM("dose of another plan in the folder", warns="uid-of-partner")
def dose_of_another_plan(folder: Path) -> None:
    edit(folder / "RD.dcm", lambda d: setattr(d.ReferencedRTPlanSequence[0], "ReferencedSOPInstanceUID", "1.2.3"))


@DICOM("two plans in the folder", refuses="expected one brachytherapy plan")
def two_plans(folder: Path) -> None:
    data = pydicom.dcmread(folder / "RP.dcm")
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = "1.2.3.9"
    data.save_as(folder / "RP_2.dcm")


@DICOM("a seed plan", refuses="BrachyTreatmentType")
def seeds(folder: Path) -> None:
    edit(folder / "RP.dcm", lambda d: setattr(d, "BrachyTreatmentType", "LDR"))


def scaling(folder: Path, factor: float) -> None:
    edit(folder / "RD.dcm", lambda d: setattr(d, "DoseGridScaling", float(d.DoseGridScaling) * factor))


@DICOM("a dose whose unit was lost", warns="dose-meaning-not-stated")
def dose_without_unit(folder: Path) -> None:
    edit(folder / "RD.dcm", lambda d: delattr(d, "DoseUnits"))


@DICOM("a dose in cGy that says GY", warns="dose-unusual")
def dose_in_cgy(folder: Path) -> None:
    scaling(folder, 100.0)


@DICOM("a dose that was divided by 100 once more", warns="dose-unusual")
def dose_of_a_hundredth(folder: Path) -> None:
    scaling(folder, 0.01)


@DICOM("a plan for the verification in a phantom", warns="plan-not-clinical")
def verification(folder: Path) -> None:
    edit(folder / "RP.dcm", lambda d: setattr(d, "PlanIntent", "VERIFICATION"))


@DICOM("two structures of one name", warns="roi-name-twice")
def one_name_twice(folder: Path) -> None:
    def change(data: Any) -> None:
        data.StructureSetROISequence[1].ROIName = data.StructureSetROISequence[0].ROIName

    edit(folder / "RS.dcm", change)


@DICOM("one slice with another pixel spacing", refuses="PixelSpacing")
def other_pixel_spacing(folder: Path) -> None:
    edit(slices(folder)[3], lambda d: setattr(d, "PixelSpacing", [float(v) / 2 for v in d.PixelSpacing]))


@DICOM("the time of one channel with its decimal point lost", warns="trak-differs")
def channel_time_tenfold(folder: Path) -> None:
    def change(data: Any) -> None:
        channel = data.ApplicationSetupSequence[0].ChannelSequence[0]
        channel.ChannelTotalTime = float(channel.ChannelTotalTime) * 10

    edit(folder / "RP.dcm", change)


@DICOM("a channel lost in the export", warns="trak-differs")
def channel_lost(folder: Path) -> None:
    def change(data: Any) -> None:
        setup = data.ApplicationSetupSequence[0]
        setup.ChannelSequence = list(setup.ChannelSequence)[1:]

    edit(folder / "RP.dcm", change)


@DICOM("a strength of an earlier source left in the plan", warns="strength-dated-far")
def strength_of_earlier_source(folder: Path) -> None:
    source(folder, SourceStrengthReferenceDate="20200101")
