"""The scene of an attack, on a real socket."""

import pytest

from tests.daemon.pages.attacks.scene import Scene
from tests.daemon.pages.conftest import _hashed


@pytest.fixture
async def scene(site, users, stranger, clock):
    scene = Scene(site, stranger.session._base_url.port, clock)
    await scene.prepare(_hashed())
    return scene
