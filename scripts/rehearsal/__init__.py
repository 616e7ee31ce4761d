"""A whole drop on one computer: demonstration, benchmarks, and a claimant at a terminal."""
