"""A signing key that belongs to the tests, never the user's."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def own_keys(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SKYLOOM_SIGNING_KEY", "SKYLOOM_SIGNING_CHAIN"):
            patch.delenv(name, raising=False)
        patch.setenv("SKYLOOM_KEYS", str(tmp_path_factory.mktemp("keys")))
        yield
