"""What turns demonstrations and trials into embeddings."""
