"""Our package `datasets`, where TFDS puts another in its place.

While `tfds build PATH` imports a builder, `datasets` is a stand-in for Hugging Face's
package of that name, and nothing of ours could be imported.
"""

import contextlib
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def restored() -> Iterator[None]:
    """Makes `from datasets import ...` mean ours, whoever imports the importer."""
    found = sys.modules.get("datasets")
    is_stand_in = found is not None and not hasattr(found, "__path__")
    if is_stand_in:
        del sys.modules["datasets"]
    try:
        yield
    finally:
        if is_stand_in:
            sys.modules["datasets"] = found
