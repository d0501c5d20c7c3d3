"""Labelled images: where they come from, what is wrong with them, and who trains, validates and tests."""
