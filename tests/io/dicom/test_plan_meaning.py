"""Attributes that change what the numbers of a plan mean: pulses, isotope, units, kinds of treatment, prescription."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pydicom
import pytest

from dicom_twins import channel, item, rt_plan
from hdrplan.errors import FormatError
from hdrplan.io import read_brachy_plan
from hdrplan.plan import doubts_of_source, source_of_brachy

DWELLS = [(0.0, 3.0, 0.0), (5.0, 1.0, -5.0), (10.0, 2.0, -10.0)]
STRENGTH_U, PULSE_S, PULSES = 4000.0, 6.0, 42


def source(**values: Any) -> Any:
    return item(**({"SourceNumber": 1, "SourceIsotopeName": "Ir-192", "ReferenceAirKermaRate": STRENGTH_U} | values))


def pdr(path: Path, *, trak_pulses: int | None, **more: Any) -> Path:
    """A PDR plan of two channels that states kerma and doses of so many pulses; None states no kerma."""
    channels = [
        channel(DWELLS[:2], 4.0, 4.0, NumberOfPulses=PULSES),
        channel([(10.0, 2.0, -10.0)], 2.0, 2.0, NumberOfPulses=PULSES, ChannelNumber=2),
    ]
    setup = item(ApplicationSetupNumber=1, ChannelSequence=channels)
    if trak_pulses is not None:
        setup.TotalReferenceAirKerma = STRENGTH_U * PULSE_S * trak_pulses / 3600.0
    point = item(
        DoseReferenceNumber=3, DoseReferenceDescription="-", DoseReferencePointCoordinates=[0, 30, 0],
        DoseReferenceType="UNSPECIFIED", TargetPrescriptionDose=0.5 * (trak_pulses or 1),
    )  # fmt: skip
    stated = item(ReferencedBrachyApplicationSetupNumber=1, BrachyApplicationSetupDose=0.5 * (trak_pulses or 1))
    group = item(NumberOfFractionsPlanned=1, ReferencedBrachyApplicationSetupSequence=[stated])
    values = {
        "BrachyTreatmentType": "PDR",
        "SourceSequence": [source()],
        "ApplicationSetupSequence": [setup],
        "DoseReferenceSequence": [point],
        "FractionGroupSequence": [group],
    }
    return rt_plan(path, [], **(values | more))


@pytest.mark.parametrize("trak_pulses", [1, PULSES, None], ids=["Oncentra", "BrachyVision", "Oncentra without TRAK"])
def test_pdr_is_read_as_all_pulses_whichever_the_file_states(tmp_path: Path, trak_pulses: int | None) -> None:
    path = pdr(tmp_path / "p.dcm", trak_pulses=trak_pulses, Manufacturer="Nucletron")
    plan = read_brachy_plan(path)
    of_pulse = trak_pulses != PULSES
    assert plan.is_stated_per_pulse is of_pulse
    assert plan.pulses == PULSES
    assert plan.total_time_s == pytest.approx(PULSE_S * PULSES)
    if trak_pulses is not None:
        assert plan.stated_trak_u_s == pytest.approx(plan.trak_u_s, rel=1e-6)
    assert plan.prescription_gy == pytest.approx(0.5 * PULSES)
    assert plan.points[0].dose_gy == pytest.approx(0.5 * PULSES)
    assert ("stated-per-pulse" in {w.id for w in plan.warnings}) is of_pulse
    assert "trak-differs" not in {w.id for w in plan.warnings}


def test_a_kerma_of_neither_one_pulse_nor_all_differs(tmp_path: Path) -> None:
    plan = read_brachy_plan(pdr(tmp_path / "p.dcm", trak_pulses=2, Manufacturer="Nucletron"))
    assert not plan.is_stated_per_pulse
    assert "trak-differs" in {w.id for w in plan.warnings}


@pytest.mark.parametrize(
    ("values", "isotope"),
    [
        ({"SourceIsotopeName": "Co-60", "SourceModelID": "Flexitron"}, "Co-60"),
        ({"SourceIsotopeName": "", "SourceModelID": "Co0.A86", "SourceManufacturer": "SagiNova"}, "Co-60"),
        ({"SourceIsotopeHalfLife": 1925.2, "SourceModelID": "Flexitron"}, "Co-60 (1925.2 d)"),
        ({"SourceIsotopeName": "I-125"}, "I-125"),
        ({"SourceIsotopeName": "", "SourceIsotopeHalfLife": 60.14}, "I-125 (60.14 d)"),
        ({"SourceIsotopeName": "", "SourceDescription": "Yb-169 source"}, "Yb-169"),
        *(
            ({"SourceIsotopeName": name}, isotope)
            for name, isotope in (
                ("Co 60", "Co-60"),
                ("CO_60", "Co-60"),
                ("Co\u201360", "Co-60"),
                ("60Co", "Co-60"),
                ("Caesium 137", "Cs-137"),
                ("cesium-131", "Cs-131"),
                ("Gd153", "Gd-153"),
                ("Sm-145", "Sm-145"),
                ("Ir-194", "Ir-194"),
                ("Xoft Axxent 50 kV", "a source of X-rays"),
            )
        ),
    ],
)
def test_another_isotope_is_refused_by_name(tmp_path: Path, values: dict[str, Any], isotope: str) -> None:
    path = rt_plan(
        tmp_path / "p.dcm",
        [channel(DWELLS, 6.0, 6.0)],
        SpecificCharacterSet="ISO_IR 192",
        SourceSequence=[source(**values)],
    )
    with pytest.raises(FormatError) as refused:
        read_brachy_plan(path)
    assert refused.value.got == isotope
    assert "Ir-192" in str(refused.value)


def test_the_name_of_an_afterloader_of_both_isotopes_does_not_make_iridium_cobalt(tmp_path: Path) -> None:
    machine = item(TreatmentMachineName="SagiNova Co-60 / Ir-192")
    path = rt_plan(
        tmp_path / "p.dcm", [channel(DWELLS, 6.0, 6.0)], SourceSequence=[source()], TreatmentMachineSequence=[machine]
    )
    assert read_brachy_plan(path).source.strength_u == STRENGTH_U


@pytest.mark.parametrize(
    "words", ["IR192", "Ir 192", "192-Ir", "Iridium", "GammaMed 12i", "Ir2.A85-2", "VS 2000, SN 120"]
)
def test_names_of_iridium_sources_are_no_other_isotope(tmp_path: Path, words: str) -> None:
    sources = [source(SourceIsotopeName=words, SourceIsotopeHalfLife=73.83)]
    plan = read_brachy_plan(rt_plan(tmp_path / "p.dcm", [channel(DWELLS, 6.0, 6.0)], SourceSequence=sources))
    assert plan.source.strength_u == STRENGTH_U
    assert "isotope-not-stated" not in {w.id for w in plan.warnings}


def test_an_isotope_that_nothing_states_is_said_to_be_assumed(tmp_path: Path) -> None:
    sources = [source(SourceIsotopeName="", SourceModelID="Flexitron")]
    plan = read_brachy_plan(rt_plan(tmp_path / "p.dcm", [channel(DWELLS, 6.0, 6.0)], SourceSequence=sources))
    assert "isotope-not-stated" in {w.id for w in plan.warnings}


def test_an_hdr_plan_with_pulses_contradicts_itself(tmp_path: Path) -> None:
    plan = read_brachy_plan(pdr(tmp_path / "p.dcm", trak_pulses=1, BrachyTreatmentType="HDR"))
    assert "pulses-of-hdr" in {w.id for w in plan.warnings}


def test_a_channel_without_time_uses_no_source(tmp_path: Path) -> None:
    spare = source(SourceNumber=2, ReferenceAirKermaRate=0)
    idle = channel([(at, 0.0, z) for at, _, z in DWELLS], 0.0, 0.0, ReferencedSourceNumber=2, ChannelNumber=2)
    loaded = channel(DWELLS, 6.0, 6.0)
    plan = read_brachy_plan(rt_plan(tmp_path / "p.dcm", [loaded, idle], SourceSequence=[source(), spare]))
    assert plan.source.strength_u == STRENGTH_U


def test_an_unused_second_source_does_not_stop_a_plan_and_a_used_one_does(tmp_path: Path) -> None:
    spare = source(SourceNumber=2, ReferenceAirKermaRate=0, SourceIsotopeName="Co-60")
    loaded, empty = channel(DWELLS, 6.0, 6.0), channel([], 0.0, 0.0, ReferencedSourceNumber=2, ChannelNumber=2)
    plan = read_brachy_plan(rt_plan(tmp_path / "p.dcm", [loaded, empty], SourceSequence=[spare, source()]))
    assert plan.source.strength_u == STRENGTH_U
    second = source(SourceNumber=2, ReferenceAirKermaRate=3000.0)
    other = channel(DWELLS, 6.0, 6.0, ReferencedSourceNumber=2, ChannelNumber=2)
    with pytest.raises(FormatError, match="several different sources"):
        read_brachy_plan(rt_plan(tmp_path / "q.dcm", [loaded, other], SourceSequence=[source(), second]))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"BrachyTreatmentType": "LDR"}, "BrachyTreatmentType"),
        ({"BrachyTreatmentType": "MANUAL"}, "BrachyTreatmentType"),
        ({"BrachyTreatmentTechnique": "PERMANENT"}, "BrachyTreatmentTechnique"),
        ({"SourceSequence": [source(SourceStrengthUnits="DOSE_RATE_WATER")]}, "SourceStrengthUnits"),
    ],
)
def test_what_the_times_or_the_strength_would_not_mean_is_refused(
    tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    path = rt_plan(tmp_path / "p.dcm", [channel(DWELLS, 6.0, 6.0)], **change)
    with pytest.raises(FormatError, match=says):
        read_brachy_plan(path)


@pytest.mark.parametrize("movement", ["OSCILLATING", "UNIDIRECTIONAL"])
def test_a_source_that_irradiates_on_its_way_is_refused(tmp_path: Path, movement: str) -> None:
    path = rt_plan(tmp_path / "p.dcm", [channel(DWELLS, 6.0, 6.0, SourceMovementType=movement)])
    with pytest.raises(FormatError, match="SourceMovementType"):
        read_brachy_plan(path)
    read_brachy_plan(rt_plan(tmp_path / "q.dcm", [channel(DWELLS, 6.0, 6.0, SourceMovementType="STEPWISE")]))


def of_target(number: int, gy: float, **more: Any) -> Any:
    values = {"DoseReferenceStructureType": "SITE", "DoseReferenceType": "TARGET", "TargetPrescriptionDose": gy}
    return item(DoseReferenceNumber=number, **(values | more))


@pytest.mark.parametrize(
    ("maker", "kind", "stated"),
    [
        ("Nucletron", "UNSPECIFIED", True),
        ("Nucletron", "TARGET", True),
        ("", "UNSPECIFIED", True),
        ("", "TARGET", False),
        ("Varian Medical Systems", "TARGET", False),
    ],
)
def test_what_was_prescribed_at_a_target_point_is_no_dose_that_the_point_got(
    tmp_path: Path, maker: str, kind: str, stated: bool
) -> None:
    """28 Gy in four fractions at a point would fail beside the 7 Gy of one, and beside whatever else it got."""
    place = {"DoseReferenceStructureType": "COORDINATES", "DoseReferencePointCoordinates": [0, 30, 0]}
    point = of_target(1, 28.0, DoseReferenceType=kind, **place)
    path = rt_plan(tmp_path / "p.dcm", [channel(DWELLS, 6.0, 6.0)], Manufacturer=maker, DoseReferenceSequence=[point])
    (read,) = read_brachy_plan(path).points
    assert math.isnan(read.dose_gy) is not stated
    assert (read.dose_from == "TargetPrescriptionDose") is stated


@pytest.mark.parametrize(
    ("setup_gy", "targets", "fractions", "prescription_gy"),
    [
        (7.0, [of_target(1, 28.0)], 4, 7.0),
        (None, [of_target(1, 28.0)], 4, 7.0),
        (0.0, [of_target(1, 20.0)], 1, 20.0),
        (None, [of_target(1, 20.0), of_target(2, 15.0)], 1, math.nan),
        (None, [of_target(1, 20.0, DoseReferenceType="ORGAN_AT_RISK")], 1, math.nan),
        (None, [], 1, math.nan),
    ],
    ids=["setup", "target of all fractions", "setup of 0", "two targets", "organ", "none"],
)
def test_the_prescription_is_that_of_the_target_where_the_setup_states_none(
    tmp_path: Path, setup_gy: float | None, targets: list[Any], fractions: int, prescription_gy: float
) -> None:
    stated = item(ReferencedBrachyApplicationSetupNumber=1)
    if setup_gy is not None:
        stated.BrachyApplicationSetupDose = setup_gy
    group = item(NumberOfFractionsPlanned=fractions, ReferencedBrachyApplicationSetupSequence=[stated])
    path = rt_plan(
        tmp_path / "p.dcm",
        [channel(DWELLS, 6.0, 6.0)],
        FractionGroupSequence=[group],
        **({"DoseReferenceSequence": targets} if targets else {}),
    )
    plan = read_brachy_plan(path)
    assert plan.prescription_gy == pytest.approx(prescription_gy, nan_ok=True)
    taken = not setup_gy and not math.isnan(prescription_gy)
    assert ("prescription-of-target" in {w.id for w in plan.warnings}) is taken


@pytest.mark.parametrize(
    ("words", "name", "assumed"),
    [
        ("Ir2.A85-2", "gi192m11", True),
        ("GI192M11", "gi192m11", False),
        ("Flexitron", "flexisource", True),
        ("Flexisource", "flexisource", False),
        ("microSelectron-HDR v2", "microselectron-v2", False),
        ("GammaMed Plus HDR source 0.9 mm", "gammamed-plus", False),
    ],
)
def test_a_source_that_words_only_suggest_is_said_to_be_assumed(
    tmp_path: Path, words: str, name: str, assumed: bool
) -> None:
    maker = "BEBIG" if "A85" in words else ""
    sequence = [source(SourceModelID=words, SourceManufacturer=maker)]
    plan = read_brachy_plan(rt_plan(tmp_path / "p.dcm", [channel(DWELLS, 6.0, 6.0)], SourceSequence=sequence))
    model = source_of_brachy(plan)
    assert model.name == name
    assert ("source-assumed" in {w.id for w in doubts_of_source(plan, model)}) is assumed


@pytest.mark.shared
def test_real_pdr_of_brachyvision_states_all_pulses_and_of_oncentra_would_state_one(
    shared: Path, tmp_path: Path
) -> None:
    """The same real plan, with kerma and setup dose of one pulse, as Oncentra writes them."""
    path = shared / "data" / "brachy_dicom" / "varian_pdr_RP.dcm"
    whole = read_brachy_plan(path)
    assert not whole.is_stated_per_pulse
    data = pydicom.dcmread(path)
    data.ApplicationSetupSequence[0].TotalReferenceAirKerma = whole.stated_trak_u_s / 3600 / 43
    data.FractionGroupSequence[0].ReferencedBrachyApplicationSetupSequence[0].BrachyApplicationSetupDose = 30.1 / 43
    data.save_as(tmp_path / "RP.dcm")
    pulse = read_brachy_plan(tmp_path / "RP.dcm")
    assert pulse.is_stated_per_pulse
    assert pulse.prescription_gy == pytest.approx(whole.prescription_gy)
    assert pulse.stated_trak_u_s == pytest.approx(whole.stated_trak_u_s)
