#!/bin/sh
# Installs passbackd below $PREFIX, in a virtual environment of its own, its unit into $UNITDIR and its command into
# $BINDIR. Run by `make install` in the project's folder; run again it upgrades, and leaves configuration and credentials
# as they are. $EMBEDDED=yes: with a Valkey of its own. $PEX: the file passbackd.pex, which has one too, to install from in
# place of an index of packages.
set -eu
# The service's user has to read what is installed, whatever the caller's umask is, and only root may write it.
umask 022
: "${PREFIX:?}" "${UNITDIR:?}" "${STATEDIR:?}" "${BINDIR:?}"
fail() {
    echo "make install: $*" >&2
    exit 2
}
case "$PREFIX$UNITDIR$STATEDIR$BINDIR" in
*[!A-Za-z0-9/._-]*) fail "PREFIX, UNITDIR, STATEDIR and BINDIR may hold letters, digits and / . _ - only" ;;
esac

venv="$PREFIX/lib/passbackd" config="$PREFIX/etc/passbackd/config.toml" unit="$UNITDIR/passbackd.service"
doc="$PREFIX/share/doc/passbackd" command="$BINDIR/passbackd" own="$PREFIX/bin/passbackd"
requirements=requirements.txt
test "${EMBEDDED:-no}" != yes || requirements=requirements-embedded.txt

"$PYTHON" -c 'import sys; sys.exit("passbackd needs Python 3.11 or newer: make install PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
if test "$STATEDIR" = /var/lib/passbackd; then
    case "$("$PYTHON" -c 'import os, sys; print(os.path.realpath(sys.executable))')" in
    /home/* | /root/* | /run/user/*)
        fail "the service sees no home, and $PYTHON lies in one: name another, as in make install PYTHON=/usr/bin/python3"
        ;;
    esac
fi
if test "$PREFIX" = /opt/passbackd && test -e /opt/passbackd/lib/passbackd.pex; then
    fail "the Debian package is installed there: remove it (apt-get remove passbackd), or choose another PREFIX"
fi
# What is written here is written as root: a link would lead it elsewhere.
for file in bin lib etc etc/passbackd etc/passbackd/credentials etc/passbackd/config.toml lib/passbackd share \
    share/passbackd share/passbackd/config.toml share/doc share/doc/passbackd; do
    test ! -L "$PREFIX/$file" || fail "$PREFIX/$file is a symbolic link: remove it, or choose another PREFIX"
done
test ! -L "$unit" || fail "$unit is a symbolic link: remove it (systemctl unmask passbackd, or disable passbackd)"
if test "$command" != "$own" && test -e "$command" && test "$(readlink "$command")" != "$own"; then
    fail "$command is another program's: remove it, or choose another BINDIR"
fi

for folder in bin lib etc etc/passbackd share share/passbackd share/doc; do
    mkdir -p "$PREFIX/$folder"
done
mkdir -p "$UNITDIR" "$BINDIR"
test -d "$PREFIX/etc/passbackd/credentials" || mkdir -m 700 "$PREFIX/etc/passbackd/credentials"
chmod 700 "$PREFIX/etc/passbackd/credentials"
pip() {
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}
echo "installing passbackd into $venv"
if test -n "${PEX-}"; then
    PYTHON="$PYTHON" sh "$PEX" venv --force "$venv"
else
    # An environment from the one file has no pip.
    "$venv/bin/python" -c 'import pip' 2> /dev/null || "$PYTHON" -m venv --clear "$venv"
    pip --require-hashes -r "$requirements"
    pip --no-deps --no-build-isolation --force-reinstall .
fi
# Laid out as the project, so that links between the pages lead somewhere.
rm -rf "$doc"
mkdir "$doc"
cp -R README.md CONTRIBUTING.md CHANGELOG.md SECURITY.md LICENSE config.toml docs deploy "$doc/"
# What Python leaves beside the steps of a release.
find "$doc" -name __pycache__ -prune -exec rm -r {} +
chmod -R u=rwX,go=rX "$doc"

# Replaces "$1", should that be there, by standard input, with the mode "$2".
write() {
    new=$(mktemp "$1.XXXXXX")
    cat > "$new"
    chmod "$2" "$new"
    mv -fT "$new" "$1"
    echo "wrote $1"
}
if test -e "$config"; then
    echo "kept $config"
else
    # What the service keeps lies in its state directory, not beside its configuration.
    sed -e "s#\"sqlite://state/passbackd.db\"#\"sqlite://$STATEDIR/passbackd.db\"#" \
        -e "s#\"state/valkey\"#\"$STATEDIR/valkey\"#" config.toml | write "$config" 644
    write "$PREFIX/share/passbackd/config.toml" 644 < "$config" > /dev/null
fi
sed -e "s#/opt/passbackd#$PREFIX#g" deploy/systemd/passbackd.service | write "$unit" 644
sed -e "s#/opt/passbackd#$PREFIX#g" deploy/passbackd.sh | write "$own" 755
test "$command" = "$own" || ln -sfT "$own" "$command"
if test "$STATEDIR" != /var/lib/passbackd; then
    echo "note: the service may write to /var/lib/passbackd only; with $STATEDIR the daemon can be tried by hand"
fi
case ":$PATH:" in
*":$BINDIR:"*) called=passbackd ;;
*) called=$command ;;
esac
cat <<END
Next, as root:
  systemctl daemon-reload
  systemctl enable --now passbackd
  $called status
END
