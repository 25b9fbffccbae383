"""Point robots on a half circle (Rakelly et al., 2019)."""
