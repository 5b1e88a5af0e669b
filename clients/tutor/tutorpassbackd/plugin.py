"""Adds passbackd, a Valkey of its own and the relay of ``openedx-passbackd`` to Tutor's environment."""

from pathlib import Path

from tutor import hooks

_HERE = Path(__file__).parent

#: Settings that an operator may change, by ``tutor config save --set``.
_DEFAULTS = {
    "DATABASE_URL": "sqlite:////data/passbackd.db",
    "STREAM": "passback:events",
    "COMPOSITE_DELAY_SECONDS": 900,
    "REPLACES_LTI_PROVIDER": False,
    "CONSUMERS": [],
    "REQUIREMENT": "passbackd",
    "OPENEDX_REQUIREMENT": "openedx-passbackd",
    "DOCKER_IMAGE": "{{ DOCKER_REGISTRY }}passbackd:latest",
    "VALKEY_DOCKER_IMAGE": "{{ DOCKER_REGISTRY }}valkey/valkey:8.1",
}
#: Made once and kept in Tutor's config.yml.
_UNIQUE = {
    # 43 of base64's characters hold the 32 bytes of a key of `secrets.keys`.
    "SECRETS_KEY": "{{ 43|random_string }}=",
    "VALKEY_PASSWORD": "{{ 32|random_string }}",
}
_IMAGE = "{{ PASSBACKD_DOCKER_IMAGE }}"

hooks.Filters.CONFIG_DEFAULTS.add_items([(f"PASSBACKD_{name}", value) for name, value in _DEFAULTS.items()])
hooks.Filters.CONFIG_UNIQUE.add_items([(f"PASSBACKD_{name}", value) for name, value in _UNIQUE.items()])

hooks.Filters.ENV_TEMPLATE_ROOTS.add_item(str(_HERE / "templates"))
hooks.Filters.ENV_TEMPLATE_TARGETS.add_items([("passbackd/apps", "plugins"), ("passbackd/build", "plugins")])
for _patch in sorted((_HERE / "patches").iterdir()):
    hooks.Filters.ENV_PATCHES.add_item((_patch.name, _patch.read_text(encoding="utf-8")))

hooks.Filters.IMAGES_BUILD.add_item(("passbackd", ("plugins", "passbackd", "build", "passbackd"), _IMAGE, ()))
hooks.Filters.IMAGES_PUSH.add_item(("passbackd", _IMAGE))

hooks.Filters.CLI_DO_INIT_TASKS.add_item(("passbackd", "passbackd migrate"))
