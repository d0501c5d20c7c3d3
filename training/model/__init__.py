"""The network: how it is built, trained, calibrated and exported."""
