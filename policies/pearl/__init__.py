"""PEARL (Rakelly et al. 2019): off-policy meta-RL with a latent task.

The posterior of the latent variable given the trials so far is a product of Gaussians,
one for each piece of evidence. Each trial is played with one sample of the posterior,
which makes for exploration. Actor and critics are trained off-policy.
"""
