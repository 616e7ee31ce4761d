"""What the tests share and is not itself a test."""
