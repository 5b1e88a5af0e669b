#!/bin/sh
# passbackd in one file, for Linux on x86-64 and Python @PYTHONS@; PYTHON=... names the one to use.
#   passbackd.pex venv DIR   makes a virtual environment of it, without an index; DIR/bin/passbackd is the command
#   passbackd.pex ...        is the command itself, which unpacks itself first, once, below ~/.cache/pex
fits='import sys; sys.exit("%d.%d" % sys.version_info[:2] not in "@PYTHONS@".split())'
for python in ${PYTHON:-python3 $(printf 'python%s ' @PYTHONS@)}; do
    if "$python" -c "$fits" 2> /dev/null; then
        test "${1-}" = venv || exec "$python" "$0" "$@"
        root=$(mktemp -d) || exit 1
        trap 'rm -rf "$root"' EXIT
        shift
        PEX_ROOT="$root" PEX_TOOLS=1 "$python" "$0" venv --compile "$@"
        exit
    fi
done
echo "passbackd.pex needs Python @PYTHONS@: PYTHON=/path/to/python3 $0 ..." >&2
exit 2
