"""WTL: watch a demonstration, try once, learn from both."""

import pathlib

__version__ = "0.2.0.dev0"

# Links are not followed: Bazel lays the folders out as links beside each other.
_ROOT = pathlib.Path(__file__).absolute().parents[1]
if (_ROOT / "datasets" / "contract" / "fields.py").is_file():
    # In a checkout `datasets`, `policies` and `collection` lie beside this folder; an
    # installed wheel has them in it.
    __path__.append(str(_ROOT))
