"""The defined terms of code strings that results may contain (DICOM PS3.3).

All other values are dropped, because a name may have been typed into these elements.
"""

MODALITIES = frozenset({
    "ANN", "AR", "ASMT", "AU", "BDUS", "BI", "BMD", "CFM", "CR", "CT", "CTPROTOCOL", "DG", "DMS", "DOC",
    "DX", "ECG", "EEG", "EMG", "EOG", "EPS", "ES", "FID", "GM", "HC", "HD", "IO", "IOL", "IVOCT",
    "IVUS", "KER", "KO", "LEN", "LS", "M3D", "MG", "MR", "NM", "OAM", "OCT", "OP", "OPM", "OPT", "OPTBSV",
    "OPTENF", "OPV", "OSS", "OT", "PA", "PLAN", "POS", "PR", "PT", "PX", "REG", "RESP", "RF", "RG",
    "RTDOSE", "RTIMAGE", "RTINTENT", "RTPLAN", "RTRAD", "RTRECORD", "RTSEGANN", "RTSTRUCT", "RWV",
    "SEG", "SM", "SMR", "SR", "SRF", "STAIN", "TEXTUREMAP", "TG", "US", "VA", "XA", "XAPROTOCOL", "XC",
})  # fmt: skip
"""C.7.3.1.1.1, without the retired ones."""

LATERALITIES = frozenset("LRUB")
"""C.7.3.1 and C.8.11.7: left, right, unpaired, both."""

VIEW_POSITIONS = frozenset({
    "AP", "PA", "LL", "RL", "RLD", "LLD", "RLO", "LLO",
    "CC", "ML", "MLO", "LM", "LMO", "FB", "SIO", "ISO", "XCC", "XCCL", "XCCM",
})  # fmt: skip
"""C.8.1.1.1, and the mammography codes of PS3.16 CID 4014."""

WINDOWS = frozenset({
    "NORMAL", "HARDER", "SOFTER", "WINDOW1", "WINDOW2", "WINDOW3", "USER", "DEFAULT", "LINEAR LUT", "FULL",
    "ABDOMEN", "ANGIO", "BONE", "BRAIN", "BREAST", "CARDIAC", "CHEST", "HEAD", "IMPLANT", "LIVER", "LUNG",
    "MEDIASTINUM", "NECK", "PELVIS", "SKIN", "SOFT TISSUE", "SPINE", "STROKE", "SUBDURAL", "TISSUE",
})  # fmt: skip
"""Common values of WindowCenterWidthExplanation (C.11.2.1.2), for which the standard defines none."""
