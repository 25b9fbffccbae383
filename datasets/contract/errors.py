"""Errors for users: one line that names the fault and the remedy."""


class UserError(Exception):
    """A fault that the user can correct; shown without a traceback."""


class DatasetDamagedError(RuntimeError):
    """A published dataset is damaged."""
