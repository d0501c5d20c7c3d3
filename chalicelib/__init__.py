"""Negatoscope: the code that Lambdas, training and deployment share.

Imports run one way; tests/unit/test_layers.py holds the order of the packages.
"""

VERSION = "0.2.0"

DISCLAIMER = "Not for clinical use. Negatoscope assists; it never diagnoses."
