"""Worlds whose environments run in another process, over dm_env_rpc."""
