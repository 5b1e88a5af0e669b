#!/bin/sh
# Makes $2/bin/$1, of php or chromium: that of this machine, else that of Debian's packages, unpacked into the folder $2
# without root.
set -eu

case "$1" in
    php)
        package=php-cli names="php" instead="PHP 8, for the recipe of docs/feed.md"
        # The package of the release's own version, and the libraries below it that are not in every Debian.
        wanted='^(php[0-9.]+-(cli|common)|lib[a-z0-9.+-]+)$'
        unwanted='^lib(c6|c-|gcc|stdc|crypt1|perl|debconf|systemd|text-)'
        program='"$root"/usr/bin/php[0-9]*.[0-9]* -n'
        ;;
    chromium)
        package=chromium-headless-shell names="chromium-headless-shell chromium chromium-browser google-chrome"
        instead="Chromium, for the tests of the pages"
        wanted='^(chromium-(headless-shell|common)|fonts-dejavu-core|fontconfig-config|lib[a-z0-9.+-]+)$'
        # Nothing is drawn by the machine's graphics card.
        unwanted='^lib(c6|c-|gcc|stdc|perl|debconf|debian-installer|text-|gl1|llvm)'
        program='"$root"/usr/lib/chromium/chromium-headless-shell'
        ;;
    *) echo "debian.sh knows php and chromium, not $1" >&2; exit 1 ;;
esac

for name in $names; do
    if found=$(command -v "$name"); then
        mkdir -p "$2/bin"
        ln -sf "$found" "$2/bin/$1"
        exit
    fi
done
command -v apt-get > /dev/null || { echo "no Debian here: install $instead" >&2; exit 1; }
work=$(mktemp -d "$2.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
give_up() {
    cat log >&2
    echo "Debian's package $package did not come: install $instead" >&2
    exit 1
}

options=""
if ! apt-get download -q "$package" > log 2>&1; then
    # No index, or an old one: one of our own, since the machine's belongs to root.
    mkdir -p lists/partial cache/archives/partial
    options="-o Dir::State::Lists=$work/lists -o Dir::Cache=$work/cache"
    apt-get $options update -q > log 2>&1 || give_up
fi
needed=$(apt-cache $options depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
    --no-enhances "$package" 2> log | grep -E "$wanted" | sort -u | grep -vE "$unwanted") || give_up
apt-get $options download -q $needed > log 2>&1 || give_up
mkdir -p root/bin
for archive in *.deb; do
    dpkg -x "$archive" root
done
cat > root/fonts.conf <<END
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>$2/usr/share/fonts</dir><cachedir>$2/cache</cachedir></fontconfig>
END
cat > "root/bin/$1" <<END
#!/bin/sh
root=\$(dirname "\$(dirname "\$(readlink -f "\$0")")")
libraries=\$(echo "\$root"/usr/lib/*-linux-gnu "\$root"/lib/*-linux-gnu "\$root"/usr/lib/*-linux-gnu/pulseaudio)
export LD_LIBRARY_PATH="\$(echo "\$libraries" | tr ' ' ':')" FONTCONFIG_FILE="\$root/fonts.conf"
exec $program "\$@"
END
chmod +x "root/bin/$1"
rm -rf "$2"
mv root "$2"
