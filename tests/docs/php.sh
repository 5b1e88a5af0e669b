#!/bin/sh
# Makes $1/bin/php: the PHP of this machine, else that of Debian's packages, unpacked into the folder $1 without root.
set -eu

if php=$(command -v php); then
    mkdir -p "$1/bin"
    ln -sf "$php" "$1/bin/php"
    exit
fi
command -v apt-get > /dev/null || { echo "no Debian here: install PHP 8 for the recipe of docs/feed.md" >&2; exit 1; }
work=$(mktemp -d "$1.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

options=""
if ! apt-get download -q php-cli > log 2>&1; then
    # No index, or an old one: one of our own, since the machine's belongs to root.
    mkdir -p lists/partial cache/archives/partial
    options="-o Dir::State::Lists=$work/lists -o Dir::Cache=$work/cache"
    apt-get $options update -q > log 2>&1 || { cat log >&2; exit 1; }
fi
# The package of the release's own version, and the libraries below it that are not in every Debian.
needed=$(apt-cache $options depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
    --no-enhances php-cli | grep -E '^(php[0-9.]+-(cli|common)|lib[a-z0-9.+-]+)$' | sort -u |
    grep -vE '^lib(c6|c-|gcc|stdc|crypt1|perl|debconf|systemd|text-)')
apt-get $options download -q $needed > log 2>&1 || { cat log >&2; exit 1; }
mkdir -p root/bin
for package in *.deb; do
    dpkg -x "$package" root
done
program=$(basename root/usr/bin/php[0-9]*.[0-9]*)
cat > root/bin/php <<END
#!/bin/sh
root=\$(dirname "\$(dirname "\$(readlink -f "\$0")")")
export LD_LIBRARY_PATH="\$(echo "\$root"/usr/lib/*-linux-gnu | tr ' ' ':'):\$(echo "\$root"/lib/*-linux-gnu | tr ' ' ':')"
exec "\$root/usr/bin/$program" -n "\$@"
END
chmod +x root/bin/php
rm -rf "$1"
mv root "$1"
