"""Reinforcement learning of one task by SAC, from a policy that imitates."""
