#!/bin/sh
# Builds what a release consists of into $DIST: wheel, sdist, passbackd.pex, Debian package, Containerfile,
# compose.yaml, SBOM, the clients and checksums. Run by `make dist` in the project's folder, which has fetched the wheels of
# requirements-embedded.txt, by their hashes, for each Python of $PYTHONS into $WHEELS; nothing is fetched here. $BIN is
# the environment with the tools. Built twice from one commit, each file is the same, byte for byte.
set -eu
: "${BIN:?}" "${DIST:?}" "${PYTHONS:?}" "${WHEELS:?}"
umask 022
export LC_ALL=C TZ=UTC PYTHONHASHSEED=0
# The time of all files: that of the newest commit, without git that of the newest release, without one 1980.
if test -z "${SOURCE_DATE_EPOCH-}"; then
    day=$(sed -n 's/^## \[.*\] - \([0-9-]*\)$/\1/p' CHANGELOG.md | head -1)
    SOURCE_DATE_EPOCH=$(git --git-dir=.git log -1 --format=%ct 2> /dev/null || date -d "${day:-1980-01-02}" +%s)
fi
export SOURCE_DATE_EPOCH

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
built="$work/built"
mkdir "$built"

echo "building wheel and sdist"
"$BIN/python" -m hatchling build --directory "$built" > /dev/null 2> "$work/log" || {
    cat "$work/log" >&2
    exit 1
}
version=$("$BIN/python" -m hatchling version)

echo "building the clients"
sh deploy/release/clients.sh "$built" "$version" "$work/clients" 2> "$work/log" || {
    cat "$work/log" >&2
    exit 1
}

echo "building passbackd.pex for Python $PYTHONS"
set -- "$BIN/pex" "passbackd[embedded]==$version" --no-index --no-build --find-links "$built" --pex-root "$work/pex"
for python in $PYTHONS; do
    "$BIN/python" deploy/release/target.py "$python" > "$work/$python.json"
    set -- "$@" --find-links "$WHEELS/$python" --complete-platform "$work/$python.json"
done
# An environment that it unpacks itself into: then the processes that the command starts find its packages.
"$@" --venv --include-tools --console-script passbackd --python-shebang "/usr/bin/env python3" --output "$work/zip" > /dev/null
sed "s/@PYTHONS@/$PYTHONS/g" deploy/release/pex-head.sh | cat - "$work/zip" > "$built/passbackd.pex"
chmod 755 "$built/passbackd.pex"

cp deploy/Containerfile deploy/compose.yaml "$built/"
# The same call as `make sbom`, with the embedded Valkey that the one file holds.
"$BIN/python" -W ignore -m cyclonedx_py requirements --pyproject pyproject.toml --output-reproducible \
    --output-format JSON --output-file "$built/sbom.json" requirements-embedded.txt

if command -v dpkg-deb > /dev/null; then
    echo "building the Debian package"
    sh deploy/debian/build.sh "$built" "$version" "$PYTHONS" "$work/debian"
else
    echo "left out: the Debian package, for want of dpkg-deb"
fi

(cd "$built" && sha256sum -- * > "$work/SHA256SUMS")
mkdir -p "$DIST"
for name in passbackd passbackd_client openedx_passbackd tutor_contrib_passbackd; do
    rm -f "$DIST/$name"-*.whl "$DIST/$name"-*.tar.gz
done
rm -f "$DIST"/passbackd-client-*.tgz "$DIST"/passbackd_*.deb
cp "$built"/* "$work/SHA256SUMS" "$DIST/"
echo "built in $DIST:"
(cd "$DIST" && ls -1 -s --block-size=KiB)
