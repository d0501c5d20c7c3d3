"""The state machine of a retraining: its definition, and the picture of it in the documentation."""
