"""DICOM-RT, in and out."""
