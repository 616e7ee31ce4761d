"""Answers on their way to claimants."""
