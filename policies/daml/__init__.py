"""One-shot imitation of a human's video by gradient.

Domain-adaptive meta-learning, DAML (Yu, Finn, Xie, Dasari, Zhang, Abbeel, Levine 2018,
"One-Shot Imitation from Observing Humans via Domain-Adaptive Meta-Learning"): a policy
takes a gradient step on a video without actions, by a loss that is learned so that the
step makes it do what the video shows.
"""
