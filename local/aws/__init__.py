"""An AWS emulator: ministack, with its gaps closed."""
