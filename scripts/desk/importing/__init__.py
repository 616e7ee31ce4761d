"""Opening an export bundle and filing what is in it."""
