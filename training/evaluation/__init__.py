"""Measuring models: metrics, comparison, decision."""
