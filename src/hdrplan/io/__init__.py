"""Files: images, catheters, cases, results, DICOM-RT. Only this room reads and writes them.

World coordinates leave this room as LPS in mm, doses as Gy, times as s, strengths as U. Everything that is wrong with
a file is a FormatError or InputError that names the file and the key or tag.
"""

from typing import TYPE_CHECKING

from hdrplan.rooms import loaded_when_used

if TYPE_CHECKING:
    from hdrplan.io.applicators import read_applicator, write_applicator
    from hdrplan.io.archive import Pseudonyms, Treatment, read_key, treatments_of, write_key
    from hdrplan.io.case.catheters import read_catheters
    from hdrplan.io.case.clinical_case import ClinicalChoices, clinical_case
    from hdrplan.io.case.from_dicom import case_of_dicom
    from hdrplan.io.case.import_dicom import ImportChoices, write_imported_case
    from hdrplan.io.case.prepared import write_prepared_case
    from hdrplan.io.case.read import read_anatomy, read_case
    from hdrplan.io.case.references import case_references, case_sha256
    from hdrplan.io.case.roles import DEFAULT_RULES, read_role_rules, roles_of_rois
    from hdrplan.io.case.strength import strength_values
    from hdrplan.io.case.table import CaseFile, case_of_parts, case_of_table
    from hdrplan.io.case.write import write_case, write_source
    from hdrplan.io.cohort import cohort_sha256, read_cohort, write_tables, write_template
    from hdrplan.io.dicom.clinical_plan import ClinicalPlan, read_clinical_plan
    from hdrplan.io.dicom.ct import CTSeries, read_ct_grid, read_ct_series, read_ct_slices
    from hdrplan.io.dicom.dose import DoseGrid, StoredDVH, read_dose_grid
    from hdrplan.io.dicom.export import DicomExport, read_dicom_folder
    from hdrplan.io.dicom.folder import DicomFile, dicom_files, linked_files
    from hdrplan.io.dicom.identity import Identity, identity_of_case, identity_of_ct
    from hdrplan.io.dicom.links import refuse_other_frames
    from hdrplan.io.dicom.patients import Stranger, refusal, warning_of
    from hdrplan.io.dicom.plan import read_brachy_plan
    from hdrplan.io.dicom.planner import read_planner
    from hdrplan.io.dicom.record import read_treatment_record
    from hdrplan.io.dicom.structures import ROI, StructureSet, read_structure_set
    from hdrplan.io.dicom.write_ct import write_ct_series
    from hdrplan.io.dicom.write_dose import write_dose_grid
    from hdrplan.io.dicom.write_dvh import write_dose_with_dvh
    from hdrplan.io.dicom.write_plan import write_brachy_plan
    from hdrplan.io.dicom.write_set import DicomSet, write_dicom_set
    from hdrplan.io.dicom.write_structures import write_structure_set
    from hdrplan.io.doses import DoseUnit, StoredDose, checked_pair, dose_partners, read_dose
    from hdrplan.io.files import joint_sha256, json_entries, sha256, states_of
    from hdrplan.io.image_files import is_image
    from hdrplan.io.images import read_volume, to_sitk, write_volume
    from hdrplan.io.journal import Journal, kept_is_told, open_journal
    from hdrplan.io.label_maps import read_label_map, read_mask, read_names
    from hdrplan.io.literature import read_series
    from hdrplan.io.markups import write_markups, write_traced
    from hdrplan.io.model_runs import read_kept_run, read_media_rules, write_kept_run
    from hdrplan.io.outputs import Output, check_output, new_file, new_folder, other_files, record_beside
    from hdrplan.io.pdf import pdf_browser, write_pdf
    from hdrplan.io.phantoms import packaged_phantom, write_packaged_phantom, write_phantom, write_samples
    from hdrplan.io.plan_files import PlanFile, doubts_of_places, plan_table, read_plan, read_plan_file, write_plan
    from hdrplan.io.point_tables import PointTable, read_dwells_csv, read_points_csv, write_point_doses
    from hdrplan.io.regions import Regions, read_regions
    from hdrplan.io.results import ResultFolder, dose_file, read_dvh, read_results, write_results
    from hdrplan.io.run_record import RunRecord, write_run
    from hdrplan.io.scan import Scan, read_scan
    from hdrplan.io.segmentations import read_segment_names, read_segmentation, write_segmentation
    from hdrplan.io.segmenter import segment
    from hdrplan.io.slicer import write_slicer_set
    from hdrplan.io.sources import read_source
    from hdrplan.io.store import ResultStore
    from hdrplan.io.tables import Table, read_table
    from hdrplan.io.text_form import TextForm
    from hdrplan.io.tolerances import read_tolerances
    from hdrplan.io.traced_errors import read_traced_errors
    from hdrplan.io.transforms import read_transform
    from hdrplan.io.value_files import json_text, write_json, write_rows, write_values

