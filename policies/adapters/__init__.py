"""Adaptation to the last transitions of an episode, while it is under way.

A task is a slice of time: the last M transitions adapt a model, which is trained to
predict the K that follow (Nagabandi et al. 2019, "Learning to Adapt in Dynamic,
Real-World Environments through Meta-Reinforcement Learning", arXiv 1803.11347). A
policy keeps the transitions in its state, so that nothing else needs to know of them.

`transition_window` keeps them. `gradient` (GrBAL's update) and, with the encoders of
`recurrence` (ReBAL's) and `context`, `regression.EncodedRegression` adapt to them: they
are regressions of one interface, `regression.AdaptiveRegression`. Models of the next
state use the first two, those of commands given motions all three.
"""
