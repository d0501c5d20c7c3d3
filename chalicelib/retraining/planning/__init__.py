"""The plan of a retraining, and how it is made."""
