"""The world that `simulator.py` serves, for WTL."""

import os

import wtl

wtl.worlds.register(
    wtl.worlds.remote("cart", os.environ.get("CART_ADDRESS", "127.0.0.1:8767"))
)
