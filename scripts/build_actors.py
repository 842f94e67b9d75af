"""Builds the actor atlas from two MIT emoji sets.

Sources, both fetched with `npm pack` into a temporary folder (nothing is installed):
  @lobehub/fluent-emoji-3d 1.1.0         WebP pictures of 256 x 256, named by code point: the "render3d" atlas
  @iconify-json/fluent-emoji-flat 1.2.6  the same set drawn flat, SVG bodies in one JSON: the "cartoon" atlas
`scripts/actors.csv` says which emoji become actors and what they are called; the table is written by hand after looking
at every picture. The last rows, of category "body", are drawn here: white solids that a tint colours.

    pip install pillow resvg-py==0.5.0 numpy
    python scripts/build_actors.py                    # writes src/skyloom/world/assets/
    python scripts/build_actors.py --archives FOLDER  # the two .tgz files are there already

The output is deterministic: the same archives and table give the same bytes.
"""

import argparse
import csv
import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import resvg_py
from PIL import Image

PACKAGES = ("@lobehub/fluent-emoji-3d@1.1.0", "@iconify-json/fluent-emoji-flat@1.2.6")
ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "scripts" / "actors.csv"
ASSETS = ROOT / "src" / "skyloom" / "world" / "assets"
SIZE = 96
ALPHA_EDGE = 24  # the alpha, of 255, that bounds the crop: fainter soft edges are not a foot to stand on
BLEED_STEPS = 3
COLOUR_STEP = 4  # colours are rounded to its multiples: unseen, and a third off the file


def fetch_archives(folder: Path) -> list[Path]:
    """Downloads both packages with `npm pack`; returns the two .tgz paths in the order of PACKAGES."""
    for package in PACKAGES:
        subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return find_archives(folder)


def find_archives(folder: Path) -> list[Path]:
    """The two .tgz files that `npm pack` leaves in `folder`."""
    stems = [package.replace("@", "", 1).replace("/", "-").replace("@", "-") for package in PACKAGES]
    return [folder / f"{stem}.tgz" for stem in stems]


def plain_code(code: str) -> str:
    """A code point sequence without variation selectors and leading zeros, so that both sets use one key."""
    return "-".join(part.lstrip("0") for part in code.lower().split("-") if part != "fe0f")


def read_renders(archive: Path) -> dict[str, tuple[str, bytes]]:
    """Maps a plain code to the 3D set's own code point and its WebP bytes."""
    with tarfile.open(archive) as tar:
        members = [member for member in tar.getmembers() if member.name.endswith(".webp")]
        return {plain_code(Path(m.name).stem): (Path(m.name).stem, tar.extractfile(m).read()) for m in members}


def read_drawings(archive: Path) -> dict[str, str]:
    """Maps a plain code to the flat set's SVG text."""
    with tarfile.open(archive) as tar:
        icons, chars = (json.load(tar.extractfile(f"package/{name}.json")) for name in ("icons", "chars"))
    aliases = {name: alias["parent"] for name, alias in icons.get("aliases", {}).items()}
    side = icons["height"]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}">'
    bodies = {code: icons["icons"].get(aliases.get(name, name)) for code, name in chars.items()}
    return {plain_code(code): f"{head}{icon['body']}</svg>" for code, icon in bodies.items() if icon}


def rasterize(svg: str, side: int = 512) -> Image.Image:
    """An SVG as an RGBA picture of `side` x `side`."""
    png = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=side, height=side))
    return Image.open(io.BytesIO(png)).convert("RGBA")


def posterize(picture: Image.Image) -> Image.Image:
    """A 3D picture reduced to flat areas of few colours: the cartoon of an emoji that the flat set lacks."""
    flat = picture.convert("RGB").quantize(8, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).convert("RGBA")
    flat.putalpha(picture.getchannel("A"))
    return flat


def bleed(rgba: np.ndarray) -> np.ndarray:
    """Spreads edge colours under transparent pixels, so that bilinear sampling draws no dark fringe; rounds colours.

    rgba: (h, w, 4) uint8, straight alpha. Each step fills pixels next to known ones with their neighbours' mean; the
    pixels never reached get the picture's mean colour.
    """
    rgb, known = rgba[..., :3].astype(np.float64), rgba[..., 3] > 0
    mean = rgb[known].mean(axis=0)
    for _ in range(BLEED_STEPS):
        total, count = np.zeros_like(rgb), np.zeros(known.shape)
        padded, mask = np.pad(rgb * known[..., None], ((1, 1), (1, 1), (0, 0))), np.pad(known, 1)
        for dy in range(3):
            for dx in range(3):
                total += padded[dy : dy + known.shape[0], dx : dx + known.shape[1]]
                count += mask[dy : dy + known.shape[0], dx : dx + known.shape[1]]
        fresh = ~known & (count > 0)
        rgb[fresh] = total[fresh] / count[fresh][:, None]
        known |= fresh
    rgb[~known] = mean
    coarse = np.minimum(np.round(rgb / COLOUR_STEP) * COLOUR_STEP, 255)
    return np.concatenate([coarse.astype(np.uint8), rgba[..., 3:]], axis=-1)


