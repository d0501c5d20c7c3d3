"""Batches: runs that classify archived images, or classify images again with a newer model."""
