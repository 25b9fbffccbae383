"""RL² (Duan et al. 2016; Wang et al. 2016): learning as the memory of a policy.

A recurrent policy feels the reward of its last action and keeps its memory from trial
to trial of a task; what is to be learnt within a task, it has learnt to remember. It
is trained on-policy, by PPO, for the reward of all trials together.
"""
