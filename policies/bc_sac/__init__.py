"""Reinforcement learning on one task at a time, from a policy that imitates (SAC)."""
