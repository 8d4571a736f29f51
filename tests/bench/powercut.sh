#!/bin/bash
# Power cuts on ext4, exFAT and FAT32. Takes are recorded, named, finished,
# killed and healed in the virtual machine, on a disk whose every write is
# logged in true order by QEMU; then the disk is brought to what it held at CUTS
# moments of that, mounted, healed and held against the counter pattern that
# was recorded (tests/bench/powercut.c).
#
#     tests/bench/powercut.sh [OPTION...]
#
#   --cuts N       moments for each file system and number of tracks (500)
#   --systems "S"  "ext4 exfat vfat"
#   --tracks "T"   "8 32"
#   --seconds S    length of each of the two takes (6)
#   --seed N       of the moments (1)
#   --host         without a virtual machine, on ext4 and this kernel: ten times
#                  as fast. Needs root, loop devices and FUSE
#
# Free space is full of frames of an older take. Exit status 0 only if nothing
# that had been called safe is lost, and every take is whole, in every case.

set -euo pipefail

# On the host nobody else is to see what is mounted.
case " $* " in
*" --host "*)
	[ -n "${UNSHARED-}" ] || UNSHARED=1 exec unshare --mount "$0" "$@"
	;;
esac

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${BUILD:-$root/build}
case $build in /*) ;; *) build=$root/$build ;; esac
export BUILD=$build CACHE=${CACHE:-$root/.cache}
PATH=$PATH:/usr/sbin:/sbin

cuts=500 systems="ext4 exfat vfat" tracks="8 32" seconds=6 seed=1
host=no
while [ $# -gt 0 ]; do
	case $1 in
	--host) host=yes; systems=ext4; shift; continue ;;
	--cuts) cuts=$2 ;;
	--systems) systems=$2 ;;
	--tracks) tracks=$2 ;;
	--seconds) seconds=$2 ;;
	--seed) seed=$2 ;;
	*) echo "powercut: no option $1" >&2; exit 2 ;;
	esac
	shift 2
done

# On the host images are copied many times: in memory, where there is room.
place=$build/bench
mkdir -p "$place"
[ $host = no ] || [ "$(df --output=avail /dev/shm | tail -n 1)" -lt $((4 << 20)) ] ||
	place=/dev/shm
work=$(mktemp -d "$place/powercut.XXXXXX")
trap 'rm -rf "$work"' EXIT
size=$((256 << 20))

# An older take of the same kind: what free space is full of.
make_stale()
{
	local device="takebox_virtual:CHANNELS=8,SIGNAL=counter"

	ALSA_CONFIG_PATH=$build/virtual.conf "$build/takebox" run \
		-D "$device" -c 8 -d 6 -o "$work/old" >/dev/null
	cat "$work"/old/Takebox/*/*/*.flac >"$work/stale"
	rm -rf "$work/old"
}

# A disk image: the file system, and a sector's room for marks behind it.
make_disk()
{
	local system=$1 disk=$2

	while cat "$work/stale"; do :; done 2>/dev/null |
		head -c $size >"$disk" || true
	case $system in
	ext4) mkfs.ext4 -q -E nodiscard,lazy_itable_init=0,lazy_journal_init=0 \
		"$disk" ;;
	exfat) mkfs.exfat "$disk" >/dev/null ;;
	vfat) mkfs.vfat -F 32 "$disk" >/dev/null ;;
	esac
	truncate -s +4096 "$disk"
}

record_in_machine()
{
	local system=$1 count=$2

	truncate -s 4G "$work/log"
	"$here/vm.sh" --share "$work" --timeout 150 --module "$system" \
		--qemu -blockdev --qemu "driver=raw,node-name=disk0,file.driver=file,file.filename=$work/disk" \
		--qemu -blockdev --qemu "driver=raw,node-name=log0,file.driver=file,file.filename=$work/log" \
		--qemu -blockdev --qemu "driver=blklogwrites,node-name=logged,file=disk0,log=log0,log-sector-size=512" \
		--qemu -device --qemu virtio-blk-pci,drive=logged \
		"$here/powercut_guest.sh" record "$system" "$count" \
		"$seconds" "$size" "$work"
}

# The same without a machine: the log is made by QEMU's storage daemon, which
# shows the disk as a file, and that is a loop device.
record_on_host()
{
	local system=$1 count=$2 loop daemon status=0 tries

	truncate -s 4G "$work/log"
	touch "$work/fuse"
	qemu-storage-daemon \
		--blockdev "driver=file,node-name=disk0,filename=$work/disk" \
		--blockdev "driver=file,node-name=log0,filename=$work/log" \
		--blockdev "driver=blklogwrites,node-name=logged,file=disk0,log=log0,log-sector-size=512" \
		--export "fuse,id=disk,node-name=logged,mountpoint=$work/fuse,writable=on" &
	daemon=$!
	for ((tries = 0; tries < 100; tries++)); do
		[ ! -s "$work/fuse" ] || break
		sleep 0.1
	done
	loop=$(losetup -f --show "$work/fuse")
	DISK=$loop timeout 150 "$here/powercut_guest.sh" record "$system" \
		"$count" "$seconds" "$size" "$work" || status=$?
	! mountpoint -q /mnt || umount /mnt
	losetup -d "$loop"
	kill "$daemon"
	wait "$daemon" || true
	return "$status"
}

record()
{
	if [ $host = yes ]; then
		record_on_host "$@"
	else
		record_in_machine "$@"
	fi
}

# A busy host makes the emulated machine stand still, and sound is lost on the
# way in: such a recording is no reference, and is made again.
record_whole()
{
	local system=$1 count=$2 attempt

	for attempt in 1 2 3; do
		make_disk "$system" "$work/disk"
		cp --sparse=always "$work/disk" "$work/base"
		rm -f "$work/log"
		record "$system" "$count" >"$work/record.log" 2>&1 || {
			cat "$work/record.log"
			continue
		}
		# Every take is whole and has no gap.
		awk '$6 != 0 || $7 != "whole" { bad = 1 }
			END { exit bad || NR != 3 }' "$work/reference" &&
			return 0
		cat "$work/reference"
		echo "powercut: attempt $attempt is no reference" >&2
	done
	return 1
}

replay()
{
	local system=$1

	if [ $host = yes ]; then
		"$build/bench/powercut" replay "$work/base" "$work/log" \
			"$system" "$work/reference" $size "$cuts" "$seed"
		return
	fi
	"$here/vm.sh" --share "$work" --timeout 7200 --module "$system" \
		--module dm-snapshot --module "brd rd_nr=1 rd_size=131072" \
		--disk "$work/base" --disk "$work/log" \
		"$here/powercut_guest.sh" replay "$system" $size "$cuts" \
		"$seed" "$work"
}

make_stale
status=0
for system in $systems; do
	for count in $tracks; do
		record_whole "$system" "$count" || { status=1; continue; }
		replay "$system" >"$work/replay.log" 2>&1 || status=1
		grep -E 'FAIL|^guest|^vm' "$work/replay.log" | head -n 20 || true
		grep '^SUMMARY' "$work/replay.log" |
			sed "s/^SUMMARY/$count tracks,/" || {
			tail -n 20 "$work/replay.log"
			status=1
		}
	done
done
exit $status
