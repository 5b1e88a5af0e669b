"""What the operator can set: in ``config.toml``, credentials, environment. An error names key, source and cure."""

from daemon.config.errors import ConfigError, Fault
from daemon.config.load import Loaded, find_config_file, load
from daemon.config.sections import Config
from daemon.config.show import effective
from daemon.config.values import zone

__all__ = ["Config", "ConfigError", "Fault", "Loaded", "effective", "find_config_file", "load", "zone"]
