"""Deploys a stage to an AWS account, operates it, and destroys it."""
