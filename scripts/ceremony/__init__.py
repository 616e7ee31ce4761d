"""The reviewers' key ceremony, on the offline workstation."""
