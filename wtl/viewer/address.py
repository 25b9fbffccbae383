"""Address of the viewer on this machine, by default."""

PORT = 8766
URL = f"http://127.0.0.1:{PORT}/"
