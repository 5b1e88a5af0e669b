#!/bin/sh
# Builds the Debian package of passbackd.pex into the folder BUILT, which has it. Run by deploy/release/build.sh.
#
#     build.sh BUILT VERSION PYTHONS WORK
set -eu
built=$1 version=$2 pythons=$3 root=$4
mkdir -p "$root/DEBIAN" "$root/etc/passbackd/credentials" "$root/opt/passbackd/lib" "$root/usr/bin" \
    "$root/usr/lib/systemd/system" "$root/usr/lib/sysusers.d" "$root/usr/share/doc/passbackd"
chmod 700 "$root/etc/passbackd/credentials"

install -m 644 "$built/passbackd.pex" "$root/opt/passbackd/lib/passbackd.pex"
# The places of `make install`, but for what Debian has places of its own for.
places='s#/opt/passbackd/etc/passbackd#/etc/passbackd#g; s#/opt/passbackd/share/doc#/usr/share/doc#g'
sed "$places" deploy/systemd/passbackd.service > "$root/usr/lib/systemd/system/passbackd.service"
sed "$places" deploy/passbackd.sh > "$root/usr/bin/passbackd"
chmod 755 "$root/usr/bin/passbackd"
cp deploy/debian/sysusers.conf "$root/usr/lib/sysusers.d/passbackd.conf"
sed -e 's#"sqlite://state/passbackd.db"#"sqlite:///var/lib/passbackd/passbackd.db"#' \
    -e 's#"state/valkey"#"/var/lib/passbackd/valkey"#' config.toml > "$root/etc/passbackd/config.toml"
cp -R README.md CONTRIBUTING.md CHANGELOG.md SECURITY.md config.toml docs deploy "$root/usr/share/doc/passbackd/"
# What Python leaves beside the steps of a release.
find "$root/usr/share/doc/passbackd" -name __pycache__ -prune -exec rm -r {} +
cp LICENSE "$root/usr/share/doc/passbackd/copyright"
ln -s copyright "$root/usr/share/doc/passbackd/LICENSE"
chmod -R u=rwX,go=rX "$root/usr/share/doc/passbackd"

lowest=$(printf '%s\n' $pythons | sort -V | head -1) highest=$(printf '%s\n' $pythons | sort -V | tail -1)
# In KiB; the virtual environment that postinst makes is twice the size of the file.
size=$(find "$root" -type f -printf '%s\n' | awk '{ sum += $1 } END { print int(sum / 1024) + 140000 }')
cat > "$root/DEBIAN/control" <<END
Package: passbackd
Version: $version
Architecture: amd64
Section: net
Priority: optional
Maintainer: The maintainers of passbackd <passbackd@localhost>
Installed-Size: $size
Depends: python3 (>= $lowest), python3 (<< ${highest%.*}.$((${highest#*.} + 1))), systemd | systemd-standalone-sysusers
Description: passes grades back from a learning tool to campus LMSs over LTI
 The daemon reads from a Redis stream that a score has changed, and sends the
 grades that this changes to the campuses over LTI 1.1 and LTI 1.3: the newest
 score always, never an older one. It runs in a virtual environment of its own
 below /opt/passbackd, which this package makes without an index of packages.
END
echo /etc/passbackd/config.toml > "$root/DEBIAN/conffiles"
cp deploy/debian/triggers "$root/DEBIAN/triggers"
for script in preinst postinst prerm postrm; do
    install -m 755 "deploy/debian/$script" "$root/DEBIAN/$script"
done
(cd "$root" && find opt usr -type f -print0 | sort -z | xargs -0 md5sum > DEBIAN/md5sums)
find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
# Most of it is compressed already.
dpkg-deb --root-owner-group --uniform-compression -Zgzip -z1 --build "$root" "$built/passbackd_${version}_amd64.deb" > /dev/null
