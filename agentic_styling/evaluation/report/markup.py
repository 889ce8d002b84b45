"""HTML built from elements: every string is escaped unless it is markup already."""

import base64
import hashlib
from html import escape

VOID = frozenset({"br", "circle", "img", "line", "meta", "polyline", "rect"})


class Markup(str):
    """Text that is placed in a page unescaped."""

    __slots__ = ()


def text(value: object) -> Markup:
    """Any value as page text, with HTML's special characters escaped."""
    return value if isinstance(value, Markup) else Markup(escape(str(value)))


def join(children: object) -> Markup:
    """Strings, markup, None (nothing) and nested sequences of these, concatenated."""
    if children is None:
        return Markup()
    if isinstance(children, list | tuple):
        return Markup("".join(map(join, children)))
    return text(children)


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


def script_source(script: str) -> str:
    """The Content-Security-Policy directive that allows this inline script and no other.

    Even if generated text escaped the escaping, nothing else could run or load.
    """
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"script-src 'sha256-{digest}'"
