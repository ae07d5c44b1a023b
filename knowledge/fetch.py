"""Photos at web addresses that a feed names: fetched only when the shop allows it.

A feed comes from outside, so its addresses may point into the shop's own network. The name is
resolved once, every address it has must be public, and the connection goes to the very address
that was checked: a name that answers differently a second time gains nothing.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from threading import Timer
from time import monotonic
from urllib.parse import urlsplit

SECONDS = 10.0  # for one photo, from the first packet to the last
MOST = 15_000_000  # bytes of one photo

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotFetched(ValueError):
    """A photo was not fetched; the message says why, as the end of a sentence about it."""


def is_public(address: Address) -> bool:
    """Whether an address is anybody's on the internet, and hides no other address within it."""
    if isinstance(address, ipaddress.IPv6Address) and (
        address.ipv4_mapped or address.sixtofour or address.teredo or address in NAT64
    ):
        return False
    return address.is_global and not address.is_multicast


NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def fetch(url: str, allowed: Callable[[Address], bool] = is_public) -> bytes:
    """The bytes at an http(s) address. No redirect is followed, no proxy or cookie used.

    Raises:
        NotFetched: The address is not `allowed`, cannot be reached, or answers something else than
            200 with at most 15 MB within 10 seconds.
    """
    stop = monotonic() + SECONDS
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        host = (parts.hostname or "").encode("idna").decode()
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        path.encode("ascii")
    except (KeyError, ValueError) as error:
        raise NotFetched("it is no http(s) address") from error
    if not host or parts.username is not None:
        raise NotFetched("it is no http(s) address")
    with _connected(host, port, allowed) as connected, connected.dup() as twin:
        # A server that sends a byte now and then never runs into the timeout of one read.
        clock = Timer(max(0.0, stop - monotonic()), _cut, [twin])
        clock.start()
        connection = http.client.HTTPConnection(host, port)
        try:
            connection.sock = connected
            if parts.scheme == "https":
                context = ssl.create_default_context()
                connection.sock = context.wrap_socket(connected, server_hostname=host)
            connection.request("GET", path, headers={"Accept": "image/*"})
            answer = connection.getresponse()
            if answer.status != 200:
                raise NotFetched(f"the server answered {answer.status}")
            body = answer.read(MOST + 1)
            if monotonic() > stop:
                raise TimeoutError
        except (OSError, http.client.HTTPException) as error:
            if monotonic() > stop or isinstance(error, TimeoutError):
                raise NotFetched(f"it took more than {SECONDS:g} seconds") from error
            raise NotFetched(f"it cannot be fetched ({type(error).__name__})") from error
        finally:
            clock.cancel()
            connection.close()
    if len(body) > MOST:
        raise NotFetched(f"it has more than {MOST / 1e6:.0f} MB")
    return body


def _cut(connection: socket.socket) -> None:
    """End a connection under whoever reads from it."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _connected(host: str, port: int, allowed: Callable[[Address], bool]) -> socket.socket:
    """A connection to the first address of `host`, if each one it has is allowed."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for *_, place in found:
            if not allowed(ipaddress.ip_address(str(place[0]).partition("%")[0])):
                raise NotFetched("it is not a public address")
        family, kind, protocol, _, place = found[0]
        connected = socket.socket(family, kind, protocol)
        connected.settimeout(SECONDS)
        try:
            connected.connect(place)
        except OSError:
            connected.close()
            raise
        return connected
    except (OSError, UnicodeError) as error:
        raise NotFetched(f"it cannot be reached ({type(error).__name__})") from error
