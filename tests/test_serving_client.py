"""The unmodified `openai` client over a real socket: every method, sync and async. Runs with 2.x (>= 2.28) and 3.x."""

import asyncio
import base64
import inspect
import io
import re

import openai
import pytest
from PIL import Image

from api_server import clip, picture, serving
from skyloom.serving import provenance

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")
KEYS = {
    "id", "object", "model", "status", "progress", "created_at", "completed_at", "expires_at", "prompt", "size",
    "seconds", "remixed_from_video_id", "error",
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("client")) as running:
        yield running


@pytest.fixture(params=["sync", "async"])
def run(request, server):
    """Run a scenario with a client of either kind."""
    kind = openai.OpenAI if request.param == "sync" else openai.AsyncOpenAI

    def go(scenario):
        async def whole():
            client = kind(base_url=f"{server.url}/v1", api_key="none", max_retries=0)
            try:
                await scenario(client)
            finally:
                await now(client.close())

        asyncio.run(whole())

    return go


async def now(value):
    """The answer of a call of either client."""
    return await value if inspect.isawaitable(value) else value


async def refused(value, kind):
    """The error that a call ends with."""
    with pytest.raises(kind) as caught:
        await now(value() if callable(value) else value)
    return caught.value


async def pages(listed):
    """Every item of every page."""
    if inspect.isawaitable(listed):
        return [item async for item in listed]
    return list(listed)


async def made(client, prompt="a fox", **settings):
    return await now(client.videos.create_and_poll(prompt=prompt, **settings))


def test_create_and_poll_answers_all_keys(run):
    async def scenario(client):
        raw = await now(client.videos.with_raw_response.create(prompt="a fox"))
        first = (await now(raw.parse())).to_dict()
        assert set(first) >= KEYS and first["status"] in ("queued", "in_progress")
        assert first["completed_at"] is None and first["error"] is None and first["remixed_from_video_id"] is None
        assert re.fullmatch(r"req_[0-9a-f]{32}", raw.headers["x-request-id"])
        assert raw.headers["openai-poll-after-ms"] == "20"
        video = await now(client.videos.poll(first["id"]))
        assert (video.status, video.progress, video.object) == ("completed", 100, "video")
        assert (video.model, video.seconds, video.prompt) == ("sora-2", "4", "a fox")
        assert video.completed_at >= video.created_at and isinstance(video.progress, int)

    run(scenario)


def test_old_sizes_and_seconds_are_made_nearest_and_told(run, server):
    async def scenario(client):
        video = await made(client, model="sora-2-pro", size="1792x1024", seconds="8")
        assert (video.size, video.seconds, video.model) == ("80x48", "8", "sora-2-pro")
        assert video.requested == {"size": "1792x1024", "seconds": "8"}
        order = server.maker.orders[-1]["settings"]
        assert (order["width"], order["height"], order["num_frames"]) == (80, 48, 65)
        exact = await made(client, size="96x64", seconds="2")
        assert (exact.size, exact.seconds, exact.requested) == ("96x64", "2", None)

    run(scenario)


def test_a_failed_job_is_an_answer_and_not_an_error(run):
    async def scenario(client):
        video = await made(client, prompt="fail at this")
        assert video.status == "failed"
        assert (video.error.code, video.error.message) == ("generation_failed", "it could not be made")
        error = await refused(lambda: client.videos.download_content(video.id), openai.NotFoundError)
        assert error.code == "failed"

    run(scenario)


@pytest.mark.parametrize("form", ["bytes", "file", "tuple"])
def test_input_reference_as_a_file(run, server, form, tmp_path):
    async def scenario(client):
        data = picture(40, 20)
        path = tmp_path / "in.png"
        path.write_bytes(data)
        given = {"bytes": data, "file": path, "tuple": ("../../etc/passwd", data, "text/html")}[form]
        await made(client, input_reference=given)
        order = server.maker.orders[-1]
        assert order["task"] == "animate"
        stored = server.files.local(order["inputs"]["image"])
        with Image.open(stored) as shown:
            assert shown.size == (40, 20) and stored.name == "reference.png"

    run(scenario)


