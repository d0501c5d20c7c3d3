"""Negatoscope: what runs inside the Lambdas. Logic imports no boto3; AWS lives in the adapters."""

VERSION = "0.1.0"

DISCLAIMER = "Not for clinical use. Negatoscope assists; it never diagnoses."
