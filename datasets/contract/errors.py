"""Errors that people meet: one line that says what is wrong and what to do."""


class UserError(Exception):
    """Something the user can put right; shown without a traceback."""
