#!/bin/sh
# Removes what `make install` put there, and nothing else. Data, credentials and a configuration that was changed stay
# where they are, and are named.
set -eu
: "${PREFIX:?}" "${UNITDIR:?}" "${STATEDIR:?}" "${BINDIR:?}"

config="$PREFIX/etc/passbackd/config.toml" credentials="$PREFIX/etc/passbackd/credentials"

if cmp -s "$config" "$PREFIX/share/passbackd/config.toml"; then
    rm -f "$config"
fi
if test "$(readlink "$BINDIR/passbackd")" = "$PREFIX/bin/passbackd"; then
    rm -f "$BINDIR/passbackd"
fi
rm -rf "$PREFIX/lib/passbackd" "$PREFIX/share/doc/passbackd" "$PREFIX/share/passbackd"
rm -f "$PREFIX/bin/passbackd" "$UNITDIR/passbackd.service"
# Empty folders go.
for folder in etc/passbackd/credentials etc/passbackd etc share/doc share lib bin; do
    rmdir "$PREFIX/$folder" 2>/dev/null || true
done
rmdir "$PREFIX" 2>/dev/null || true
test ! -e "$config" || echo "left: your configuration $config"
test ! -e "$credentials" || echo "left: the credentials in $credentials (passwords and keys)"
test ! -e "$UNITDIR/passbackd.service.d" || echo "left: your drop-ins in $UNITDIR/passbackd.service.d"
test ! -e "$STATEDIR" || echo "left: the data in $STATEDIR"
