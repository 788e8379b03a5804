"""Files, the only room that reads and writes them: images, catheters, cases, results, DICOM-RT.

World coordinates leave this room as LPS in mm, doses as Gy, times as s, strengths as U. Everything that is wrong with
a file is a FormatError or InputError that names the file and the key or tag.
"""

from hdrplan.io.cases import CaseFile, case_of_table, read_case
from hdrplan.io.catheters import read_catheters
from hdrplan.io.cohort import cohort_sha256, read_cohort, write_csv, write_tables, write_template, write_text_table
from hdrplan.io.files import check_free, json_value, new_file, new_folder, sha256
from hdrplan.io.images import read_label_map, read_mask, read_names, read_segmentation, read_volume, write_volume
from hdrplan.io.phantoms import write_phantom
from hdrplan.io.point_tables import PointTable, read_dwells_csv, read_points_csv, write_point_doses
from hdrplan.io.result_folders import ResultFolder, read_result_folder
from hdrplan.io.results import json_text, read_plan, run_record, write_plan, write_results
from hdrplan.io.sources import read_source
from hdrplan.io.store import ResultStore
from hdrplan.io.tables import Table, read_table

__all__ = [
    "CaseFile",
    "PointTable",
    "ResultFolder",
    "ResultStore",
    "Table",
    "case_of_table",
    "check_free",
    "cohort_sha256",
    "json_text",
    "json_value",
    "new_file",
    "new_folder",
    "read_case",
    "read_catheters",
    "read_cohort",
    "read_dwells_csv",
    "read_label_map",
    "read_mask",
    "read_names",
    "read_plan",
    "read_points_csv",
    "read_result_folder",
    "read_segmentation",
    "read_source",
    "read_table",
    "read_volume",
    "run_record",
    "sha256",
    "write_csv",
    "write_phantom",
    "write_plan",
    "write_point_doses",
    "write_results",
    "write_tables",
    "write_template",
    "write_text_table",
    "write_volume",
]
