#!/bin/sh
# `passbackd` as its service sees the world: user, state directory, paths, environment and credentials are those of the
# unit, drop-ins included, and the configuration is the service's own.
set -eu
program=/opt/passbackd/lib/passbackd/bin/passbackd
for word; do
    case "$word" in
    # These need nothing of the service.
    -h | --help | --version | --install-completion | --show-completion) exec "$program" "$@" ;;
    esac
done
if test -n "${_PASSBACKD_COMPLETE-}" || test $# -eq 0; then
    exec "$program" "$@"
fi
if test "$(id -u)" -ne 0; then
    echo "passbackd: only root may act as the service: sudo passbackd ..." >&2
    exit 2
fi
if test ! -d /run/systemd/system; then
    echo "passbackd: systemd does not run here, so there is no service to act as; $program is the bare command" >&2
    exit 2
fi
unit=$(systemctl cat passbackd.service)

set -- "$program" "$@"
# The record of actions names who called.
test -z "${SUDO_USER-}" || set -- "--setenv=SUDO_USER=$SUDO_USER" "$@"
kept='User|Group|SupplementaryGroups|DynamicUser|StateDirectory|StateDirectoryMode|UMask|LimitCORE'
kept="$kept|(ReadWrite|ReadOnly|Inaccessible|Exec|NoExec)Paths|Bind(ReadOnly)?Paths"
kept="$kept|Environment|EnvironmentFile|UnsetEnvironment|(Load|Set)Credential(Encrypted)?"
# The last line first, since each goes to the front.
while IFS= read -r line; do
    test -z "$line" || set -- "--property=$line" "$@"
done <<END
$(printf '%s\n' "$unit" | sed -n -E "s/^($kept)[[:space:]]*=[[:space:]]*/\1=/p" | tac)
END
exec systemd-run --quiet --collect --wait --pty --pipe --unit="passbackd-command-$$" \
    --description="passbackd, as an operator called it" \
    --working-directory=/opt/passbackd/etc/passbackd "$@"
