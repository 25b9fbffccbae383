"""Requests that no client would make, for tests of servers."""

import socket


def answer(port: int, request: bytes) -> bytes:
    """Return the bytes that a server of this machine sends until it hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=15) as raw:
        raw.sendall(request)
        raw.shutdown(socket.SHUT_WR)
        told = b""
        try:
            while part := raw.recv(4096):
                told += part
        except ConnectionResetError:
            pass
    return told
