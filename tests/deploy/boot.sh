#!/usr/bin/env bash
# Boots systemd as process 1 of a machine that is this one, seen through a layer of its own: whatever it writes, `make
# install` included, is gone with it. Root. `enter` and `init` are called by the script itself.
#
#     boot.sh PROJECT FOLDER CGROUP [bare]
#
# FOLDER is empty; CGROUP is the name of a control group at the top of each hierarchy, which the caller removes; bare: with
# passbackd not installed.
set -euo pipefail

main() {
    local group=$3 hierarchy
    for hierarchy in $(hierarchies); do
        mkdir -p "$hierarchy/$group"
        if test -e "$hierarchy/$group/cpuset.cpus"; then
            cat "$hierarchy/cpuset.cpus" > "$hierarchy/$group/cpuset.cpus"
            cat "$hierarchy/cpuset.mems" > "$hierarchy/$group/cpuset.mems"
        fi
    done
    exec unshare --mount --propagation private bash "$0" enter "$@"
}

# Where control groups are mounted: once if they are of version 2, else once for each controller.
hierarchies() {
    findmnt --noheadings --list --types cgroup,cgroup2 --output TARGET | sort -u
}

enter() {
    local project=$1 folder=$2 group=$3 bare=${4-} root=$2/root hierarchy
    mount -t tmpfs tmpfs "$folder"
    mkdir "$folder/upper" "$folder/work" "$root"
    mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$root"
    mount -t tmpfs tmpfs "$root/tmp"
    mkdir -p "$root$project"
    mount --bind "$project" "$root$project"
    mount -o remount,bind,ro "$root$project"
    devices "$root/dev"
    mount --bind /proc "$root/proc"
    install_packages "$root"
    test "$bare" = bare || make_install "$root" "$project"
    # A home that no service may see.
    mkdir -p "$root/home/operator"
    echo private > "$root/home/operator/file"
    umount "$root/proc"
    # What was written, for those who look from outside.
    mount --bind "$folder/upper" "$root/mnt"
    for hierarchy in $(hierarchies); do
        echo $$ > "$hierarchy/$group/cgroup.procs"
    done
    exec unshare --fork --kill-child --pid --mount --uts --ipc --net --cgroup --propagation private \
        bash "$0" init "$root" "$(hierarchies | paste -sd:)"
}

devices() {
    mount -t tmpfs -o mode=755 tmpfs "$1"
    for node in null zero full random urandom tty; do
        touch "$1/$node"
        mount --bind "/dev/$node" "$1/$node"
    done
    mkdir "$1/pts" "$1/shm"
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$1/pts"
    mount -t tmpfs tmpfs "$1/shm"
    ln -s pts/ptmx "$1/ptmx"
    ln -s /proc/self/fd "$1/fd"
}

# What the machine lacks it gets in that layer alone.
install_packages() {
    local lacks=
    test -x "$1/lib/systemd/systemd" || lacks="$lacks systemd"
    test -x "$1/usr/bin/dbus-daemon" || lacks="$lacks dbus"
    chroot "$1" /usr/bin/python3 -c 'import ensurepip' 2> /dev/null || lacks="$lacks python3-venv"
    test -z "$lacks" || chroot "$1" sh -c "apt-get update -q && apt-get install -q -y --no-install-recommends $lacks"
}

# A Python in a home is none for a service.
make_install() {
    chroot "$1" make --no-print-directory -C "$2" install EMBEDDED=yes PYTHON=/usr/bin/python3
}

init() {
    local root=$1 hierarchy
    mount -t proc proc "$root/proc"
    mount -t sysfs -o ro sysfs "$root/sys"
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    mkdir -p "$root/run/lock"
    control_groups "$root" "$2"
    # None of the machine's own services, and nothing that tidies folders up.
    rm -rf "$root"/{usr/lib,lib,etc}/systemd/system/{sysinit,basic,sockets,timers,local-fs,multi-user}.target.wants
    mkdir -p "$root/run/systemd/system"
    printf '[Unit]\nRequires=basic.target\nWants=dbus.socket systemd-journald.service\n' > "$root/run/systemd/system/only.target"
    cd "$root"
    mkdir -p old
    pivot_root . old
    umount -l old
    # As systemd itself does it on a whole machine: credentials are mounted in a namespace that propagates to this one.
    mount --make-rshared /
    export container=lxc
    exec /lib/systemd/systemd --system --show-status=no --unit=only.target
}

# The same hierarchies as outside, beginning at this machine's own group.
control_groups() {
    local root=$1 hierarchy
    for hierarchy in ${2//:/ }; do
        case $(findmnt --noheadings --output FSTYPE --target "$hierarchy" | tail -1) in
        cgroup2)
            mountpoint -q "$root/sys/fs/cgroup" || test "$hierarchy" = /sys/fs/cgroup || mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
            mkdir -p "$root$hierarchy"
            mount -t cgroup2 cgroup2 "$root$hierarchy"
            ;;
        cgroup)
            mountpoint -q "$root/sys/fs/cgroup" || mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
            mkdir -p "$root$hierarchy"
            local options=${hierarchy##*/}
            test "$options" != systemd || options=none,name=systemd
            mount -t cgroup -o "$options" cgroup "$root$hierarchy"
            ;;
        esac
    done
}

case ${1-} in
enter | init) "$@" ;;
*) main "$@" ;;
esac
