"""What ``clients/tutor`` adds to Tutor's environment, as the real Tutor renders it."""

import ast
import re
import subprocess
from pathlib import Path

import pytest
import redis

from tests.blackbox.world import COMMAND
from tests.servers import RedisServer, valkey_binary

README = Path(__file__).parents[2] / "clients/tutor/README.md"


def settings_of(path):
    """What a module of settings says of passbackd, without the platform that it imports."""
    found = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name.startswith("PASSBACKD_"):
                found[name] = ast.literal_eval(node.value)
    return found


def named(documents, kind):
    return {one["metadata"]["name"]: one for one in documents if one["kind"] == kind}


@pytest.fixture
def password(tutor):
    return tutor.run("config", "printvalue", "PASSBACKD_VALKEY_PASSWORD").strip()


class ConfiguredValkey(RedisServer):
    """A Valkey that reads a rendered file; only its place and its port are others."""

    def __init__(self, folder, config, password):
        super().__init__(folder, valkey_binary())
        self._config = config
        self.password = password

    def client(self):
        return redis.Redis(host=self.host, port=self.port, password=self.password, socket_timeout=1, retry=None)

    def _command(self):
        config = self.folder / "valkey.conf"
        config.write_text(self._config.read_text().replace("dir /data", f"dir {self.folder}"))
        return [str(self._binary), str(config), "--bind", self.host, "--port", str(self.port)]

    def _answers(self):
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def test_the_containers_of_docker_compose_are_the_daemon_its_valkey_and_the_relay(tutor):
    (local,) = tutor.yaml("local/docker-compose.yml")
    services = local["services"]
    assert {"passbackd", "passbackd-valkey", "passbackd-relay"} <= set(services)
    daemon, valkey, relay = (services[name] for name in ("passbackd", "passbackd-valkey", "passbackd-relay"))
    assert "../plugins/passbackd/apps/config.toml:/etc/passbackd/config.toml:roz" in daemon["volumes"]
    assert "../plugins/passbackd/apps/valkey.conf:/etc/valkey/valkey.conf:roz" in valkey["volumes"]
    assert valkey["command"] == "valkey-server /etc/valkey/valkey.conf"
    assert relay["image"] == services["lms"]["image"]
    assert relay["command"].endswith("lms passbackd_relay")
    # No port of theirs is published.
    assert not any("ports" in one for one in (daemon, valkey, relay))
    (jobs,) = tutor.yaml("local/docker-compose.jobs.yml")
    assert jobs["services"]["passbackd-job"]["image"] == daemon["image"]
    kept = {"../../data/passbackd:/mounts/passbackd:z", "../../data/passbackd-valkey:/mounts/passbackd-valkey:z"}
    assert kept <= set(services["permissions"]["volumes"])
    owners = tutor.file("apps/permissions/setowners.sh")
    assert "setowner 1000 /mounts/passbackd /mounts/passbackd-valkey" in owners.read_text()


def test_kubernetes_gets_the_same_and_every_volume_and_file_that_it_mounts(tutor):
    deployments = named(tutor.yaml("k8s/deployments.yml"), "Deployment")
    claims = named(tutor.yaml("k8s/volumes.yml"), "PersistentVolumeClaim")
    jobs = named(tutor.yaml("k8s/jobs.yml"), "Job")
    (kustomization,) = tutor.yaml("kustomization.yml")
    maps = {one["name"]: one["files"] for one in kustomization["configMapGenerator"]}
    ours = ["passbackd", "passbackd-valkey", "passbackd-relay"]
    for deployment in [deployments[name] for name in ours] + [jobs["passbackd-job"]]:
        pod = deployment["spec"]["template"]["spec"]
        for volume in pod["volumes"]:
            if "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in claims
            else:
                assert volume["configMap"]["name"] in maps
        mounted = {mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod["volumes"]}
    assert all(tutor.file(path).is_file() for path in maps["passbackd-config"])
    assert {"passbackd", "passbackd-valkey"} <= set(named(tutor.yaml("k8s/services.yml"), "Service"))


