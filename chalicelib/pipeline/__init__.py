"""The way of an image from the inbox to its result."""
