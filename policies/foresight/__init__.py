"""Foresight: models of the next state, adapted to the last transitions."""
