"""``target.py 3.12``: what a Python on Linux and x86-64 is to pex, so that no such Python is needed to build for it."""

import json
import sys

from packaging.tags import compatible_tags, cpython_tags

#: The C library of Debian 12, and older ones as far back as there are wheels.
GLIBC = range(36, 4, -1)


def target(version: str) -> dict[str, object]:
    """The markers and tags of CPython *version*, as "3.12"; its first release, for which most is needed."""
    major, minor = map(int, version.split("."))
    platforms = [f"manylinux_2_{number}_x86_64" for number in GLIBC]
    platforms += ["manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64", "linux_x86_64"]
    abi = f"cp{major}{minor}"
    tags = [
        *cpython_tags((major, minor), abis=[abi], platforms=platforms),
        *compatible_tags((major, minor), interpreter=abi, platforms=platforms),
    ]
    markers = {
        "implementation_name": "cpython",
        "implementation_version": f"{version}.0",
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": f"{version}.0",
        "python_version": version,
        "sys_platform": "linux",
    }
    return {"marker_environment": markers, "compatible_tags": list(map(str, tags))}


if __name__ == "__main__":
    json.dump(target(sys.argv[1]), sys.stdout)
