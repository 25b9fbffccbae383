"""One-shot imitation by a learned embedding of tasks.

Task-embedded control networks, TecNets (James, Bloesch, Davison 2018, "Task-Embedded
Control Networks for Few-Shot Imitation Learning"): a margin loss embeds demonstrations
of one task close together and those of others apart; the policy is given the embedding.
"""
