"""Finding cases, and the derived tables that make finding and listing fast."""
