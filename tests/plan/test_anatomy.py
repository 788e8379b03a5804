"""The table of names: roles, obstacles and checks of anatomy agree on what a structure is."""

from __future__ import annotations

import pytest

from hdrplan.plan import anatomy_of

# Classes of TotalSegmentator: total and total_mr, liver_vessels, liver_segments, liver_lesions, lung_vessels, body.
TOTAL = {
    "organ": "spleen kidney_right kidney_left pancreas adrenal_gland_right adrenal_gland_left thyroid_gland "
    "urinary_bladder prostate kidney_cyst_left kidney_cyst_right brain",
    "gallbladder": "gallbladder",
    "bowel": "stomach esophagus small_bowel duodenum colon",
    "lung": "lung_upper_lobe_left lung_lower_lobe_left lung_upper_lobe_right lung_middle_lobe_right "
    "lung_lower_lobe_right trachea lung_left lung_right lung_vessels lung_trachea_bronchia",
    "bone": "sacrum vertebrae_S1 vertebrae_L5 vertebrae_T12 vertebrae_C1 humerus_left scapula_right clavicula_left "
    "femur_left hip_right skull sternum costal_cartilages rib_left_1 rib_right_12 vertebrae intervertebral_discs "
    "tibia fibula",
    "heart": "heart atrial_appendage_left heart_myocardium heart_atrium_left heart_ventricle_right",
    "great vessel": "aorta pulmonary_vein brachiocephalic_trunk subclavian_artery_right common_carotid_artery_left "
    "brachiocephalic_vein_left superior_vena_cava inferior_vena_cava portal_vein_and_splenic_vein iliac_artery_left "
    "iliac_vena_right pulmonary_artery",
    "liver vessel": "liver_vessels hepatic_vessel vessels hepatic_vein Leber_Gefässe Lebervenen",
    "spinal cord": "spinal_cord",
    "other": "liver liver_segment_1 liver_segment_8 body body_trunc body_extremities skin",
}
CLINIC = {
    "bone": "Rippe_7re Wirbelsäule Ribs Bone_Pelvic côtes",
    "bowel": "Dickdarm Dünndarm Magen Bowel_Small Colon_Sigmoid Rektum Zwölffingerdarm estomac",
    "lung": "Lunge_re Lungs Lung_L poumon_droit Pleura",
    "great vessel": "V_cava Pfortader A_hepatica_communis_aneurysm Milzvene VCI",
    "gallbladder": "Gallenblase BileDuct_Common vésicule_biliaire",
    "heart": "Herz Pericardium Perikard cœur",
    "spinal cord": "SpinalCord Myelon Rückenmark",
    "organ": "Niere_li Kidney_R Milz Pankreas Nebenniere_re Diaphragm Zwerchfell",
    "other": "Leber Brustwand",
}


@pytest.mark.parametrize("names", [TOTAL, CLINIC], ids=["TotalSegmentator", "clinics"])
def test_names_say_what_a_needle_would_hit(names: dict[str, str]) -> None:
    wrong = {
        name: None if (row := anatomy_of(name)) is None else row.tissue
        for tissue, text in names.items()
        for name in text.split()
        if (row := anatomy_of(name)) is None or row.tissue != tissue
    }
    assert wrong == {}


@pytest.mark.parametrize("name", ["ring_5mm", "gluteus_maximus_left", "autochthon_right", "iliopsoas_left", "Marker 1"])
def test_other_names_are_none(name: str) -> None:
    assert anatomy_of(name) is None
