#!/bin/sh
# Installs passbackd below $PREFIX, in a virtual environment of its own, and its unit into $UNITDIR. Run by `make install`
# in the project's folder; run again it upgrades, and leaves the configuration as it is.
set -eu
: "${PREFIX:?}" "${UNITDIR:?}" "${STATEDIR:?}"

venv="$PREFIX/venv" config="$PREFIX/etc/config.toml" unit="$UNITDIR/passbackd.service"

"$PYTHON" -c 'import sys; sys.exit("passbackd needs Python 3.11 or newer: make install PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
mkdir -p "$PREFIX/bin" "$PREFIX/etc/credentials" "$PREFIX/share/doc" "$UNITDIR"
chmod 700 "$PREFIX/etc/credentials"
test -x "$venv/bin/python" || "$PYTHON" -m venv "$venv"
pip() {
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}
echo "installing passbackd into $venv"
pip --require-hashes -r requirements.txt
pip --no-deps --no-build-isolation --force-reinstall .
ln -sf "$venv/bin/passbackd" "$PREFIX/bin/passbackd"
cp docs/*.md "$PREFIX/share/doc/"

if test -e "$config"; then
    echo "kept $config"
else
    # What the service keeps lies in its state directory, not beside its configuration.
    sed -e "s#\"sqlite://state/passbackd.db\"#\"sqlite://$STATEDIR/passbackd.db\"#" \
        -e "s#\"state/valkey\"#\"$STATEDIR/valkey\"#" config.toml > "$config"
    cp "$config" "$PREFIX/share/config.toml"
    echo "wrote $config"
fi

sed -e "s#/opt/passbackd#$PREFIX#g" -e "s#%S/passbackd#$STATEDIR#" deploy/systemd/passbackd.service > "$unit"
echo "wrote $unit"
cat <<END
Next, as root:
  systemctl daemon-reload
  systemctl enable --now passbackd
END
