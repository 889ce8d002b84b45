"""The server: what it serves, stores and refuses."""

import http.client
import json
import threading

import pytest

from agentic_styling.evaluation.annotation import AnnotationServer, agreement, page, server
from agentic_styling.utils.errors import InputError
from tests.evaluation.annotation.annotated import darker, ranking, verdict, write_dataset

JSON = {"Content-Type": "application/json"}


class Place:
    """A data set, its page, and a running server; `ask` sends one request."""

    def __init__(self, directory):
        self.dataset = write_dataset(directory / "data")
        self.out = directory / "page"
        self.open()

    def open(self):
        shown = page.write_page(self.dataset, self.out, contexts=1)
        self.server = AnnotationServer(self.out, *shown)
        self.port = self.server.server_address[1]
        self.edits = sorted(shown[1].edits)
        self.context = next(iter(shown[1].contexts))
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def ask(self, method, path, body=None, headers=None):
        """Sends the path unchanged; returns status, headers and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            reply = connection.getresponse()
            return reply.status, reply.headers, reply.read()
        finally:
            connection.close()

    def post(self, row, name="ann", **headers):
        body = row if isinstance(row, bytes) else json.dumps(row).encode()
        return self.ask("POST", f"/answers/{name}", body, JSON | headers)

    def verdict(self, value="pass", name="ann", edit=0):
        return verdict(self.dataset, name, self.edits[edit], value)

    @property
    def answers(self):
        return {path.name: path.read_text() for path in self.out.glob("answers/*")}


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "execute", darker)
    place = Place(tmp_path)
    yield place
    place.close()


def test_the_page_and_its_pictures_are_served(place):
    status, headers, body = place.ask("GET", "/")
    assert status == 200
    assert b'"served": true' in body
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    name = f"pictures/edit-{place.edits[0]}.png"
    status, headers, body = place.ask("GET", f"/{name}")
    assert (status, headers["Content-Type"]) == (200, "image/png")
    assert body == (place.out / name).read_bytes()


def test_it_listens_on_this_machine_only(place):
    assert place.server.server_address[0] == "127.0.0.1"
    assert place.server.url == f"http://127.0.0.1:{place.port}/"


@pytest.mark.parametrize(
    "path",
    [
        "/page.json",
        "/pictures/",
        "/pictures/../page.json",
        "/pictures/%2e%2e/page.json",
        "/../data/trajectories.jsonl",
        "/..%2fdata%2ftrajectories.jsonl",
        "//etc/passwd",
        "/pictures/..\\..\\page.json",
        "/answers/../page",
        "/answers/..%2fpage",
        "/answers/",
        "/answers/a.b",
        "/answers/a%00",
        "/answers/-a",
        f"/answers/{'a' * 41}",
    ],
)
def test_nothing_else_is_served_or_written(place, path):
    (place.out / "page.jsonl").write_text("secret")
    status, _, body = place.ask("GET", path)
    assert status in (400, 404)
    assert set(json.loads(body)) == {"error"}
    status, _, _ = place.ask("POST", path, json.dumps(place.verdict()), JSON)
    assert status in (400, 404)
    assert not place.answers


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:80", "", "127.0.0.2", "[::"]
)
def test_a_foreign_host_is_refused(place, host):
    for method, path in (("GET", "/"), ("GET", "/answers/ann"), ("POST", "/answers/ann")):
        status, _, body = place.ask(
            method, path, json.dumps(place.verdict()), JSON | {"Host": host}
        )
        assert status == 421
        assert b"annotat" not in body
    assert not place.answers


def test_this_machine_is_known_by_both_names_and_through_a_tunnel(place):
    for host in ("localhost", f"localhost:{place.port}", "127.0.0.1:9"):
        assert place.ask("GET", "/", headers={"Host": host})[0] == 200


def test_another_page_cannot_answer(place):
    for origin in ("http://evil.example", "null", f"http://127.0.0.1:{place.port + 1}"):
        assert place.post(place.verdict(), Origin=origin)[0] == 403
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        assert place.post(place.verdict(), **{"Content-Type": kind})[0] == 415
    assert not place.answers
    assert place.post(place.verdict(), Origin=f"http://127.0.0.1:{place.port}")[0] == 200


def test_answers_are_kept_as_lines_that_agreement_reads(place):
    ranks = dict(zip(place.edits, (2, 1, 3), strict=True))
    rows = [place.verdict(), place.verdict("fail", edit=1)]
    rows.append(ranking(place.dataset, "ann", place.context, ranks))
    for row in rows:
        status, _, body = place.post(json.dumps(row, indent=2).encode())
        assert (status, body) == (200, b'{"saved":true}')
    place.post(place.verdict(name="bob"), "bob")
    kept = place.ask("GET", "/answers/ann")[2].decode()
    assert [json.loads(line) for line in kept.splitlines()] == rows
    assert place.answers["ann.jsonl"] == kept
    assert agreement(place.dataset, [place.out])["pass_rate"].count == 3


def test_a_restarted_server_continues_the_files(place):
    place.post(place.verdict())
    place.close()
    with (place.out / "answers/ann.jsonl").open("a") as file:
        file.write('{"torn')  # as a crash leaves it
    place.open()
    place.post(place.verdict("fail", edit=1))
    kept = place.ask("GET", "/answers/ann")[2].splitlines()
    assert [json.loads(line)["verdict"] for line in kept] == ["pass", "fail"]
    assert place.ask("GET", "/answers/bob")[2] == b""


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 60000, b'{"kind": "verdict"}', b"1e999"],
)
def test_bad_answers_are_refused_in_one_line(place, body):
    status, _, reply = place.post(body)
    assert status == 400
    assert "\n" not in json.loads(reply)["error"]
    assert not place.answers


def test_answers_about_other_things_are_refused(place):
    elsewhere = verdict(place.dataset, "ann", "train-0-0", "pass")
    if elsewhere["id"] in place.edits:  # the context that this page does not show
        elsewhere["id"] = "train-1-0"
    for row in (
        elsewhere,
        place.verdict() | {"data": "0"},
        place.verdict(name="bob"),
        place.verdict() | {"annotator": "../ann"},
        place.verdict() | {"verdict": 1},
    ):
        assert place.post(row)[0] == 400
    assert not place.answers


def test_the_size_of_a_body_is_limited(place):
    row = json.dumps(place.verdict())
    assert place.post((row + " " * (server.MAX_BODY - len(row))).encode())[0] == 200
    for length in (server.MAX_BODY + 1, 10**30):
        headers = JSON | {"Content-Length": str(length)}
        assert place.ask("POST", "/answers/cyd", b"{", headers)[0] == 413
    for length in ("-1", "x", "", "²"):
        headers = JSON | {"Content-Length": length.encode("latin-1")}
        assert place.ask("POST", "/answers/cyd", b"", headers)[0] == 411
    assert list(place.answers) == ["ann.jsonl"]


def test_a_link_in_place_of_a_file_of_answers_is_not_followed(place, tmp_path):
    (place.out / "answers").mkdir()
    (tmp_path / "other").write_text("mine\n")
    (place.out / "answers/ann.jsonl").symlink_to(tmp_path / "other")
    assert place.post(place.verdict())[0] == 500
    assert (tmp_path / "other").read_text() == "mine\n"


def test_other_methods_are_refused(place):
    for method in ("PUT", "DELETE", "OPTIONS", "HEAD"):
        assert place.ask(method, "/answers/ann")[0] == 501


def test_a_taken_port_is_reported(place):
    with pytest.raises(InputError, match=f"--port: {place.port}: "):
        AnnotationServer(
            place.out, *page.write_page(place.dataset, place.out, contexts=1), place.port
        )
