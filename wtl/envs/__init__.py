"""The simulated worlds: the gripper's table with its five families, and the reacher."""
