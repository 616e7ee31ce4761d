"""Text that a machine read in a case's files: who said what, and where it was seen."""
