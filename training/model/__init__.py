"""The network: building, training, calibration and export."""
