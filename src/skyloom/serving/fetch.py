"""A URL fetched only where that is allowed, and never from a private address.

A name is resolved once, every address it stands for must be public, and the connection goes to that very address: a
name that changes its mind in between (DNS rebinding) gains nothing. Redirects are followed by the same rules, a few.
No proxy, no cookies, no credentials in URLs; http and https on their own ports.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import SplitResult, urljoin, urlsplit

from skyloom.serving.uploads import InvalidUpload

PORTS = {"http": 80, "https": 443}
REDIRECTS = 3
SECONDS = 20.0
CHUNK = 1 << 16
CLOSED = [
    ipaddress.ip_network(block)
    for block in ("100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "fec0::/10", "3fff::/20", "5f00::/16")
]
"""Blocks that are not the open internet's, though some Pythons' `is_global` says so."""


def fetch(url: str, target: Path, *, allowed: bool, max_bytes: int = 200 << 20, seconds: float = SECONDS) -> Path:
    """Write what a URL holds to `target` and return it. Raises InvalidUpload, and leaves nothing then."""
    if not allowed:
        raise InvalidUpload("url_not_allowed", "This server fetches no URLs; send the file, or a data: URL.")
    until = time.monotonic() + seconds
    try:
        for _ in range(REDIRECTS + 1):
            onward = _once(url, target, max_bytes, until)
            if onward is None:
                return target
            url = urljoin(url, onward)
    except (OSError, http.client.HTTPException, ValueError) as error:
        target.unlink(missing_ok=True)
        raise InvalidUpload("url_unreachable", f"The URL cannot be fetched: {type(error).__name__}.") from error
    except InvalidUpload:
        target.unlink(missing_ok=True)
        raise
    raise InvalidUpload("url_unreachable", f"The URL leads on more than {REDIRECTS} times.")


def public_address(host: str, port: int) -> str:
    """Return an address to connect to for a host. Raises InvalidUpload if any that it has is not public."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise InvalidUpload("url_unreachable", "The URL's host has no address.") from None
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses or not all(is_public(address) for address in addresses):
        raise InvalidUpload("url_not_allowed", "The URL leads to an address that is not public.")
    return addresses[0]


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the open internet's."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None) or _nat64(ip)
        if inner is not None:
            return is_public(str(inner))
    closed = any(ip in block for block in CLOSED if block.version == ip.version)
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified or closed)


def _nat64(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address inside 64:ff9b::/96."""
    return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in ipaddress.ip_network("64:ff9b::/96") else None


def checked_url(url: str) -> SplitResult:
    """Return a URL's parts. Raises InvalidUpload for other schemes and ports, and for names with passwords."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidUpload("url_not_allowed", "The URL cannot be read.") from None
    if parts.scheme not in PORTS or not parts.hostname or port not in (None, PORTS[parts.scheme]):
        raise InvalidUpload("url_not_allowed", "Only http and https URLs at their usual ports are fetched.")
    if parts.username is not None or parts.password is not None:
        raise InvalidUpload("url_not_allowed", "A URL with a user name is not fetched.")
    if any(ord(letter) <= 32 or ord(letter) == 127 for letter in url):
        raise InvalidUpload("url_not_allowed", "The URL cannot be read.")
    return parts


def _once(url: str, target: Path, max_bytes: int, until: float) -> str | None:
    """Fetch one URL; return where it leads on to, or None when its content is in `target`."""
    parts = checked_url(url)
    host = str(parts.hostname)
    address = public_address(host, PORTS[parts.scheme])
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with _connected(parts.scheme, host, address, until) as connection:
        connection.request("GET", path, headers={"Accept": "image/*, video/*", "User-Agent": "skyloom"})
        with connection.getresponse() as response:
            if response.status in (301, 302, 303, 307, 308) and response.getheader("location"):
                return response.getheader("location")
            if response.status != 200:
                raise InvalidUpload("url_unreachable", f"The URL answers {response.status}.")
            _copy(response, target, max_bytes)
    _left(until)  # what was cut by then may look like an end
    return None


@contextmanager
def _connected(scheme: str, host: str, address: str, until: float) -> Generator[http.client.HTTPConnection]:
    """Connect to the checked address; the certificate must still be the host's. When time is up the line is cut."""
    connection = http.client.HTTPConnection(host, PORTS[scheme])
    with socket.create_connection((address, PORTS[scheme]), _left(until)) as raw, raw.dup() as line:
        clock = threading.Timer(_left(until), _cut, [line])
        clock.daemon = True
        clock.start()
        try:
            secure = ssl.create_default_context().wrap_socket if scheme == "https" else None
            connection.sock = secure(raw, server_hostname=host) if secure else raw
            yield connection
        finally:
            clock.cancel()
            connection.close()


def _cut(line: socket.socket) -> None:
    """End a connection that another thread reads from: a server may send a byte a second, for ever."""
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def _copy(response: http.client.HTTPResponse, target: Path, max_bytes: int) -> None:
    """Copy a body, up to a size."""
    size = 0
    with target.open("wb") as out:
        while chunk := response.read1(CHUNK):
            size += len(chunk)
            if size > max_bytes:
                raise InvalidUpload("file_too_large", f"The file has more than {max_bytes} bytes.")
            out.write(chunk)


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("too slow")
    return left
