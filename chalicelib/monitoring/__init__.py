"""Monitors models in production."""