def test_input_reference_as_image_url_and_as_id(run, server):
    async def scenario(client):
        url = "data:image/png;base64," + base64.b64encode(picture()).decode()
        await made(client, extra_body={"input_reference": {"image_url": url}})
        assert server.maker.orders[-1]["task"] == "animate"
        image = await now(client.images.generate(prompt="a fox"))
        await made(client, extra_body={"input_reference": {"file_id": image.id}})
        assert server.maker.orders[-1]["inputs"]["image"].endswith("inputs/reference.png")
        error = await refused(
            lambda: client.videos.create(
                prompt="x", extra_body={"input_reference": {"image_url": "http://10.0.0.1/a"}}
            ),
            openai.BadRequestError,
        )
        assert (error.code, error.param) == ("url_not_allowed", "input_reference")

    run(scenario)


def test_every_extra_key_arrives(run, server):
    async def scenario(client):
        extra = {
            "seed": 7, "fps": 16, "negative_prompt": "blur", "num_inference_steps": 3, "guidance_scale": 2.5,
            "style": "charcoal", "camera": "pan left", "motion": 0.5,
        }  # fmt: skip
        await made(client, extra_body=extra)
        settings = server.maker.orders[-1]["settings"]
        assert {name: settings[name] for name in extra} == extra
        assert settings["num_frames"] == 65  # 4 seconds at 16 frames a second
        url = "data:image/png;base64," + base64.b64encode(picture()).decode()
        frames = [{"time": 0, "image": url, "crop": [0, 0, 0.5, 1]}, {"time": 3, "image": url, "crop": [0.5, 0, 1, 1]}]
        await made(client, extra_body={"keyframes": frames})
        order = server.maker.orders[-1]
        assert (order["task"], sorted(order["inputs"])) == ("keyframes", ["frame-0", "frame-1"])
        assert order["settings"]["frames"] == [0, 3] and order["settings"]["crops"][1] == [0.5, 0, 1, 1]
        shots = [{"time": 0, "prompt": "a dog"}, {"time": 2, "prompt": "a cat"}]
        await made(client, extra_body={"storyboard": shots})
        assert server.maker.orders[-1]["settings"]["shots"] == shots
        await made(client, extra_body={"loop": True})
        assert server.maker.orders[-1]["task"] == "loop"

    run(scenario)


def test_retrieve_list_and_delete(run, server):
    async def scenario(client):
        ids = [(await made(client, prompt=f"number {number}")).id for number in range(5)]
        assert (await now(client.videos.retrieve(ids[0]))).id == ids[0]
        first = await now(client.videos.list(limit=2))
        assert [video.id for video in first.data] == ids[:2:-1] and first.has_more
        everything = [video.id for video in await pages(client.videos.list(limit=2))]
        assert everything[:5] == ids[::-1] and len(set(everything)) == len(everything)
        upward = [video.id for video in await pages(client.videos.list(limit=3, order="asc"))]
        assert upward == everything[::-1]
        assert [video.id for video in (await now(client.videos.list(after=ids[1], limit=1))).data] == [ids[0]]
        assert (await now(client.videos.list(limit=0))).data == []
        folder = server.files.local(server.store.get(ids[2], "local").files["video"]).parent
        gone = await now(client.videos.delete(ids[2]))
        assert (gone.id, gone.object, gone.deleted) == (ids[2], "video.deleted", True)
        assert not folder.exists()
        error = await refused(lambda: client.videos.retrieve(ids[2]), openai.NotFoundError)
        assert (error.code, error.type) == ("video_not_found", "invalid_request_error")

    run(scenario)


