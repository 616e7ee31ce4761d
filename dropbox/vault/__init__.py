"""The room that keeps ciphertext: one SQLite file, one socket for the front, one for the courier. It can open nothing."""
