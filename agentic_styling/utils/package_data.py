"""Tables of words and numbers that the package has as JSON, beside the modules that read them."""

import json
from pathlib import Path


def read_beside(module: str, name: str):
    """What the file `name` beside a module's `__file__` holds."""
    return json.loads(Path(module).with_name(name).read_text(encoding="utf-8"))
