"""Text read by machine from pictures of a case's files: who said what, and where it was seen."""