def test_download_every_variant(run, server):
    async def scenario(client):
        video = await made(client)
        job = server.store.get(video.id, "local")
        heads = {"video": (4, b"ftyp"), "thumbnail": (8, b"WEBP"), "spritesheet": (0, b"\xff\xd8\xff")}
        for variant, (place, head) in heads.items():
            answer = await now(client.videos.download_content(video.id, variant=variant))
            data = await now(answer.aread() if hasattr(client, "aread") else answer.read())
            assert data[place : place + len(head)] == head
            assert data == server.files.local(job.files[variant]).read_bytes()
        error = await refused(
            lambda: client.videos.download_content(video.id, variant="poster"), openai.BadRequestError
        )
        assert error.param == "variant"

    run(scenario)


def test_not_ready_is_404_and_is_not_retried(server):
    server.maker.held.set()
    try:
        with openai.OpenAI(base_url=f"{server.url}/v1", api_key="x") as client:
            video = client.videos.create(prompt="slow")
            with pytest.raises(openai.NotFoundError) as caught:
                client.videos.download_content(video.id)
            assert caught.value.code == "not_ready"
            with pytest.raises(openai.BadRequestError) as caught:
                client.videos.remix(video.id, prompt="other")
            assert (caught.value.code, caught.value.param) == ("not_completed", "video_id")
    finally:
        server.maker.held.clear()


def test_remix(run, server):
    async def scenario(client):
        source = await made(client, size="64x64", seconds="2")
        video = await now(client.videos.remix(source.id, prompt="at night", extra_body={"strength": "mild"}))
        assert video.remixed_from_video_id == source.id and video.size == "64x64" and video.seconds == "2"
        await now(client.videos.poll(video.id))
        order = server.maker.orders[-1]
        assert (order["task"], order["settings"]["strength"]) == ("remix", 0.6)
        await now(client.videos.delete(source.id))
        assert server.files.local(order["inputs"]["video"]).stat().st_size > 0

    run(scenario)


def test_edit_of_a_file_and_by_id(run, server, tmp_path):
    async def scenario(client):
        source = await made(client)
        with clip(tmp_path / "in.mp4").open("rb") as file:
            video = await now(client.videos.edit(prompt="snow", video=file))
        await now(client.videos.poll(video.id))
        assert server.maker.orders[-1]["task"] == "edit" and video.size == "64x64" and video.seconds == "2"
        flat = {"prompt": "snow", "video[id]": source.id}
        options = {"headers": {"Content-Type": "multipart/form-data"}}
        by_form = await now(client.post("/videos/edits", cast_to=object, body=flat, options=options, files=[]))
        assert by_form["remixed_from_video_id"] == source.id
        by_json = {"prompt": "snow", "video": {"id": source.id}, "strength": 0.5}
        answer = await now(client.post("/videos/edits", cast_to=object, body=by_json))
        assert answer["status"] == "queued"

    run(scenario)


def test_extend_says_the_stitched_total(run, server):
    async def scenario(client):
        source = await made(client, seconds="4")
        body = {"prompt": "on it goes", "seconds": "8", "video": {"id": source.id}, "direction": "backward"}
        video = await now(client.post("/videos/extensions", cast_to=openai.types.Video, body=body))
        assert (video.seconds, video.remixed_from_video_id) == ("12", source.id)
        await now(client.videos.poll(video.id))
        settings = server.maker.orders[-1]["settings"]
        assert (settings["seconds"], settings["direction"]) == (8.0, "backward")
        data = server.files.local(server.store.get(source.id, "local").files["video"]).read_bytes()
        other = await now(client.videos.extend(prompt="on", seconds="4", video=data))
        assert other.seconds == "4.5"  # the file has five frames
        body = {"prompt": "on", "seconds": "20", "video": {"id": video.id}}
        for total in ("32", "52", "72", "92", "112"):
            longer = await now(client.post("/videos/extensions", cast_to=openai.types.Video, body=body))
            assert longer.seconds == total
            await now(client.videos.poll(longer.id))
            body["video"]["id"] = longer.id
        error = await refused(
            lambda: client.post("/videos/extensions", cast_to=object, body=body), openai.BadRequestError
        )
        assert (error.code, error.param) == ("too_long", "seconds")

    run(scenario)


