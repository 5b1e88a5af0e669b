#!/bin/sh
# Removes what `make install` put there. The data in $STATEDIR stays, as does a configuration that was changed: there too.
set -eu
: "${PREFIX:?}" "${UNITDIR:?}" "${STATEDIR:?}"

config="$PREFIX/etc/config.toml" unit="$UNITDIR/passbackd.service"

if test -e "$config" && ! cmp -s "$config" "$PREFIX/share/config.toml"; then
    mkdir -p "$STATEDIR"
    mv "$config" "$STATEDIR/config.toml"
    echo "kept your configuration as $STATEDIR/config.toml"
fi
rm -rf "$PREFIX/venv" "$PREFIX/bin/passbackd" "$PREFIX/share/doc" "$PREFIX/share/config.toml" "$config" "$unit"
# Credentials that somebody put there are theirs; what is empty goes.
for folder in "$PREFIX/etc/credentials" "$PREFIX/etc" "$PREFIX/share" "$PREFIX/bin" "$PREFIX"; do
    rmdir "$folder" 2>/dev/null || true
done
test ! -e "$STATEDIR" || echo "the data stays in $STATEDIR"
