#!/bin/sh
# Installs passbackd below $PREFIX, in a virtual environment of its own, and its unit into $UNITDIR. Run by `make install`
# in the project's folder; run again it upgrades, and leaves the configuration as it is.
set -eu
: "${PREFIX:?}" "${UNITDIR:?}" "${STATEDIR:?}"
case "$PREFIX$UNITDIR$STATEDIR" in
*[!A-Za-z0-9/._-]*)
    echo "make install: PREFIX, UNITDIR and STATEDIR may hold letters, digits and / . _ - only" >&2
    exit 2
    ;;
esac

venv="$PREFIX/lib/passbackd" config="$PREFIX/etc/passbackd/config.toml" unit="$UNITDIR/passbackd.service"
doc="$PREFIX/share/doc/passbackd"

"$PYTHON" -c 'import sys; sys.exit("passbackd needs Python 3.11 or newer: make install PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
mkdir -p "$PREFIX/bin" "$PREFIX/lib" "$PREFIX/etc/passbackd/credentials" "$PREFIX/share/passbackd" "$UNITDIR"
chmod 700 "$PREFIX/etc/passbackd/credentials"
test -x "$venv/bin/python" || "$PYTHON" -m venv "$venv"
pip() {
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}
echo "installing passbackd into $venv"
pip --require-hashes -r requirements.txt
pip --no-deps --no-build-isolation --force-reinstall .
ln -sf "$venv/bin/passbackd" "$PREFIX/bin/passbackd"
# Laid out as the project, so that links between the pages lead somewhere.
rm -rf "$doc"
mkdir -p "$doc"
cp -R README.md CONTRIBUTING.md CHANGELOG.md LICENSE config.toml docs deploy "$doc/"

if test -e "$config"; then
    echo "kept $config"
else
    # What the service keeps lies in its state directory, not beside its configuration.
    sed -e "s#\"sqlite://state/passbackd.db\"#\"sqlite://$STATEDIR/passbackd.db\"#" \
        -e "s#\"state/valkey\"#\"$STATEDIR/valkey\"#" config.toml > "$config"
    cp "$config" "$PREFIX/share/passbackd/config.toml"
    echo "wrote $config"
fi

sed -e "s#/opt/passbackd#$PREFIX#g" deploy/systemd/passbackd.service > "$unit"
echo "wrote $unit"
if test "$STATEDIR" != /var/lib/passbackd; then
    echo "note: the service may write to /var/lib/passbackd only; with $STATEDIR the daemon can be tried by hand"
fi
cat <<END
Next, as root:
  systemctl daemon-reload
  systemctl enable --now passbackd
END
