"""Pictures of a claimant's files, drawn where nothing can be reached: only pixels return."""
