"""One-shot imitation by a learned embedding of tasks.

Task-embedded control networks, TecNets (James, Bloesch, Davison 2018, "Task-Embedded
Control Networks for Few-Shot Imitation Learning"): demonstrations of one task are
embedded close together and those of others apart, and control is given the embedding.
"""
