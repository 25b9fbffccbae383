"""One-shot imitation of a human video by gradient.

Domain-adaptive meta-learning, DAML (Yu, Finn, Xie, Dasari, Zhang, Abbeel, Levine 2018,
"One-Shot Imitation from Observing Humans via Domain-Adaptive Meta-Learning"): a policy
takes a gradient step on a video without actions, by a meta-learned loss.
"""
