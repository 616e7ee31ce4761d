"""The claimant-facing room: sees plaintext in memory while a request runs, seals it, and writes nothing."""
