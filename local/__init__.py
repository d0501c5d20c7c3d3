"""The whole system on one machine: the AWS emulator, the deployed app, and page and API on one origin."""
