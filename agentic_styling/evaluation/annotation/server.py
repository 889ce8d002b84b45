"""The annotation page served to the browsers of this machine only.

It listens on 127.0.0.1 and refuses a Host that is not this machine's (DNS rebinding) and an Origin
that is not the page's own. It serves only the page and its pictures, looked up by exact name. Only
valid answers are stored; they are flushed to disk before they are confirmed.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from agentic_styling.data import Trajectory
from agentic_styling.evaluation.annotation.answers import (
    NAME,
    NAMES,
    Subjects,
    append_answer,
    parse_answer,
)
from agentic_styling.evaluation.annotation.page import edit_name, render, source_name
from agentic_styling.utils.errors import InputError

LOOPBACK = "127.0.0.1"
MAX_BODY = 64 * 1024
_HERE = frozenset({LOOPBACK, "localhost"})


class AnnotationServer(ThreadingHTTPServer):
    """Serves the page of a directory on 127.0.0.1; `url` is its address."""

    daemon_threads = True

    def __init__(self, directory, shown: list[Trajectory], known: Subjects, port: int = 0):
        """Binds the port, or a free one for 0; directory, shown, known: of `write_page`.

        Raises InputError if the port is taken or not allowed.
        """
        self.directory, self.known = Path(directory), known
        self.page = render(shown, known, served=True).encode()
        names = {source_name(t.context_id) for t in shown} | {edit_name(t.id) for t in shown}
        self.pictures = {f"/pictures/{name}": self.directory / "pictures" / name for name in names}
        self.writing = threading.Lock()
        try:
            super().__init__((LOOPBACK, port), _Handler)
        except OSError as error:
            raise InputError(f"--port: {port}: {error.strerror}; give another") from None

    def handle_error(self, request, client_address):
        """Ignores browsers that disconnect early."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{LOOPBACK}:{self.server_address[1]}/"


class _Refused(Exception):
    """A refused request: the HTTP status and a one-line reason."""

    def __init__(self, status: int, why: str):
        super().__init__(why)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    server: AnnotationServer
    server_version, sys_version = "agentic-styling", ""
    timeout = 30  # seconds, of an idle connection

    def do_GET(self):
        self._answer(self._get)

    def do_POST(self):
        self._answer(self._post)

    def log_message(self, *_):
        """Does not log requests, of which there is one per picture."""

    def _answer(self, act) -> None:
        try:
            self._check_sender()
            kind, body = act(self.path.partition("?")[0])
            self._send(200, kind, body)
        except _Refused as refused:
            body = json.dumps({"error": str(refused)}).encode()
            self._send(refused.status, "application/json", body)

    def _check_sender(self) -> None:
        hosts = self.headers.get_all("Host") or []
        try:
            here = len(hosts) == 1 and urlsplit(f"//{hosts[0]}").hostname in _HERE
        except ValueError:
            here = False
        if not here:
            raise _Refused(421, "Host is not this machine; open the printed address")
        origin = self.headers.get("Origin")
        if origin is not None and origin != f"http://{hosts[0]}":
            raise _Refused(403, "Origin is another page; answer on the annotation page")

    def _get(self, path: str) -> tuple[str, bytes]:
        if path in ("/", "/index.html"):
            return "text/html; charset=utf-8", self.server.page
        if path in self.server.pictures:
            try:
                return "image/png", self.server.pictures[path].read_bytes()
            except OSError:
                raise _Refused(404, "the picture is missing; run annotate again") from None
        file = self._file(path)
        return "application/x-ndjson; charset=utf-8", file.read_bytes() if file.exists() else b""

    def _post(self, path: str) -> tuple[str, bytes]:
        file = self._file(path)
        # A form on another site cannot send this type without a preflight request.
        if self.headers.get_content_type() != "application/json":
            raise _Refused(415, "Content-Type is not application/json")
        line = self._body()
        try:
            answer = parse_answer(line, "answer", self.server.known)
        except InputError as error:
            raise _Refused(400, str(error)) from None
        if answer.annotator != file.stem:
            raise _Refused(400, f"annotator={answer.annotator!r} is not {file.stem!r}")
        # Written as one line, whatever white space it had.
        line = json.dumps(json.loads(line), separators=(",", ":")).encode()
        try:
            with self.server.writing:
                append_answer(file, line)
        except OSError as error:
            raise _Refused(500, f"the answer could not be saved ({error.strerror})") from None
        return "application/json", b'{"saved":true}'

    def _file(self, path: str) -> Path:
        """The file of answers for the path /answers/NAME."""
        name = path.removeprefix("/answers/")
        if not path.startswith("/answers/"):
            raise _Refused(404, "no such page")
        if not NAME.fullmatch(name):
            raise _Refused(400, f"annotator: use {NAMES}")
        return self.server.directory / "answers" / f"{name}.jsonl"

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise _Refused(411, "Content-Length is missing")
        if len(length) > 9 or int(length) > MAX_BODY:
            self.close_connection = True
            raise _Refused(413, f"the answer is longer than {MAX_BODY} bytes")
        return self.rfile.read(int(length))

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": len(body),
            "Cache-Control": "no-store",
            "Content-Security-Policy": "frame-ancestors 'none'",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)
