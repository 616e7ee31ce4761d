"""What the desk shows: tables and text for people, JSON for programs."""