__all__ = [
    "DEFAULT_RULES",
    "ROI",
    "CTSeries",
    "CaseFile",
    "ClinicalChoices",
    "ClinicalPlan",
    "DicomExport",
    "DicomFile",
    "DicomSet",
    "DoseGrid",
    "DoseUnit",
    "Identity",
    "ImportChoices",
    "Journal",
    "Output",
    "PlanFile",
    "PointTable",
    "Pseudonyms",
    "Regions",
    "ResultFolder",
    "ResultStore",
    "RunRecord",
    "Scan",
    "StoredDVH",
    "StoredDose",
    "Stranger",
    "StructureSet",
    "Table",
    "TextForm",
    "Treatment",
    "case_of_dicom",
    "case_of_parts",
    "case_of_table",
    "case_references",
    "case_sha256",
    "check_output",
    "checked_pair",
    "clinical_case",
    "cohort_sha256",
    "dicom_files",
    "dose_file",
    "dose_partners",
    "doubts_of_places",
    "identity_of_case",
    "identity_of_ct",
    "is_image",
    "joint_sha256",
    "json_entries",
    "json_text",
    "kept_is_told",
    "linked_files",
    "new_file",
    "new_folder",
    "open_journal",
    "other_files",
    "packaged_phantom",
    "pdf_browser",
    "plan_table",
    "read_anatomy",
    "read_applicator",
    "read_brachy_plan",
    "read_case",
    "read_catheters",
    "read_clinical_plan",
    "read_cohort",
    "read_ct_grid",
    "read_ct_series",
    "read_ct_slices",
    "read_dicom_folder",
    "read_dose",
    "read_dose_grid",
    "read_dvh",
    "read_dwells_csv",
    "read_kept_run",
    "read_key",
    "read_label_map",
    "read_mask",
    "read_media_rules",
    "read_names",
    "read_plan",
    "read_plan_file",
    "read_planner",
    "read_points_csv",
    "read_regions",
    "read_results",
    "read_role_rules",
    "read_scan",
    "read_segment_names",
    "read_segmentation",
    "read_series",
    "read_source",
    "read_structure_set",
    "read_table",
    "read_tolerances",
    "read_traced_errors",
    "read_transform",
    "read_treatment_record",
    "read_volume",
    "record_beside",
    "refusal",
    "refuse_other_frames",
    "roles_of_rois",
    "segment",
    "sha256",
    "states_of",
    "strength_values",
    "to_sitk",
    "treatments_of",
    "warning_of",
    "write_applicator",
    "write_brachy_plan",
    "write_case",
    "write_ct_series",
    "write_dicom_set",
    "write_dose_grid",
    "write_dose_with_dvh",
    "write_imported_case",
    "write_json",
    "write_kept_run",
    "write_key",
    "write_markups",
    "write_packaged_phantom",
    "write_pdf",
    "write_phantom",
    "write_plan",
    "write_point_doses",
    "write_prepared_case",
    "write_results",
    "write_rows",
    "write_run",
    "write_samples",
    "write_segmentation",
    "write_slicer_set",
    "write_source",
    "write_structure_set",
    "write_tables",
    "write_template",
    "write_traced",
    "write_values",
    "write_volume",
]

__getattr__, __dir__ = loaded_when_used(__name__)
