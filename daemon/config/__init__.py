"""What the operator can set: in ``config.toml``, credentials, environment. An error names key, source and cure."""

from daemon.config.errors import ConfigError, ConfigFault
from daemon.config.load import find_config_file, load
from daemon.config.sections import Config
from daemon.config.show import effective
from daemon.config.values import zone

__all__ = ["Config", "ConfigError", "ConfigFault", "effective", "find_config_file", "load", "zone"]
