"""DICOM: the right frame, the right grey levels, and no identity."""