def test_passbackd_takes_the_rendered_configuration_and_hides_its_passwords(tutor, password):
    config = tutor.file("plugins/passbackd/apps/config.toml")
    shown = subprocess.run(
        [*COMMAND, "config", "--changed", "--config", str(config)], capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr
    assert "passbackd-valkey:6379" in shown.stdout
    assert "sqlite:////data/passbackd.db" in shown.stdout
    key = tutor.run("config", "printvalue", "PASSBACKD_SECRETS_KEY").strip()
    assert password not in shown.stdout
    assert key not in shown.stdout


def test_the_key_for_secrets_encrypts(tutor):
    from models.encryption import Cipher  # noqa: PLC0415 - of this test alone

    cipher = Cipher([tutor.run("config", "printvalue", "PASSBACKD_SECRETS_KEY").strip()])
    assert cipher.decrypt(cipher.encrypt("a secret")) == "a secret"


def test_its_valkey_keeps_what_it_is_given_and_asks_for_the_password(tutor, password, server_folder):
    server = ConfiguredValkey(
        server_folder / "tutor-valkey", tutor.file("plugins/passbackd/apps/valkey.conf"), password
    )
    try:
        server.start()
        with server.client() as client:
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            client.xadd("passback:events", {"type": "score.changed"})
        with pytest.raises(redis.AuthenticationError), redis.Redis(host=server.host, port=server.port) as client:
            client.ping()
        server.kill()
        server.start()
        with server.client() as client:
            assert client.xlen("passback:events") == 1
    finally:
        server.close()


def test_both_halves_of_the_platform_get_the_settings_and_nothing_is_sent_at_first(tutor, password):
    for half in ("lms", "cms"):
        assert settings_of(tutor.file(f"apps/openedx/settings/{half}/production.py")) == {
            "PASSBACKD_REDIS_URL": f"redis://:{password}@passbackd-valkey:6379/0",
            "PASSBACKD_STREAM": "passback:events",
            "PASSBACKD_REPLACES_LTI_PROVIDER": False,
            "PASSBACKD_CONSUMERS": [],
        }
    assert "install 'openedx-passbackd'" in tutor.file("build/openedx/Dockerfile").read_text()


def test_settings_that_an_operator_saves_are_rendered_and_passwords_stay(tutor, password, tmp_path):
    tutor.save(PASSBACKD_REPLACES_LTI_PROVIDER=True, PASSBACKD_CONSUMERS=["north", 'so"uth'])
    settings = settings_of(tutor.file("apps/openedx/settings/lms/production.py"))
    assert settings["PASSBACKD_REPLACES_LTI_PROVIDER"] is True
    assert settings["PASSBACKD_CONSUMERS"] == ["north", 'so"uth']
    assert settings["PASSBACKD_REDIS_URL"] == f"redis://:{password}@passbackd-valkey:6379/0"
    tutor.save(PASSBACKD_REPLACES_LTI_PROVIDER=False, PASSBACKD_CONSUMERS=[])


def test_the_page_shows_every_setting_with_its_default(tutor):
    rows = dict(re.findall(r"^\| `(PASSBACKD_\w+)` \| `(.*?)` \|", README.read_text(), re.MULTILINE))
    for name, default in rows.items():
        if "{{" not in default:
            assert tutor.run("config", "printvalue", name).strip() == default, name
    plugin = (README.parent / "tutorpassbackd/plugin.py").read_text()
    names = re.search(r"_DEFAULTS = \{(.*?)\n\}", plugin, re.DOTALL)[1]
    assert set(rows) == {f"PASSBACKD_{name}" for name in re.findall(r'^    "(\w+)":', names, re.MULTILINE)}


def test_the_image_is_built_of_what_was_rendered(tutor):
    built = tutor.file("plugins/passbackd/build/passbackd/Dockerfile").read_text()
    assert "pip install --no-cache-dir 'passbackd'" in built
    assert "USER 1000:1000" in built


def test_the_platforms_image_takes_several_requirements_as_the_page_says(tutor):
    (urls,) = re.findall(r"--set PASSBACKD_OPENEDX_REQUIREMENT='(\[.*\])'", README.read_text())
    tutor.run("config", "save", f"--set=PASSBACKD_OPENEDX_REQUIREMENT={urls}")
    (client, plugin) = urls.strip("[]").split(", ")
    assert f"install '{client}' '{plugin}'\n" in tutor.file("build/openedx/Dockerfile").read_text()
