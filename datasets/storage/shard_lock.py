"""Exclusive use of a file by one process, released when that process dies."""

import fcntl
import os
import weakref


class DatasetLockedError(RuntimeError):
    """Another process is using the dataset."""


class ShardLock:
    """Advisory lock that the kernel drops with the process that holds it."""

    def __init__(self, path: str | os.PathLike, what: str):
        """Acquire the lock of `what`; its file is left behind without meaning.

        Raises:
          DatasetLockedError: if another process, or this one, holds it.
        """
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._fd, 32, 0).decode(errors="replace").strip()
            os.close(self._fd)
            raise DatasetLockedError(
                f"{what} is being written by process {holder or 'unknown'}; "
                "wait until it is done or stop it"
            ) from None
        # Only a help for the message, so a full disk may leave it out.
        try:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)
        except OSError:
            pass
        _held.add(self)

    def release(self) -> None:
        """Release the lock; releasing it twice is harmless."""
        if self._fd >= 0:
            # Unlocking also frees it of copies that forked workers still hold.
            fcntl.flock(self._fd, fcntl.LOCK_UN)
            self.forget()

    def __enter__(self) -> "ShardLock":
        return self

    def __exit__(self, *unused_exception) -> None:
        self.release()

    def forget(self) -> None:
        """Close this process's copy, and leave the lock to its other holders."""
        os.close(self._fd)
        self._fd = -1
        _held.discard(self)


_held: "weakref.WeakSet[ShardLock]" = weakref.WeakSet()


def _forget_in_child() -> None:
    # A forked worker shares the lock; were it to outlive a killed parent, the
    # shard would stay locked. Closing its copy leaves the parent's lock as it is.
    for lock in list(_held):
        lock.forget()


os.register_at_fork(after_in_child=_forget_in_child)
