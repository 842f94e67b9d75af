"""The key that signs what leaves.

One is made at first use and kept private: `signing/key.pem` (mode 0600) and `signing/chain.pem` under SKYLOOM_KEYS,
else under $XDG_CONFIG_HOME/skyloom, else ~/.config/skyloom. A key of one's own is given by two paths to PEM files:
SKYLOOM_SIGNING_KEY and SKYLOOM_SIGNING_CHAIN (the signer's certificate first, its issuers after it).
"""

from __future__ import annotations

import os
import secrets
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from skyloom.errors import MediaError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate, CertificateBuilder, KeyUsage, Name

YEARS = 20
ORGANISATION = "Skyloom, a key made on this machine"


@dataclass(frozen=True)
class SigningKey:
    """A private key and its certificates, as PEM text; `algorithm` is C2PA's name of how the key signs."""

    key: str
    chain: str
    algorithm: str

    def __repr__(self) -> str:
        return f"SigningKey(algorithm={self.algorithm!r})"

    @property
    def anchor(self) -> str:
        """The last certificate of the chain: whoever trusts it trusts this key."""
        begin = "-----BEGIN CERTIFICATE-----"
        return begin + self.chain.rpartition(begin)[2]


def folder() -> Path:
    """Return where the keys of this user live."""
    if given := os.environ.get("SKYLOOM_KEYS"):
        return Path(given)
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "skyloom"


def signing_key() -> SigningKey:
    """Return the key given by the environment, else this user's own, made at first use. Raises MediaError."""
    found = existing_key()
    if found is not None:
        return found
    try:
        _make(folder() / "signing")
    except OSError as error:
        why = error.strerror or str(error)
        raise MediaError(
            f"cannot keep a signing key in {folder()}: {why}; set SKYLOOM_KEYS to a folder that can be written to"
        ) from error
    return _read(folder() / "signing" / "key.pem", folder() / "signing" / "chain.pem")


def existing_key() -> SigningKey | None:
    """Return the key that `signing_key` would, or None where one had to be made. Raises MediaError."""
    key, chain = os.environ.get("SKYLOOM_SIGNING_KEY"), os.environ.get("SKYLOOM_SIGNING_CHAIN")
    if bool(key) != bool(chain):
        raise MediaError("a signing key needs both SKYLOOM_SIGNING_KEY and SKYLOOM_SIGNING_CHAIN")
    if key and chain:
        return _read(Path(key), Path(chain))
    own = folder() / "signing"
    return _read(own / "key.pem", own / "chain.pem") if (own / "key.pem").exists() else None


def _read(key: Path, chain: Path) -> SigningKey:
    """Read two PEM files and see that they belong together."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificates

    try:
        key_text, chain_text = key.read_text(), chain.read_text()
        private = load_pem_private_key(key_text.encode(), None)
        certificates = load_pem_x509_certificates(chain_text.encode())
    except (OSError, ValueError, TypeError) as error:
        raise MediaError(f"cannot sign with {key} and {chain}: {error}") from error
    if private.public_key() != certificates[0].public_key():
        raise MediaError(f"cannot sign: {chain} does not begin with the certificate of {key}")
    return SigningKey(key_text, chain_text, _algorithm(private))


def _algorithm(private: object) -> str:
    """Return C2PA's name for how a key signs. Raises MediaError for a kind that C2PA does not take."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(private, ec.EllipticCurvePrivateKey) and private.key_size in (256, 384, 521):
        return {256: "es256", 384: "es384", 521: "es512"}[private.key_size]
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(private, rsa.RSAPrivateKey):
        return "ps256"
    raise MediaError("cannot sign: C2PA takes P-256, P-384, P-521, Ed25519 and RSA keys")


def _make(place: Path) -> None:
    """Make a key and its certificates beside `place` and move them there whole; the first of several wins."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    root, private = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority, signer = _certificates(root, private)
    beside = place.with_name(f".signing.{secrets.token_hex(4)}")
    beside.mkdir(parents=True, mode=0o700)
    try:
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        _keep(beside / "key.pem", pem, 0o600)
        _keep(beside / "chain.pem", b"".join(c.public_bytes(Encoding.PEM) for c in (signer, authority)), 0o644)
        try:
            beside.rename(place)
        except OSError:
            if not (place / "key.pem").exists():
                raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _keep(path: Path, content: bytes, mode: int) -> None:
    """Write a new file and bring it to the disk: half a key would be one that nothing can be signed with any more."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _certificates(root: EllipticCurvePrivateKey, private: EllipticCurvePrivateKey) -> tuple[Certificate, Certificate]:
    """Return an authority and a signer under it, as C2PA wants them; the authority's key is not kept anywhere."""
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    above, name = _name("root"), _name("signer")
    key_id = x509.SubjectKeyIdentifier.from_public_key(root.public_key())
    authority = (
        _unsigned(above, above, root)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(key_id, critical=False)
    )
    signer = (
        _unsigned(name, above, private)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id), critical=False)
    )
    return authority.sign(root, SHA256()), signer.sign(root, SHA256())


def _name(role: str) -> Name:
    from cryptography import x509

    parts = {x509.NameOID.ORGANIZATION_NAME: ORGANISATION, x509.NameOID.COMMON_NAME: f"Skyloom {role}"}
    return x509.Name([x509.NameAttribute(kind, text) for kind, text in parts.items()])


def _unsigned(subject: Name, issuer: Name, private: EllipticCurvePrivateKey) -> CertificateBuilder:
    from cryptography import x509

    begin = datetime.now(UTC) - timedelta(days=1)
    named = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(private.public_key())
    dated = named.not_valid_before(begin).not_valid_after(begin + timedelta(days=365 * YEARS))
    return dated.serial_number(x509.random_serial_number())


def _usage(signs_certificates: bool) -> KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
