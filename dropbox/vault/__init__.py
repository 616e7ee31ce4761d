"""The vault stores ciphertext that it cannot open, in one SQLite file, behind two sockets."""
