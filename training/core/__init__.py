"""Shared by all of training: array types, calibration, facts as JSON, Markdown."""
