"""Pictures of a claimant's files, drawn in a closed room: only pixels come back."""
