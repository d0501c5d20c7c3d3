"""Processes images, from the inbox to their results."""
