"""Fuzzing every reader of untrusted bytes: `make fuzz`, and briefly with the other tests."""
