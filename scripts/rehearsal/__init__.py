"""The whole drop on one computer: the demonstration, the benchmarks, and a claimant at a terminal."""
