"""Reading published datasets into arrays."""
