"""Exports of results of any size: what they select, their columns, and the service that runs them."""
