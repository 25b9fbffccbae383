"""RL² (Duan et al. 2016; Wang et al. 2016): meta-RL by the memory of a policy.

A recurrent policy observes the reward of its last action and keeps its memory from
trial to trial of a task. It is trained on-policy, by PPO, for the sum of the rewards of
all trials.
"""
