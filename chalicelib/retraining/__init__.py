"""Retraining: what the steps of the state machine do, and what people can ask of it."""
