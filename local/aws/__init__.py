"""An AWS emulator: ministack with patches."""
