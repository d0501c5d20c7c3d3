"""Puts a stage into an AWS account, changes it, and takes it away."""
