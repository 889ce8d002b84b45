"""HTML out of templates and elements: every string is escaped unless it is markup already."""

import base64
import hashlib
import re
from html import escape
from pathlib import Path
from string import Template

VOID = frozenset({"br", "circle", "img", "line", "meta", "polyline", "rect"})


class Markup(str):
    """Text that is placed in a page unescaped."""

    __slots__ = ()


def join(children: object) -> Markup:
    """Strings, markup, None (nothing) and nested sequences of these, concatenated."""
    if children is None or isinstance(children, Markup):
        return children or Markup()
    if isinstance(children, list | tuple):
        return Markup("".join(map(join, children)))
    return Markup(escape(str(children)))


def tag(name: str, /, *children: object, **attributes: object) -> Markup:
    """One element, such as tag("p", "text", class_="note").

    Args:
      name: the element's name.
      *children: what it holds, see `join`.
      **attributes: a trailing underscore is dropped (`class_`), the others become hyphens
        (`aria_label`). None and False leave the attribute out; True writes it without a value.
    """
    written = ""
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        written += f" {key}" if value is True else f' {key}="{escape(str(value))}"'
    if name in VOID:
        return Markup(f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{join(children)}</{name}>")


def fill(template: str, **parts: object) -> Markup:
    """A template with each $name replaced by a part, see `join`."""
    return Markup(Template(template).substitute({name: join(part) for name, part in parts.items()}))


def read_template(module: str, name: str) -> str:
    """The text of templates/NAME beside a module's `__file__`."""
    return (Path(module).parent / "templates" / name).read_text(encoding="utf-8")


def read_fragments(module: str, name: str) -> dict[str, str]:
    """The templates of a file by the comments above them; a line break beside a tag is no space."""
    text = re.sub(r"(?<=>)\n+|\n+(?=<)", "", read_template(module, name)).replace("\n", " ")
    _, *pieces = re.split(r"<!-- (\w+) -->", text)
    return dict(zip(pieces[::2], pieces[1::2], strict=True))


def script_source(script: str) -> str:
    """The Content-Security-Policy directive that allows this inline script and no other.

    Even if generated text escaped the escaping, nothing else could run or load.
    """
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"script-src 'sha256-{digest}'"
