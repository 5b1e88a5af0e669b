"""The package works wherever Python does: nothing is installed with it."""

import subprocess
import sys

import passbackd_client

_SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
sys.modules["redis"] = None
import passbackd_client
allowed = {*sys.stdlib_module_names, "passbackd_client", "__main__"}
print(sorted({name.partition(".")[0] for name in sys.modules} - allowed))
try:
    import passbackd_client.redis_feed
except ImportError as error:
    print(error.name)
"""


def test_events_and_http_need_the_standard_library_alone():
    folder = passbackd_client.__path__[0].removesuffix("passbackd_client")
    # Without the packages of this environment.
    command = [sys.executable, "-I", "-S", "-c", _SCRIPT, folder]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
    assert said == ["['redis']", "redis", ""]


def test_what_it_offers_is_what_it_names():
    assert all(hasattr(passbackd_client, name) for name in passbackd_client.__all__)
