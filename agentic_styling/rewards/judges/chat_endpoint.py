"""An OpenAI-compatible chat endpoint: its url, its key, and one request."""

import contextlib
import email.utils
import http.client
import ipaddress
import json
import os
import re
import time
import urllib.error
import urllib.request
from typing import NamedTuple
from urllib.parse import urlsplit

from agentic_styling.utils.errors import InputError

TIMEOUT = 120.0  # seconds
LONGEST_WAIT = 60.0  # seconds, even if an endpoint asks to wait longer
MAX_REPLY = 1 << 20  # bytes


class Role(NamedTuple):
    """What a model is used for. name: in messages; url, key: names of environment variables."""

    name: str
    url: str
    key: str


JUDGE = Role("judge", "AGENTIC_STYLING_JUDGE_URL", "AGENTIC_STYLING_JUDGE_KEY")
TEACHER = Role("teacher", "AGENTIC_STYLING_TEACHER_URL", "AGENTIC_STYLING_TEACHER_KEY")
PLANNER = Role("planner", "AGENTIC_STYLING_PLANNER_URL", "AGENTIC_STYLING_PLANNER_KEY")


class Failed(Exception):
    """An attempt without a usable reply.

    again: another attempt may succeed. wait: seconds that the endpoint asks to wait before it.
    refusal: what the endpoint wrote when it refused the request itself. malformed: there was an
    answer, but of another form.
    """

    again, wait, refusal, malformed = True, 0.0, "", False

    def __init__(self, reason: str, **fields):
        super().__init__(reason)
        vars(self).update(fields)


def read_key(role: Role) -> str:
    """The key in the environment. Raises InputError if it is unset or not a valid bearer token."""
    key = os.environ.get(role.key, "").strip()
    if not re.fullmatch(r"[A-Za-z0-9._~+/=:-]+", key):
        problem = "holds characters that no key has" if key else "is not set"
        raise InputError(f"{role.key} {problem}; set it to the key of the {role.name}'s endpoint")
    return key


def checked_url(role: Role, url: str) -> str:
    """The url without a trailing slash; an empty one is read from the environment.

    Raises:
      InputError: it is unset or invalid, or it is plain http to another machine.
    """
    example = f"give url or set {role.url}, as in https://api.openai.com/v1"
    url = url or os.environ.get(role.url, "")
    if not url:
        raise InputError(f"{role.url} is not set; {example}")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    # An invalid url is not shown, as it may be a secret pasted into the wrong variable.
    if not host or parts.scheme not in ("http", "https") or not re.fullmatch(r"[!-~]+", url):
        raise InputError(f"{role.name}: the url is not an http or https address; {example}")
    if "@" in url or parts.query or parts.fragment:
        raise InputError(f"{role.name}: the url holds a user, query or fragment; {example}")
    if parts.scheme == "http" and not _is_this_machine(host):
        raise InputError(
            f"{role.name}: url http://{host} would send the key unencrypted; use https"
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")


def _is_this_machine(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    return False


def post(role: Role, url: str, body: bytes, key: str) -> bytes:
    """The reply to a request. Raises Failed."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    request.add_unredirected_header("Authorization", f"Bearer {key}")
    # Plain http stays on this machine even if the environment names a proxy.
    direct = [urllib.request.ProxyHandler({})] if url.startswith("http:") else []
    try:
        opener = urllib.request.build_opener(_NoRedirects, *direct)
        with opener.open(request, timeout=TIMEOUT) as reply:
            return reply.read(MAX_REPLY)
    except urllib.error.HTTPError as error:
        raise _refusal(role, error) from None
    except (OSError, http.client.HTTPException) as error:
        raise Failed(str(getattr(error, "reason", error)) or type(error).__name__) from None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        """No new request: following a redirect could take the key to another host."""


def _refusal(role: Role, error: urllib.error.HTTPError) -> Failed:
    """The failure of an HTTP status. Only an error's message is read from the body."""
    if 300 <= error.code < 400:
        return Failed(f"status {error.code}, a redirect; give the url it leads to", again=False)
    if error.code in (401, 403):
        return Failed(f"status {error.code}, the key of {role.key} is refused", again=False)
    body = b""
    with error, contextlib.suppress(OSError, http.client.HTTPException):
        body = error.read(MAX_REPLY)
    busy = error.code in (429, 503)
    return Failed(
        f"status {error.code}{_message(body)}",
        again=error.code in (408, 429) or error.code >= 500,
        wait=wait_asked_for(error.headers.get("Retry-After"), time.time()) if busy else 0.0,
        refusal=body.decode("utf-8", "replace") if error.code in (400, 422) else "",
    )


def _message(body: bytes) -> str:
    """The message in an error's JSON: error.message, or "error" or "message" itself."""
    with contextlib.suppress(ValueError, RecursionError):
        reply = json.loads(body)
        error = reply.get("error", reply) if isinstance(reply, dict) else None
        message = error.get("message") if isinstance(error, dict) else error
        return f", {message}" if message and isinstance(message, str) else ""
    return ""


def wait_asked_for(retry_after: str | None, now: float) -> float:
    """Seconds to wait at the time `now`, 0 to LONGEST_WAIT; 0 for an invalid header.

    Source: RFC 9110, section 10.2.3: Retry-After holds seconds or an HTTP date.
    """
    value = (retry_after or "").strip()
    if re.fullmatch("[0-9]+", value):
        return min(float(value), LONGEST_WAIT)
    try:
        date = email.utils.parsedate_tz(value)
        seconds = email.utils.mktime_tz(date) - now if date else 0.0
    except (ValueError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), LONGEST_WAIT)
