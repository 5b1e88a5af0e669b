#!/bin/sh
# Unpacks MariaDB's server, with the libraries that Debian's package needs, into the folder $1, without root.
# apt has checked the packages against the signed index of the machine's own sources; Debian removes a version from
# them with the next fix, so that no version could be named here that is still there in a year.
set -eu

command -v apt-get > /dev/null || { echo "no Debian here: PLATFORM_SQLITE=yes make test-openedx" >&2; exit 1; }
packages="mariadb-server mariadb-server-core liburing2 libaio1 libaio1t64 libnuma1 libsnappy1v5"
work=$(mktemp -d "$1.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

options=""
if ! apt-get download -q mariadb-server-core > log 2>&1; then
    # No index, or an old one: one of our own, since the machine's belongs to root.
    mkdir -p lists/partial cache/archives/partial
    options="-o Dir::State::Lists=$work/lists -o Dir::Cache=$work/cache"
    apt-get $options update -q > log 2>&1 || { cat log >&2; exit 1; }
fi
for package in $packages; do
    # Of the two names of a library, one is in this release.
    case "$package" in mariadb-*) ;; *) apt-cache $options show "$package" > show 2>&1 || continue ;; esac
    apt-get $options download -q "$package" > log 2>&1 || { cat log >&2; exit 1; }
done
mkdir root
for package in *.deb; do
    dpkg -x "$package" root
done
rm -rf "$1"
mv root "$1"
touch "$1"
