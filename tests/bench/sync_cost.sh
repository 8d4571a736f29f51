#!/bin/bash
# What a sync of 32 tracks costs on ext4, exFAT and FAT32: tests/perf/sync_cost
# in the virtual machine, on fresh disks of several kinds (slow_disk.c), which
# have one queue and do one thing at a time. FORMAT.md has the figures and what
# follows from them.
#
#     tests/bench/sync_cost.sh [KIND...]
#
# ideal     nothing takes time but this machine's own
# flush     a cache flush takes 20 ms
# slow      a flush takes 20 ms, a write 2 ms
# uncached  no cache, so the kernel asks for no flush; a write takes 5 ms
#
# After each kind the disks say what they were asked for in all, to compare
# with the guest's counts.

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
		awk -v disk="vd$disk" '{ print disk ": " $5 " writes, " \
			$7 / 2 " KiB, " $16 " flushes" }' \
			"/sys/block/vd$disk/stat"
		disk=$(echo "$disk" | tr abc bcd)
	done
	exit
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

make_images()
{
	local system

	for system in $systems; do
		rm -f "$work/$system"
		truncate -s 2G "$work/$system"
	done
	mkfs.ext4 -q "$work/ext4"
	mkfs.exfat "$work/exfat" >/dev/null
	mkfs.vfat -F 32 "$work/vfat" >/dev/null
}

# measure KIND WRITE-MS FLUSH-MS CACHE
measure()
{
	local options=() disks=() system status=0

	echo "== $1"
	make_images
	for system in $systems; do
		rm -f "$work/$system.socket"
		"$build/bench/slow_disk" "$work/$system.socket" \
			"$work/$system" "$2" "$3" >"$work/$system.asked" &
		disks+=($!)
		until [ -S "$work/$system.socket" ]; do
			sleep 0.05
		done
		options+=(--module "$system" --qemu -drive --qemu
			"if=none,id=$system,format=raw,file.driver=nbd,file.path=$work/$system.socket"
			--qemu -device --qemu
			"virtio-blk-pci,drive=$system,num-queues=1,request-merging=off,write-cache=$4")
	done
	"$here/vm.sh" --timeout 1800 "${options[@]}" "$here/sync_cost.sh" \
		guest || status=$?
	# One that QEMU never came to waits for ever.
	[ $status -eq 0 ] || kill "${disks[@]}" 2>/dev/null || true
	wait "${disks[@]}" || true
	for system in $systems; do
		echo "$system's disk: $(cat "$work/$system.asked")"
	done
	return $status
}

[ $# -gt 0 ] || set -- ideal flush slow uncached
for kind; do
	case $kind in
	ideal) measure ideal 0 0 on ;;
	flush) measure flush 0 20 on ;;
	slow) measure slow 2 20 on ;;
	uncached) measure uncached 5 0 off ;;
	*)
		sed -n '/^#     tests/,/^# uncached/s/^# \{0,1\}//p' "$0" >&2
		exit 2
		;;
	esac
done
