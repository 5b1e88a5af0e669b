#!/bin/sh
# Builds the clients into the folder BUILT: wheels and sources of those in Python, and the npm package. It takes them out
# of passbackd's own source, which BUILT has: so they hold what is published, and no file that only lies in a checkout.
# Run by deploy/release/build.sh in the project's folder; clients/typescript/node_modules has the compiler.
#
#     clients.sh BUILT VERSION WORK
set -eu
: "${BIN:?}" "${SOURCE_DATE_EPOCH:?}"
built=$1 version=$2 work=$3
python=$(cd "$BIN" && pwd)/python
project=$PWD
# npm packs the modes of files as they are.
umask 022
mkdir "$work"
tar -xzf "$built/passbackd-$version.tar.gz" -C "$work" --strip-components=1 --no-same-owner

for client in python openedx tutor; do
    # Each is installed without the others, and so has the licence's text of its own.
    cp LICENSE "$work/clients/$client/"
    (cd "$work/clients/$client" && "$python" -m hatchling build --directory "$built" > /dev/null)
done

if ! command -v npm > /dev/null; then
    echo "left out: the npm package, for want of npm"
    exit
fi
cd "$work/clients/typescript"
# Not that of the checkout: npm keeps its mode.
cp "$work/LICENSE" .
ln -s "$project/clients/typescript/node_modules" node_modules
# npm itself would do both, and print what its script prints among the names of files.
npm run --silent build
npm pack --silent --ignore-scripts --pack-destination "$built" > /dev/null
