"""Contract of all packages: field names, metadata, specs, errors, seeds."""
