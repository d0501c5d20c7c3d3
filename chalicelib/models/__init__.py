"""Models: their packages, where they run, and which one classifies."""
