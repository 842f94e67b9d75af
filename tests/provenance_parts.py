"""What every file that leaves must bear: C2PA's own reader finds it valid, and one flipped byte is told."""

import io
import json

import c2pa

from skyloom.provenance.manifest import FORMATS, media_type, sidecar


def stores(path, data):
    """The manifest store that C2PA's own reader, with its own settings, finds in bytes; None where it finds none."""
    beside = sidecar(path).read_bytes() if path.suffix == ".webm" else None
    try:
        with c2pa.Reader(media_type(path), io.BytesIO(data), beside) as reader:
            return reader.get_validation_state(), json.loads(reader.json())
    except c2pa.C2paError:
        return "Invalid", None


def assert_signed(path, ingredients):
    """A file is signed, says that it is generated and what it was made from, and cannot be changed unseen."""
    assert path.suffix in FORMATS
    data = path.read_bytes()
    state, store = stores(path, data)
    assert state == "Valid", (path.name, store and store["validation_status"])
    manifest = store["manifests"][store["active_manifest"]]
    claims = {claim["label"]: claim["data"] for claim in manifest["assertions"]}
    kind = "compositeWithTrainedAlgorithmicMedia" if ingredients else "trainedAlgorithmicMedia"
    sources = [action.get("digitalSourceType", "") for action in claims["c2pa.actions.v2"]["actions"]]
    assert any(source.endswith(f"/{kind}") for source in sources), (path.name, sources)
    assert len(manifest.get("ingredients", [])) == ingredients, path.name
    place = 40 if path.suffix == ".webp" else len(data) - 40  # a webp has its manifest at its end
    flipped = bytearray(data)
    flipped[place] ^= 0x10
    assert stores(path, bytes(flipped))[0] == "Invalid", path.name
