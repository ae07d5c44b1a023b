"""Photos at web addresses: only public ones, one connection, no redirects, bounded."""

import ipaddress
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from knowledge import fetch as fetching
from knowledge.fetch import NotFetched, fetch, is_public
from knowledge.load import read_documents
from knowledge.types import Document, Skipped


class Photos(BaseHTTPRequestHandler):
    asked: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path == "/drip":  # a head that never ends, never long silent
            self.send_response(200)
            self.flush_headers()
            for _ in range(50):
                threading.Event().wait(0.05)
                self.wfile.write(b"X-More: x\r\n")
            return
        self.send_response({"/moved": 302, "/gone": 404}.get(self.path, 200))
        self.send_header("Location", "/photo")
        self.end_headers()
        self.wfile.write(b"x" * (20_000 if self.path == "/large" else 5))
        if self.path == "/slow":
            for _ in range(50):
                threading.Event().wait(0.05)
                self.wfile.write(b"x")
                self.wfile.flush()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Photos) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def anything(address: object) -> bool:
    return True


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.1", "239.1.1.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1",
        "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "2002:7f00:1::",
        "64:ff9b::7f00:1",
    ],
)  # fmt: skip
def test_what_is_not_public(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.215.14", "2606:4700:4700::1111"])
def test_what_is_public(address):
    assert is_public(ipaddress.ip_address(address))


def test_a_photo_is_fetched_where_it_is_allowed(server):
    assert fetch(f"{server}/photo?size=1", anything) == b"xxxxx"
    assert Photos.asked[-1] == "/photo?size=1"


def test_loopback_is_refused_unasked(server):
    before = len(Photos.asked)
    port = server.rpartition(":")[2]
    for host in ("127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "[::ffff:7f00:1]"):
        with pytest.raises(NotFetched, match=r"not a public address|cannot be reached"):
            fetch(f"http://{host}:{port}/photo")
    assert len(Photos.asked) == before


def test_no_redirect_is_followed(server):
    before = len(Photos.asked)
    with pytest.raises(NotFetched, match="answered 302"):
        fetch(f"{server}/moved", anything)
    assert Photos.asked[before:] == ["/moved"]


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://shop.example/a.jpg", "//shop.example/a.jpg", "http://", "",
        "http://user@127.0.0.1/", "http://127.0.0.1:99999/", "http://[::1/", "http://a/ü\r\nX: y",
    ],
)  # fmt: skip
def test_what_is_no_address(url):
    with pytest.raises(NotFetched, match="no http"):
        fetch(url, anything)


def test_too_much_too_slow_and_gone(server, monkeypatch):
    with pytest.raises(NotFetched, match="answered 404"):
        fetch(f"{server}/gone", anything)
    monkeypatch.setattr(fetching, "MOST", 10_000)
    with pytest.raises(NotFetched, match="more than"):
        fetch(f"{server}/large", anything)
    monkeypatch.setattr(fetching, "SECONDS", 0.5)
    for path in ("slow", "drip"):
        with pytest.raises(NotFetched, match="took more"):
            fetch(f"{server}/{path}", anything)


def test_a_name_is_resolved_once_and_all_its_addresses_are_judged(server, monkeypatch):
    port = int(server.rpartition(":")[2])
    asked = []

    def resolve(host, port, **_):  # first a public address, then the shop's own machine
        asked.append(host)
        places = [("8.8.8.8", port), ("127.0.0.1", port)]
        return [(2, 1, 6, "", place) for place in places]

    monkeypatch.setattr(fetching.socket, "getaddrinfo", resolve)
    with pytest.raises(NotFetched, match="not a public"):
        fetch(f"http://shop.example:{port}/photo")
    assert asked == ["shop.example"]


def test_a_feed_fetches_only_when_it_is_told_how(tmp_path):
    row = {"id": "m", "title": "Mug", "photos": ["https://shop.example/mug.jpg"]}
    (tmp_path / "feed.jsonl").write_text(json.dumps(row))
    mug, skipped = read_documents(tmp_path)
    assert isinstance(skipped, Skipped) and "1 photos at web addresses left out" in skipped.reason
    assert isinstance(mug, Document) and not mug.photos
    (mug,) = read_documents(tmp_path, lambda url: f"/kept/{url[-7:]}")
    assert isinstance(mug, Document) and mug.photos == ("/kept/mug.jpg",)

    def refused(url: str) -> str:
        raise NotFetched("it is not a public address")

    skipped, mug = read_documents(tmp_path, refused)
    assert isinstance(skipped, Skipped) and skipped.reason.endswith("it is not a public address")
