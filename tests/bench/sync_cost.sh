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
# The counts are the disk's own. After each file system there is what it and
# the guest's kernel have counted in all, to be compared.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${BUILD:-$root/build}
case $build in /*) ;; *) build=$root/$build ;; esac
PATH=$PATH:/usr/sbin:/sbin
systems="ext4 exfat vfat"

# all NAME COUNTS
all()
{
	awk -v name="$1" '{ print name ": " $5 " writes, " $7 / 2 " KiB, " \
		$16 " flushes" }' "$2"
}

# In the guest: each disk in turn.
if [ "${1-}" = guest ]; then
	disk=a
	for system in $systems; do
		mount -t "$system" "/dev/vd$disk" /mnt
		echo "$system"
		"$build/perf/sync_cost" /mnt "$2/$system.counts"
		umount /mnt
		all "in all, the disk" "$2/$system.counts"
		all "in all, the kernel" "/sys/block/vd$disk/stat"
		disk=$(echo "$disk" | tr abc bcd)
	done
	exit
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/share"

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
			"$work/$system" "$work/share/$system.counts" \
			"$2" "$3" &
		disks+=($!)
		until [ -S "$work/$system.socket" ]; do
			sleep 0.05
		done
		options+=(--module "$system" --qemu -drive --qemu
			"if=none,id=$system,format=raw,file.driver=nbd,file.path=$work/$system.socket"
			--qemu -device --qemu
			"virtio-blk-pci,drive=$system,num-queues=1,request-merging=off,write-cache=$4")
	done
	"$here/vm.sh" --timeout 1800 --share "$work/share" "${options[@]}" \
		env "BUILD=$build" "$here/sync_cost.sh" guest "$work/share" ||
		status=$?
	# One that QEMU never came to waits for ever.
	[ $status -eq 0 ] || kill "${disks[@]}" 2>/dev/null || true
	wait "${disks[@]}" || true
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
