"""PEARL (Rakelly et al. 2019): infer what the task is, and act as if it were that.

A latent variable stands for the task; its posterior given the trials so far is a
product of Gaussians, one for each piece of evidence. Each trial is played for one draw
from the posterior, which makes for exploration, and actor and critic learn off-policy.
"""
