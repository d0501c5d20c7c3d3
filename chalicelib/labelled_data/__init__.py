"""Labelled images in folders: which class the path of a file shows. Shared by the API and training."""
