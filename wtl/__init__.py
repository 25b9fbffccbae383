"""WTL: watch a demonstration, try once, learn from both."""

__version__ = "0.1.0"
