#!/bin/sh
# Removes what `make install` put there, and nothing else. The data in $STATEDIR stays, as does a configuration that was
# changed: there too.
set -eu
: "${PREFIX:?}" "${UNITDIR:?}" "${STATEDIR:?}"

config="$PREFIX/etc/passbackd/config.toml" shipped="$PREFIX/share/passbackd/config.toml"

if test -e "$config" && ! cmp -s "$config" "$shipped"; then
    mkdir -p "$STATEDIR"
    kept="$STATEDIR/config.toml"
    test ! -e "$kept" || kept="$STATEDIR/config-$(date +%Y%m%d-%H%M%S).toml"
    mv "$config" "$kept"
    echo "kept your configuration as $kept"
fi
rm -rf "$PREFIX/lib/passbackd" "$PREFIX/share/doc/passbackd" "$PREFIX/share/passbackd"
rm -f "$PREFIX/bin/passbackd" "$config" "$UNITDIR/passbackd.service"
# Credentials of the operator stay; empty folders go.
for folder in etc/passbackd/credentials etc/passbackd etc share/doc share lib bin; do
    rmdir "$PREFIX/$folder" 2>/dev/null || true
done
rmdir "$PREFIX" 2>/dev/null || true
test ! -e "$STATEDIR" || echo "the data stays in $STATEDIR"
