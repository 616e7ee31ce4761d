"""Fuzzing of every reader of untrusted bytes: `make fuzz`, and in short with the other tests."""
