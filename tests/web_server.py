"""Web servers that behave in every way that servers do, for tests."""

import contextlib
import functools
import http.server
import pathlib
import re
import threading
import time
import urllib.parse


class Manners:
    """Behaviour of a server, and what it was asked for.

    Attributes:
      ranges: whether it gives parts of files.
      cut_after: bytes after which it drops a connection; None for never.
      cuts_left: how often it does so.
      corrupt: name of a file of which it flips a byte in the middle.
      missing: name of a file that it says is not there.
      bytes_per_second: how slow it is; 0 for not at all.
      redirect: address that it redirects to; empty for none.
      slow_headers: whether its headers never end.
      asked: the paths and, as a proxy, the addresses that it was asked for.
      sent: bytes of content that were sent, by file name.
    """

    def __init__(self, ranges: bool = True):
        self.ranges = ranges
        self.cut_after: int | None = None
        self.cuts_left = 0
        self.corrupt = self.missing = self.redirect = ""
        self.slow_headers = False
        self.asked: list[str] = []
        self.bytes_per_second = 0
        self.sent: dict[str, int] = {}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, *args, root: pathlib.Path, manners: Manners, **kwargs):
        self._root, self._manners = root, manners
        super().__init__(*args, **kwargs)

    def do_CONNECT(self):
        self._manners.asked.append(self.path)
        self.send_error(403)

    def do_GET(self):
        manners = self._manners
        manners.asked.append(self.path)
        # A proxy is asked for whole addresses.
        name = urllib.parse.urlsplit(self.path).path.lstrip("/")
        path = self._root / name
        if manners.redirect:
            self.send_response(302)
            self.send_header("Location", f"{manners.redirect}/{name}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if manners.slow_headers:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
            with contextlib.suppress(OSError):
                while manners.slow_headers:
                    self.wfile.write(b"A")
                    time.sleep(0.05)
            return
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
