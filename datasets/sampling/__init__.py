"""Drawing of training examples from stored episodes."""
