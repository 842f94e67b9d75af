"""C2PA manifests: written into a file, and read back.

A manifest says which program and model made a file, that the file is generated, and what it was made from, and binds
that to the file's bytes by a signature (C2PA 2.2). mp4, gif, webp and png carry it inside. For webm the standard has
no place: its manifest is `fox.c2pa` beside `fox.webm`, and is looked for there.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skyloom.errors import MediaError, one_of
from skyloom.provenance.keys import SigningKey, existing_key, signing_key

if TYPE_CHECKING:
    from c2pa import Context, Reader

FORMATS = {
    ".mp4": "video/mp4", ".mov": "video/quicktime", ".gif": "image/gif", ".webp": "image/webp", ".png": "image/png",
    ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webm": "video/webm",
}  # fmt: skip
MAGIC = {b"\x89PNG\r\n": "image/png", b"GIF8": "image/gif", b"\xff\xd8\xff": "image/jpeg"}
BESIDE = (".webm",)
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
SOURCES = ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "algorithmicMedia")
GENERATION = "org.skyloom.generation"
SOFT_BINDING = "org.skyloom.luma-spread-spectrum.1"
UNSIGNED = ("ManifestNotFound", "NotSupported", "JumbfNotFound", "no JUMBF data found")


@dataclass(frozen=True)
class Provenance:
    """What a written file is to say of itself.

    sign: a C2PA manifest. mark: the invisible mark. visible: the small mark that wanders. source: IPTC's word for how
    the pictures came to be. ingredients: files that an edit was made from, the edited one first.
    """

    sign: bool = True
    mark: bool = True
    visible: bool = False
    source: str = "trainedAlgorithmicMedia"
    ingredients: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        one_of("source", self.source, SOURCES)


STAMPED = Provenance()
"""What a file says unless something else is asked for."""


@dataclass(frozen=True)
class Manifest:
    """A manifest as read. state: trusted (signed by a key of ours), valid (by another's), broken, or none."""

    state: str
    problems: tuple[str, ...] = ()
    signer: str | None = None
    program: str | None = None
    source: str | None = None
    generation: dict[str, Any] = field(default_factory=dict)
    ingredients: tuple[str, ...] = ()


def media_type(path: Path) -> str:
    """Return a file's media type by its ending. Raises MediaError for one that cannot be signed."""
    if path.suffix.lower() not in FORMATS:
        raise MediaError(f"cannot sign {path}: known are {', '.join(ending[1:] for ending in FORMATS)}")
    return FORMATS[path.suffix.lower()]


def sidecar(path: Path) -> Path:
    """Return where the manifest of a file is kept that cannot carry it."""
    return path.with_suffix(".c2pa")


def signed(
    path: Path, title: str, provenance: Provenance, made_by: dict[str, Any], mark: str | None = None
) -> tuple[bytes, bytes | None]:
    """Return (the file's bytes signed, a manifest to keep beside it or None).

    made_by: the settings that made the file; program, checkpoint, checkpoint_sha256 and seed are told. mark: the
    payload of the invisible mark, in hex. Raises MediaError.
    """
    import c2pa

    kind, key, out = media_type(path), signing_key(), io.BytesIO()
    claims = _claims(title, provenance, made_by, mark)
    known = {number: found for number, file in enumerate(provenance.ingredients) if (found := content_type(file))}
    claims["ingredients"] = [
        _ingredient(file, number) for number, file in enumerate(provenance.ingredients) if number not in known
    ]
    builder = c2pa.Builder(claims, _context())
    for number, found in known.items():
        _add_ingredient(builder, provenance.ingredients[number], number, found)
    try:
        if path.suffix.lower() in BESIDE:
            builder.set_no_embed()
        info = c2pa.C2paSignerInfo(key.algorithm.encode(), key.chain.encode(), key.key.encode(), None)
        with path.open("rb") as source:
            manifest = builder.sign(c2pa.Signer.from_info(info), kind, source, out)
    except c2pa.C2paError as error:
        raise MediaError(f"cannot sign {path}: {error}") from error
    return (path.read_bytes(), bytes(manifest)) if path.suffix.lower() in BESIDE else (out.getvalue(), None)


def _claims(title: str, provenance: Provenance, made_by: dict[str, Any], mark: str | None) -> dict[str, Any]:
    """Return a manifest's definition."""
    name, _, version = str(made_by.get("program", "skyloom")).partition(" ")
    agent = {"name": name} | ({"version": version} if version else {})
    source = {"digitalSourceType": SOURCE_TYPES + provenance.source, "softwareAgent": agent}
    names = [_label(number) for number in range(len(provenance.ingredients))]
    actions: list[dict[str, Any]] = [{"action": "c2pa.edited" if names else "c2pa.created"} | source]
    if names:
        actions.insert(0, {"action": "c2pa.opened", "parameters": {"ingredientIds": names[:1]}})
    actions += [{"action": "c2pa.placed", "parameters": {"ingredientIds": [name]}} for name in names[1:]]
    told = {"model": made_by.get("checkpoint"), "checkpoint_sha256": made_by.get("checkpoint_sha256")}
    told |= {"seed": made_by.get("seed"), "invisible_mark": mark, "visible_mark": provenance.visible}
    claims = [
        {"label": "c2pa.actions.v2", "data": {"actions": actions}},
        {"label": GENERATION, "data": {name: value for name, value in told.items() if value is not None}},
    ]
    if mark is not None:
        bound = {"alg": SOFT_BINDING, "blocks": [{"scope": {}, "value": mark}]}
        claims.append({"label": "c2pa.soft-binding", "data": bound})
    return {"claim_generator_info": [agent], "title": title, "assertions": claims}


def _label(number: int) -> str:
    return f"ingredient-{number}"


def _ingredient(path: Path, number: int) -> dict[str, Any]:
    relationship = "componentOf" if number else "parentOf"
    return {"title": path.name, "label": _label(number), "relationship": relationship}


def _add_ingredient(builder: Any, path: Path, number: int, kind: str) -> None:
    """Add a file that an edit was made from, with the manifests that it carries itself."""
    import c2pa

    try:
        with path.open("rb") as file:
            builder.add_ingredient(_ingredient(path, number), kind, file)
    except (OSError, c2pa.C2paError) as error:
        raise MediaError(f"cannot name {path} as what an edit was made from: {error}") from error


def content_type(path: Path) -> str | None:
    """Return a file's media type by its first bytes; None for what C2PA has no place in. Raises MediaError."""
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise MediaError(f"cannot name {path} as what an edit was made from: {error.strerror}") from error
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "image/webp"
    if start[4:8] == b"ftyp":
        return "video/quicktime" if start[8:12] == b"qt  " else "video/mp4"
    return next((kind for magic, kind in MAGIC.items() if start.startswith(magic)), None)


def _context(key: SigningKey | None = None) -> Context:
    """Return C2PA's settings: nothing fetched, no thumbnails, our own key trusted."""
    import c2pa

    settings: dict[str, Any] = {
        "builder": {"thumbnail": {"enabled": False}},
        "verify": {"verify_trust": True, "remote_manifest_fetch": False, "ocsp_fetch": False},
    }
    if key is not None:
        settings["trust"] = {"user_anchors": key.anchor}
    return c2pa.Context(c2pa.Settings.from_dict(settings))


def read_manifest(path: Path) -> Manifest:
    """Read and check the manifest of a file, or the one beside it; state "none" where there is none."""
    import c2pa

    beside = sidecar(path) if path.suffix.lower() in BESIDE else None
    if beside is not None and not beside.exists():
        return Manifest("none")
    try:
        with path.open("rb") as file:
            stored = beside.read_bytes() if beside is not None else None
            kind = media_type(path) if beside is not None else None  # None: by its content
            with c2pa.Reader(kind, file, stored, _context(existing_key())) as reader:
                return _read(reader)
    except c2pa.C2paError as error:
        if any(word in str(error) for word in UNSIGNED):
            return Manifest("none")
        return Manifest("broken", (str(error),))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        return Manifest("broken", (f"the manifest contradicts itself: {error}",))


def _read(reader: Reader) -> Manifest:
    """Pick out of a manifest store what is told."""
    store = json.loads(reader.json())
    manifest = store["manifests"][store["active_manifest"]]
    claims = {claim["label"].partition("__")[0]: claim.get("data", {}) for claim in manifest.get("assertions", [])}
    actions = claims.get("c2pa.actions.v2", claims.get("c2pa.actions", {})).get("actions", [{}])
    source = next((act["digitalSourceType"] for act in actions if "digitalSourceType" in act), "")
    generator = (manifest.get("claim_generator_info") or [{}])[0]
    state = {"Trusted": "trusted", "Valid": "valid"}.get(str(reader.get_validation_state()), "broken")
    problems = [fault["code"] for fault in store.get("validation_status", [])]
    return Manifest(
        state,
        tuple(problems) if state == "broken" else (),
        manifest.get("signature_info", {}).get("issuer"),
        " ".join(generator[part] for part in ("name", "version") if generator.get(part)) or None,
        str(source).removeprefix(SOURCE_TYPES) or None,
        dict(claims.get(GENERATION, {})),
        tuple(item.get("title") or "untitled" for item in manifest.get("ingredients", [])),
    )