def fit(picture: Image.Image) -> tuple[np.ndarray, float]:
    """Crops to the alpha box and scales it into the sprite box, feet on the last row, centred sideways.

    Returns the sprite, (SIZE, SIZE, 4) uint8 with straight alpha, and the crop's width over height.
    """
    box = picture.getchannel("A").point(lambda value: 255 if value >= ALPHA_EDGE else 0).getbbox()
    crop = picture.crop(box)
    scale = SIZE / max(crop.size)
    width, height = (max(1, round(side * scale)) for side in crop.size)
    small = crop.convert("RGBa").resize((width, height), Image.Resampling.LANCZOS).convert("RGBA")
    sprite = Image.new("RGBA", (SIZE, SIZE), (0, 0, 0, 0))
    sprite.paste(small, ((SIZE - width) // 2, SIZE - height))
    return bleed(np.asarray(sprite)), crop.width / crop.height


def disc_coordinates() -> tuple[np.ndarray, np.ndarray]:
    """Pixel centres of a sprite at four times its size, x right and y down, the sprite spanning -1 to 1."""
    axis = (np.arange(SIZE * 4) + 0.5) / (SIZE * 2) - 1
    return np.meshgrid(axis, axis)


def solid(shade: np.ndarray, inside: np.ndarray) -> Image.Image:
    """A white solid: `shade` in [0, 1] is its grey level, `inside` its silhouette."""
    grey = np.round(np.clip(shade, 0, 1) * 255)
    return Image.fromarray(np.stack([grey, grey, grey, inside * 255.0], axis=-1).astype(np.uint8), "RGBA")


def draw_ball() -> Image.Image:
    """A matt white sphere lit from the upper left."""
    x, y = disc_coordinates()
    inside = x**2 + y**2 <= 1
    z = np.sqrt(np.clip(1 - x**2 - y**2, 0, 1))
    light = np.clip(-0.45 * x - 0.6 * y + 0.66 * z, 0, 1)
    return solid(0.5 + 0.42 * light + 0.25 * light**24, inside)


def draw_ring() -> Image.Image:
    """A white torus seen from the front, lit from the upper left."""
    x, y = disc_coordinates()
    radius = np.hypot(x, y)
    tube = (radius - 0.74) / 0.26
    inside = np.abs(tube) <= 1
    z = np.sqrt(np.clip(1 - tube**2, 0, 1))
    normal_x, normal_y = tube * x / np.maximum(radius, 1e-6), tube * y / np.maximum(radius, 1e-6)
    light = np.clip(-0.45 * normal_x - 0.6 * normal_y + 0.66 * z, 0, 1)
    return solid(0.5 + 0.42 * light + 0.2 * light**24, inside)


def draw_box() -> Image.Image:
    """A white cube seen from the front, a little from above and the right: three faces of three greys."""
    x, y = disc_coordinates()
    corner = 0.56  # the front face's right and (negated) upper edge; the far face is shifted by 1 - corner
    up, across = -corner - y, x - corner
    front = (up <= 0) & (across <= 0)
    top = (up > 0) & (x >= up - 1) & (across <= up)
    side = (across > 0) & (up <= across) & (y <= 1 - across)
    shade = np.where(front, 0.88 - 0.05 * y, np.where(top & (across <= up), 1.0, 0.66 - 0.06 * y))
    return solid(shade, front | top | side)


BODIES: dict[str, Callable[[], Image.Image]] = {"ball": draw_ball, "box": draw_box, "ring": draw_ring}


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of the hand-written table."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def words(cell: str) -> list[str]:
    """A cell's list: words between slashes."""
    return [word.strip() for word in cell.split("/") if word.strip()]


def record_of(row: dict[str, str], codepoint: str | None, aspect: float) -> dict[str, object]:
    """One actor as it stands in actors.json."""
    article = row["article"] or ("an" if row["name"][0] in "aeiou" else "a")
    return {
        "name": row["name"],
        "synonyms": words(row["synonyms"]),
        "zh": row["zh"],
        "zh_synonyms": words(row["zh_synonyms"]),
        "category": row["category"],
        "codepoint": codepoint,
        "faces": row["faces"],
        "aspect": round(aspect, 4),
        "height": float(row["height"]),
        "medium": row["medium"],
        "article": article,
    }


def build(renders: Path, drawings: Path) -> tuple[list[dict[str, object]], np.ndarray, np.ndarray]:
    """All records and both atlases, (n, SIZE, SIZE, 4) uint8 each."""
    pictures, svgs = read_renders(renders), read_drawings(drawings)
    records, solids, cartoons = [], [], []
    for row in read_table(TABLE):
        if row["category"] == "body":
            codepoint, picture = None, BODIES[row["name"]]()
            cartoon = posterize(picture)
        else:
            codepoint, webp = pictures[plain_code(row["code"])]
            picture = Image.open(io.BytesIO(webp)).convert("RGBA")
            svg = svgs.get(plain_code(row["code"]))
            cartoon = rasterize(svg) if svg else posterize(picture)
        sprite, aspect = fit(picture)
        records.append(record_of(row, codepoint, aspect))
        solids.append(sprite)
        cartoons.append(fit(cartoon)[0])
    return records, np.stack(solids), np.stack(cartoons)


def write_assets(records: list[dict[str, object]], render3d: np.ndarray, cartoon: np.ndarray) -> None:
    """Writes actors.json (one record a line) and actors.npz."""
    ASSETS.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    (ASSETS / "actors.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    np.savez_compressed(ASSETS / "actors.npz", render3d=render3d, cartoon=cartoon)


def main() -> None:
    """Fetches the sources, or takes them from a folder, and writes the assets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--archives", type=Path, default=None, help="folder that holds the two .tgz files already")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        archives = find_archives(arguments.archives) if arguments.archives else fetch_archives(Path(folder))
        records, render3d, cartoon = build(*archives)
    write_assets(records, render3d, cartoon)
    size = (ASSETS / "actors.npz").stat().st_size / 1e6
    print(f"{len(records)} actors, atlas {size:.2f} MB, in {ASSETS.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
