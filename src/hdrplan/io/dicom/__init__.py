"""DICOM-RT, in and out.

Reading begins in ``tags`` (each look typed, each file seen to be whole), ``pixels`` and ``plane``. One object each:
``ct`` with its ``slices``, ``structures``, ``plan`` with its ``channels``, ``dose``. What belongs together is found in
``folder`` and read in ``export`` (all of it) or ``clinical_plan`` (for the second check); ``catheters`` come of both.

Writing begins in ``identity`` (whose, which study, when) and ``objects`` (what every object has). One object each:
``write_ct``, ``write_structures``, ``write_plan``, ``write_dose``; linked as one set in ``write_set``.
"""
