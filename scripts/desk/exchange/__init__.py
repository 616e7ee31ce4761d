"""What desks give each other: bundles of their reviewers' work."""
