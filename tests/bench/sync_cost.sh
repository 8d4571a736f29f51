#!/bin/bash
# What a sync of 32 tracks costs on ext4, exFAT and FAT32: tests/perf/sync_cost
# in the virtual machine, on a fresh disk image for each. FORMAT.md has the
# figures and what follows from them.
#
#     tests/bench/sync_cost.sh

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${BUILD:-$root/build}
case $build in /*) ;; *) build=$root/$build ;; esac
PATH=$PATH:/usr/sbin:/sbin
systems="ext4 exfat vfat"

# In the guest: each disk in turn.
if [ "${1-}" = guest ]; then
	disk=a
	for system in $systems; do
		mount -t "$system" "/dev/vd$disk" /mnt
		echo "$system"
		"$build/perf/sync_cost" /mnt "vd$disk"
		umount /mnt
		disk=$(echo "$disk" | tr abc bcd)
	done
	exit
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
options=()
for system in $systems; do
	truncate -s 2G "$work/$system"
	options+=(--disk "$work/$system" --module "$system")
done
mkfs.ext4 -q "$work/ext4"
mkfs.exfat "$work/exfat" >/dev/null
mkfs.vfat -F 32 "$work/vfat" >/dev/null
"$here/vm.sh" "${options[@]}" "$here/sync_cost.sh" guest
