"""One-shot imitation by gradient steps on the demonstration.

Meta-imitation learning, MIL (Finn, Yu, Zhang, Abbeel, Levine 2017, "One-Shot Visual
Imitation Learning via Meta-Learning"): MAML (Finn, Abbeel, Levine 2017) of behaviour
cloning, with the learned step sizes of Meta-SGD (Li, Zhou, Chen, Li 2017).
"""
