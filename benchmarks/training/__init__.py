"""Programs that run in the environment of training, which has torch and matplotlib."""