def test_blend(run, server):
    async def scenario(client):
        first, second = [await made(client, seconds="2"), await made(client, seconds="4")]
        body = {"videos": [{"id": first.id}, {"id": second.id}], "seconds": "2"}
        video = await now(client.post("/videos/blends", cast_to=openai.types.Video, body=body))
        assert video.seconds == "8"
        await now(client.videos.poll(video.id))
        assert sorted(server.maker.orders[-1]["inputs"]) == ["first", "second"]

    run(scenario)


def test_characters(run, server, tmp_path):
    async def scenario(client):
        data = clip(tmp_path / "in.mp4").read_bytes()
        one = await now(client.videos.create_character(name="Mossy", video=data))
        assert one.name == "Mossy" and one.id.startswith("character_")
        assert (await now(client.videos.get_character(one.id))).to_dict() == one.to_dict()
        two = await now(client.videos.create_character(name="Fern", video=data))
        both = {"characters": [{"id": one.id}, {"id": two.id}]}
        await made(client, prompt="Mossy meets Fern", extra_body=both)
        order = server.maker.orders[-1]
        assert [told["name"] for told in order["characters"]] == ["Mossy", "Fern"]
        assert {told["input"] for told in order["characters"]} <= set(order["inputs"])
        error = await refused(lambda: client.videos.create(prompt="mossy", extra_body=both), openai.BadRequestError)
        assert (error.code, error.param) == ("character_not_named", "prompt")
        error = await refused(lambda: client.videos.get_character("character_" + "0" * 32), openai.NotFoundError)
        assert error.code == "character_not_found"

    run(scenario)


def test_images(run, server):
    async def scenario(client):
        found = await now(client.images.generate(prompt="a fox", n=2, size="1024x1024", extra_body={"seed": 3}))
        assert len(found.data) == 2 and found.data[0].url is None and found.usage.total_tokens == 0
        assert Image.open(io.BytesIO(base64.b64decode(found.data[1].b64_json))).size == (64, 64)
        linked = await now(client.images.generate(prompt="a fox", response_format="url", output_format="webp"))
        assert linked.data[0].b64_json is None and linked.output_format == "webp"
        kept = await now(client.with_options(base_url="http://x").get(linked.data[0].url, cast_to=bytes))
        assert kept[8:12] == b"WEBP"
        forged = linked.data[0].url.replace("/0?", "/1?")
        await refused(lambda: client.get(forged, cast_to=bytes), openai.NotFoundError)
        edited = await now(client.images.edit(image=[picture()], mask=picture(mode="RGBA"), prompt="snow"))
        order = server.maker.orders[-1]
        assert len(edited.data) == 1 and sorted(order["inputs"]) == ["image", "mask"]
        assert await now(client.images.edit(image=picture(), prompt="snow", quality="low"))
        several = lambda: client.images.edit(image=[picture(), picture()], prompt="snow")  # noqa: E731
        error = await refused(several, openai.BadRequestError)
        assert (error.param, error.code) == ("image", "invalid_value") and "one picture" in error.message
        error = await refused(lambda: client.images.generate(prompt="a fox", n=11), openai.BadRequestError)
        assert error.param == "n"
        error = await refused(lambda: client.images.generate(prompt="fail now"), openai.InternalServerError)
        assert error.code == "generation_failed"

    run(scenario)


def test_files(run, server):
    async def scenario(client):
        kept = await now(client.files.create(file=("../my fox.png", picture()), purpose="vision"))
        assert (kept.object, kept.status, kept.filename, kept.purpose) == ("file", "processed", "my fox.png", "vision")
        raw = await now(client.files.create(file=picture(), purpose="user_data"))
        assert [found.id for found in await pages(client.files.list())][:2] == [raw.id, kept.id]
        assert (await pages(client.files.list(purpose="vision")))[0].id == kept.id
        first = await now(client.files.list(limit=1))
        assert [found.id for found in first.data] == [raw.id] and first.has_more
        assert (await now(client.files.retrieve(kept.id))).bytes == kept.bytes
        assert (await now(client.files.content(kept.id))).read()[:4] == b"\x89PNG"
        await made(client, extra_body={"input_reference": {"file_id": kept.id}})
        order = server.maker.orders[-1]
        assert order["task"] == "animate" and order["inputs"]["image"].endswith("inputs/reference.png")
        assert (await now(client.files.delete(kept.id))).deleted and await now(client.files.delete(raw.id))
        await refused(lambda: client.files.retrieve(kept.id), openai.NotFoundError)
        error = await refused(lambda: client.files.create(file=b"{}", purpose="batch"), openai.BadRequestError)
        assert (error.code, error.param) == ("unsupported_format", "file")

    run(scenario)


