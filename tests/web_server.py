"""Web servers that behave in every way that servers do, for tests."""

import contextlib
import functools
import http.server
import pathlib
import re
import threading
import time


class Manners:
    """Behaviour of a server, and what it was asked for.

    Attributes:
      ranges: whether it gives parts of files.
      cut_after: bytes after which it drops a connection; None for never.
      cuts_left: how often it does so.
      corrupt: name of a file of which it flips a byte in the middle.
      missing: name of a file that it says is not there.
      bytes_per_second: how slow it is; 0 for not at all.
      sent: bytes of content that were sent, by file name.
    """

    def __init__(self, ranges: bool = True):
        self.ranges = ranges
        self.cut_after: int | None = None
        self.cuts_left = 0
        self.corrupt = self.missing = ""
        self.bytes_per_second = 0
        self.sent: dict[str, int] = {}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, *args, root: pathlib.Path, manners: Manners, **kwargs):
        self._root, self._manners = root, manners
        super().__init__(*args, **kwargs)

    def do_GET(self):
        manners = self._manners
        path = self._root / self.path.lstrip("/")
        if not path.is_file() or path.name == manners.missing:
            self.send_error(404)
            return
        data = bytearray(path.read_bytes())
        if path.name == manners.corrupt:
            data[len(data) // 2] ^= 1
        start = 0
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked and manners.ranges:
            start = int(asked[1])
            self.send_response(206)
            last = len(data) - 1
            self.send_header("Content-Range", f"bytes {start}-{last}/{len(data)}")
        else:
            self.send_response(200)
        body = bytes(data[start:])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut = None
        if manners.cuts_left and len(body) > (manners.cut_after or 0):
            manners.cuts_left -= 1
            cut = manners.cut_after
        step = manners.bytes_per_second // 50 or 1 << 16
        with contextlib.suppress(OSError):
            for at in range(0, len(body[:cut]), step):
                piece = body[:cut][at : at + step]
                self.wfile.write(piece)
                sent = manners.sent.get(path.name, 0)
                manners.sent[path.name] = sent + len(piece)
                if manners.bytes_per_second:
                    time.sleep(0.02)
        if cut is not None:
            time.sleep(0.5)  # A client drops what it has not read when one breaks off.
            self.close_connection = True

    def log_message(self, *unused):
        pass


@contextlib.contextmanager
def serving(root: pathlib.Path, manners: Manners):
    """Serves a folder; gives the address."""
    handler = functools.partial(_Handler, root=root, manners=manners)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
