"""Keys: made once, private, and one's own where given."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.x509 import BasicConstraints, ExtendedKeyUsage, load_pem_x509_certificates

from skyloom.errors import MediaError
from skyloom.provenance.keys import existing_key, signing_key


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SKYLOOM_KEYS", str(tmp_path / "keys"))
    return tmp_path / "keys"


def test_a_key_is_made_once_and_kept_private(home):
    assert existing_key() is None and not home.exists()
    first = signing_key()
    assert signing_key() == first == existing_key()
    assert stat.S_IMODE((home / "signing" / "key.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE((home / "signing").stat().st_mode) == 0o700
    assert "PRIVATE" not in repr(first) + first.chain


def test_the_chain_is_what_c2pa_wants(home):
    signer, root = load_pem_x509_certificates(signing_key().chain.encode())
    signer.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)
    usages = signer.extensions.get_extension_for_class(ExtendedKeyUsage).value
    assert [usage.dotted_string for usage in usages] == ["1.3.6.1.5.5.7.3.4"]
    assert not signer.extensions.get_extension_for_class(BasicConstraints).value.ca
    assert signing_key().anchor.strip() == signing_key().chain[signing_key().chain.rindex("-----BEGIN") :].strip()


def test_many_at_once_share_one_key(home):
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: signing_key().key, range(16)))
    assert len(set(keys)) == 1
    assert [item.name for item in home.iterdir()] == ["signing"]


def test_a_key_of_ones_own(home, tmp_path, monkeypatch):
    own = signing_key()
    (tmp_path / "k.pem").write_text(own.key)
    (tmp_path / "c.pem").write_text(own.chain)
    monkeypatch.setenv("SKYLOOM_KEYS", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("SKYLOOM_SIGNING_KEY", str(tmp_path / "k.pem"))
    with pytest.raises(MediaError, match="both"):
        signing_key()
    monkeypatch.setenv("SKYLOOM_SIGNING_CHAIN", str(tmp_path / "c.pem"))
    assert signing_key() == own and not (tmp_path / "elsewhere").exists()
    monkeypatch.delenv("SKYLOOM_SIGNING_KEY")
    monkeypatch.delenv("SKYLOOM_SIGNING_CHAIN")
    other = signing_key()
    (tmp_path / "c.pem").write_text(other.chain)
    monkeypatch.setenv("SKYLOOM_SIGNING_KEY", str(tmp_path / "k.pem"))
    monkeypatch.setenv("SKYLOOM_SIGNING_CHAIN", str(tmp_path / "c.pem"))
    with pytest.raises(MediaError, match="does not begin with the certificate"):
        signing_key()
    (tmp_path / "c.pem").write_text("nothing")
    with pytest.raises(MediaError, match="cannot sign with"):
        signing_key()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_no_place_for_a_key_is_said(tmp_path, monkeypatch):
    (tmp_path / "shut").mkdir(mode=0o500)
    monkeypatch.setenv("SKYLOOM_KEYS", str(tmp_path / "shut" / "keys"))
    with pytest.raises(MediaError, match="SKYLOOM_KEYS"):
        signing_key()
