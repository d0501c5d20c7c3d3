"""The whole system on one machine: an AWS emulator, the deployed app, and page and API on one origin."""
