"""HTML built from elements: every string is escaped unless it is markup already."""

from html import escape

VOID = frozenset({"br", "circle", "img", "line", "meta", "polyline", "rect"})


class Markup(str):
    """Text that is safe to place in a page as it stands."""

    __slots__ = ()


def text(value: object) -> Markup:
    """Any value as page text, with the characters that HTML reads as its own escaped."""
    return value if isinstance(value, Markup) else Markup(escape(str(value)))


def join(children: object) -> Markup:
    """Strings, markup, None (nothing) and nested sequences of them, one after the other."""
    if children is None:
        return Markup()
    if isinstance(children, list | tuple):
        return Markup("".join(map(join, children)))
    return text(children)


def tag(name: str, /, *children: object, **attributes: object) -> Markup:
    """One element. `class_` and `for_` lose the underscore, `aria_label` becomes aria-label.

    An attribute that is None or False is left out; True stands without a value.
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
