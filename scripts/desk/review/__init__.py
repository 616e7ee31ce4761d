"""What reviewers may say about a case, and what follows from it."""
