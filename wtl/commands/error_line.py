"""The line that a user reads of an error."""

import errno

# A quota, and a limit of the size of files, are full disks to a user.
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def printable(text: str) -> str:
    """Return one line without escape sequences of terminals, which names may hold."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def describe(error: Exception) -> str:
    """Return an error as one line; the class is named only if it is not ours."""
    if isinstance(error, OSError) and error.errno in _NO_SPACE:
        return "the disk is full; free some space and rerun the command"
    if isinstance(error, BrokenPipeError):
        return "a pipe is closed: the reader of the output, or a worker, has ended"
    # Gin appends the memory address of the function that it called.
    text = " ".join(str(error).partition("\n  In call to configurable")[0].split())
    text = printable(text)
    if type(error).__module__.startswith("wtl."):
        return text
    return f"{type(error).__name__}: {text} (--verbosity=1 shows where)"
