"""Loading: which file, relative to what, and every fault listed with its source."""

from pathlib import Path

import pytest

from daemon.config import ConfigError, find_config_file, load
from tests.daemon.config.files import faults, written


def test_the_file_that_is_named_wins_and_must_exist(tmp_path):
    written(tmp_path, "")
    other = tmp_path / "other.toml"
    other.write_text("")
    assert find_config_file(Path("other.toml"), tmp_path) == other
    assert find_config_file(other, tmp_path / "elsewhere") == other
    with pytest.raises(ConfigError, match=r"^--config \(missing.toml\): there is no such file"):
        find_config_file(Path("missing.toml"), tmp_path)
    with pytest.raises(ConfigError):
        load(find_config_file(Path("x" * 300), tmp_path), {})


def test_the_current_folder_comes_before_the_system(tmp_path):
    system = tmp_path / "system.toml"
    assert find_config_file(None, tmp_path, system=system) is None
    system.write_text("")
    assert find_config_file(None, tmp_path, system=system) == system
    here = written(tmp_path, "")
    assert find_config_file(None, tmp_path, system=system) == here


def test_relative_paths_start_at_the_folder_of_the_file_or_at_the_current_one(tmp_path):
    (tmp_path / "ca.pem").write_text("")
    config = load(written(tmp_path, '[egress]\nca_file = "ca.pem"'), {})
    assert config.database.url == f"sqlite://{tmp_path}/state/passbackd.db"
    assert config.redis.embedded_dir == tmp_path / "state" / "valkey"
    assert config.egress.ca_file == tmp_path / "ca.pem"
    assert load(None, {}, cwd=tmp_path).redis.embedded_dir == tmp_path / "state" / "valkey"
    text = '[database]\nurl = "sqlite:///srv/x.db"\n[redis]\nembedded_dir = "/srv/valkey"'
    config = load(written(tmp_path, text), {})
    assert (config.database.url, str(config.redis.embedded_dir)) == ("sqlite:///srv/x.db", "/srv/valkey")


def test_every_fault_is_listed_with_its_key_and_its_source(tmp_path):
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "database.ulr").write_text("x")
    (credentials / "redis.url").write_bytes(b"\xff")
    environ = {"CREDENTIALS_DIRECTORY": str(credentials), "PASSBACKD_REDIS_URL": "redis://x"}
    assert faults(tmp_path, "[databse]\n[web]\nprt = 1\n", environ) == [
        f"database.ulr (credential {credentials}/database.ulr): unknown key: perhaps database.url is meant?",
        f"redis.url (credential {credentials}/redis.url): cannot be read as UTF-8 text: write it anew",
        "PASSBACKD_REDIS_URL (environment): unknown variable: perhaps PASSBACKD_REDIS__URL is meant?",
        f"web.prt ({tmp_path}/config.toml): unknown key: perhaps web.port is meant?",
        f"databse ({tmp_path}/config.toml): unknown section: perhaps database is meant?",
    ]
