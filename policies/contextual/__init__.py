"""One-shot imitation and its relatives: a policy conditioned on episodes.

Which episodes it is shown makes the method, see `wtl.policies.methods`.
"""
