"""Videos of people as datasets."""
