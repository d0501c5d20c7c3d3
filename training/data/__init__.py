"""Labelled images: listing, reading, cleaning, and the split into train, validation and test part."""
