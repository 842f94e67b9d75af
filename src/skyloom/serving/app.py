"""The app: routes, doors and a frame around a store and a folder of files.

    app = create_app(Store.open("jobs.db"), Files("files"), Settings(read_offer()))

It makes nothing itself and knows no torch: workers do that, from the same store.
"""

from __future__ import annotations

from importlib.metadata import version

from fastapi import FastAPI
from starlette.types import Lifespan

from skyloom.serving import docs, errors, routes_edits, routes_files, routes_images, routes_other, routes_videos
from skyloom.serving.doors import Doors
from skyloom.serving.files import Files
from skyloom.serving.frame import Frame
from skyloom.serving.glances import Glances
from skyloom.serving.house import House
from skyloom.serving.metrics import Metrics
from skyloom.serving.quick import Quick
from skyloom.serving.settings import Settings
from skyloom.serving.store import Store

ABOUT = "Videos and pictures from words: OpenAI's Videos API, answered on your own machine."


def create_app(store: Store, files: Files, settings: Settings, lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """Return an ASGI app that answers the API from a store and its files."""
    app = FastAPI(
        title="Skyloom", version=version("skyloom"), description=ABOUT, docs_url=None, redoc_url=None,
        lifespan=lifespan, generate_unique_id_function=lambda route: route.name, separate_input_output_schemas=False,
    )  # fmt: skip
    metrics = Metrics()
    house = app.state.house = House(store, files, settings, Doors(store, settings), metrics, Glances())
    for routes in (routes_edits, routes_videos, routes_images, routes_files, routes_other):
        app.include_router(routes.router)
    errors.install(app)
    app.openapi = lambda: docs.openapi(app)
    app.add_middleware(Quick, house=house)
    app.add_middleware(Frame, metrics=metrics, max_body_bytes=settings.max_body_bytes)
    return app