def test_models(run):
    async def scenario(client):
        names = [model.id for model in await pages(client.models.list())]
        assert names[0] == "toy" and "sora-2" in names
        assert (await now(client.models.retrieve("sora-2"))).owned_by == "skyloom"
        await refused(lambda: client.models.retrieve("gpt-9"), openai.NotFoundError)
        error = await refused(lambda: client.videos.create(prompt="x", model="sora-9"), openai.NotFoundError)
        assert (error.code, error.param) == ("model_not_found", "model")
        assert (await made(client, model="toy")).model == "toy"

    run(scenario)


@pytest.mark.skipif(not hasattr(openai.OpenAI, "content_provenance_checks"), reason="this client does not know it")
def test_content_provenance_check(run, monkeypatch):
    mark = {"found": True, "score": 9.5, "threshold": 6.0, "payload": "0000002a", "agrees_with_manifest": True}
    manifest = {"state": "broken", "signer": "me", "program": "skyloom", "problems": ["changed"], "ingredients": []}
    report = {"manifest": {**manifest, "generation": {"model": "toy"}}, "invisible_mark": mark, "visible_mark": None}
    seen = []
    monkeypatch.setattr(provenance, "_looked_at", lambda path: seen.append(path.suffix) or report)

    async def scenario(client):
        found = await now(client.content_provenance_checks.create(file=picture(64, 64)))
        assert [(one.type, one.outcome) for one in found.results] == [
            ("c2pa", "not_detected"), ("invisible_mark", "detected"), ("visible_mark", "not_detected"),
        ]  # fmt: skip
        assert (found.results[0].validation_state, found.results[0].model) == ("invalid", "toy")
        assert found.results[1].payload == "0000002a" and seen == [".png"]

    run(scenario)


REFUSED = [
    ({"prompt": " "}, "prompt", "invalid_value"),
    ({"prompt": "x" * 32001}, "prompt", "invalid_value"),
    ({"prompt": "x", "seconds": "0"}, "seconds", "invalid_value"),
    ({"prompt": "x", "seconds": "soon"}, "seconds", "invalid_value"),
    ({"prompt": "x", "seconds": "121"}, "seconds", "invalid_value"),
    ({"prompt": "x", "size": "big"}, "size", "invalid_value"),
    ({"prompt": "x", "input_reference": b"no picture"}, "input_reference", "unsupported_format"),
    ({"prompt": "x", "extra_body": {"colour": "red"}}, "colour", "unknown_parameter"),
    ({"prompt": "x", "extra_body": {"style": "cartoonish"}}, "style", "invalid_value"),
    ({"prompt": "x", "extra_body": {"keyframes": [{"time": 0}]}}, "keyframes.0", "invalid_value"),
    ({"prompt": "x", "extra_body": {"characters": [{"id": "a"}] * 3}}, "characters", "invalid_value"),
]


@pytest.mark.parametrize(("settings", "param", "code"), REFUSED)
def test_what_is_refused_names_its_parameter(run, server, settings, param, code):
    before = sum(server.store.counts().values())

    async def scenario(client):
        error = await refused(lambda: client.videos.create(**settings), openai.BadRequestError)
        assert (error.param, error.code, error.type) == (param, code, "invalid_request_error")
        assert error.request_id.startswith("req_") and error.body["message"]

    run(scenario)
    assert sum(server.store.counts().values()) == before
