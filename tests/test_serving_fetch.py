"""URLs: not unless allowed, and never to where only this machine can reach."""

import contextlib
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from skyloom.serving import fetch as module
from skyloom.serving.fetch import checked_url, fetch, is_public, public_address
from skyloom.serving.uploads import InvalidUpload

PRIVATE = [
    "127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::", "192.0.2.1", "198.18.0.1",
    "192.0.0.8", "192.88.99.1", "fec0::1", "64:ff9b:1::7f00:1", "::7f00:1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_known(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_known(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://a.example/x", "http://a.example:8080/", "http://u:p@a.example/", "http://", "gopher://x",
        "http://a.example/a b", "http://a.example/\r\nHost: b", "http://[::1", "https://a.example:80/", "//a.example",
    ],
)  # fmt: skip
def test_odd_urls_are_refused(url):
    with pytest.raises(InvalidUpload) as caught:
        checked_url(url)
    assert caught.value.code == "url_not_allowed"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "0"])
def test_no_spelling_of_loopback_is_fetched(tmp_path, host):
    with pytest.raises(InvalidUpload) as caught:
        fetch(f"http://{host}/", tmp_path / "a", allowed=True, seconds=5)
    assert caught.value.code in ("url_not_allowed", "url_unreachable") and not (tmp_path / "a").exists()


def test_not_unless_allowed(tmp_path):
    with pytest.raises(InvalidUpload, match="fetches no URLs"):
        fetch("https://8.8.8.8/", tmp_path / "a", allowed=False)


def test_one_private_address_among_public_ones_is_enough(monkeypatch):
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: answers)
    with pytest.raises(InvalidUpload, match="not public"):
        public_address("a.example", 80)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: answers[:1])
    assert public_address("a.example", 80) == "8.8.8.8"


class Pages(BaseHTTPRequestHandler):
    def do_GET(self):
        pages = {"/ok": b"x" * 1000, "/big": b"x" * 5000}
        if self.path in ("/on", "/inside", "/round"):
            onward = {"/on": "/ok", "/inside": "http://192.168.0.1/", "/round": "/round"}[self.path]
            self.send_response(302)
            self.send_header("Location", onward)
            self.end_headers()
        elif self.path in ("/slow-head", "/slow-body"):
            self.send_response(200)
            self.send_header("Connection", "close")
            if self.path == "/slow-body":
                self.end_headers()
            self.flush_headers()
            self.drip()
        else:
            body = pages.get(self.path, b"")
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def drip(self):
        """A few bytes a tenth of a second, for six seconds."""
        with contextlib.suppress(OSError):
            for _ in range(60):
                self.wfile.write(b"X-Y: z\r\n")
                time.sleep(0.1)

    def log_message(self, *words):
        pass


@pytest.fixture
def site(monkeypatch):
    """A server on loopback that passes for a public one, and the addresses that were connected to."""
    with passing_for_public(monkeypatch, HTTPServer(("127.0.0.1", 0), Pages)) as called:
        yield called


@pytest.fixture
def secure_site(monkeypatch, tmp_path):
    """The same by https, with a certificate for a.example that is trusted here."""
    pem = certified(tmp_path / "site.pem", "a.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = HTTPServer(("127.0.0.1", 0), Pages)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with passing_for_public(monkeypatch, server) as called:
        yield called


def certified(path, name):
    """A key and its own certificate for a name, as PEM."""
    private, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    begun = datetime.now(UTC) - timedelta(days=1)
    made = x509.CertificateBuilder(subject, subject, private.public_key(), 1, begun, begun + timedelta(days=9))
    named = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    key = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(key + named.sign(private, SHA256()).public_bytes(Encoding.PEM))
    return path


@contextlib.contextmanager
def passing_for_public(monkeypatch, server):
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    called = []

    def to_site(address, seconds):
        called.append(address[0])
        connection = socket.socket()
        connection.settimeout(seconds)
        connection.connect(server.server_address)
        return connection

    def resolved(host, *settings, **more):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host if host[0] == "1" else "8.8.4.4", 80))]

    monkeypatch.setattr(module.socket, "create_connection", to_site)
    monkeypatch.setattr(module.socket, "getaddrinfo", resolved)
    try:
        yield called
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_checked_address_is_the_one_connected_to(tmp_path, site):
    assert fetch("http://a.example/ok", tmp_path / "a", allowed=True).read_bytes() == b"x" * 1000
    assert fetch("http://a.example/on", tmp_path / "b", allowed=True).read_bytes() == b"x" * 1000
    assert site == ["8.8.4.4"] * 3


def test_a_certificate_must_be_the_hosts(tmp_path, secure_site):
    assert fetch("https://a.example/ok", tmp_path / "a", allowed=True).read_bytes() == b"x" * 1000
    with pytest.raises(InvalidUpload, match="SSLCertVerificationError"):
        fetch("https://b.example/ok", tmp_path / "b", allowed=True)
    assert secure_site == ["8.8.4.4"] * 2 and not (tmp_path / "b").exists()


CODES = {"/big": "file_too_large", "/no": "url_unreachable", "/inside": "url_not_allowed", "/round": "url_unreachable"}


@pytest.mark.parametrize(("path", "code"), CODES.items())
def test_what_is_too_big_missing_or_leads_astray_is_refused(tmp_path, site, path, code):
    with pytest.raises(InvalidUpload) as caught:
        fetch(f"http://a.example{path}", tmp_path / "a", allowed=True, max_bytes=2000)
    assert caught.value.code == code and not (tmp_path / "a").exists() and "192.168.0.1" not in site


@pytest.mark.parametrize("path", ["/slow-head", "/slow-body"])
def test_a_server_that_drips_is_cut_off(tmp_path, site, path):
    began = time.monotonic()
    with pytest.raises(InvalidUpload) as caught:
        fetch(f"http://a.example{path}", tmp_path / "a", allowed=True, seconds=0.5)
    assert caught.value.code == "url_unreachable" and not (tmp_path / "a").exists()
    assert 0.4 < time.monotonic() - began < 3
