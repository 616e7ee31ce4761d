"""The front, for claimants: sees plaintext in memory during a request, seals it, writes nothing."""
