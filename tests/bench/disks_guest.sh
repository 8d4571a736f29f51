#!/bin/bash
# In the virtual machine: takes onto disks that the kernel itself delays, fails
# and takes away. What each came to is left in WORK for disks.bats to judge:
#
#     disks_guest.sh BUILD WORK CASE...
#
#     CASE.takes   folder, verdict, frames and the reason of each take
#     CASE.seams   for each take the device's first frame and how many, or
#                  "broken" if its tracks are not one stretch of the counter
#     CASE.log     what takeboxd said
#
# The disks: /dev/vda, which the device mapper stands before, and a USB stick,
# which QEMU plugs in and pulls out: its monitor is a serial port of the guest.

set -u

build=$1 work=$2
shift 2
# There is none that could make the device mapper's devices.
export DM_DISABLE_UDEV=1
# The recorder's, and the next one, which is of memory.
first=/run/A second=/run/B
sectors=$(blockdev --getsz /dev/vda)
# shellcheck source=tests/bench/recorder_guest.sh
. "$(dirname "$0")/recorder_guest.sh"

start_logged()
{
	: >/run/takeboxd.log
	start_recorder 2 60 "folder = \"$first\"; next = \"$second\";
		preroll = 0.0;"
}

# One take from here on, safe for a second before anything happens.
begin()
{
	start_logged
	takebox record >/dev/null || fail "no take"
	wait_for at_least .take.durable 1
}

finish()
{
	takebox stop >/dev/null || fail "no stop"
	wait_for is .state idle
}

# stretch TAKE: see the head.
stretch()
{
	local file

	for file in "$1"/*.flac; do
		"$build/e2e/segments" "$file" | awk '
			{ lines++; at = $4; frames = $2; kind = $3 }
			END {
				if (lines == 1 && kind == "counter")
					print at, frames
				else
					print "broken"
			}'
	done | sort -u | xargs
}

# judge CASE TAKE...: what the takes came to, with the recorder gone.
judge()
{
	local name=$1 take

	shift
	kill "$daemon" "$tape"
	wait "$daemon" "$tape"
	tape='' daemon=''
	for take; do
		jq -r --arg take "$take" --arg verdict "$(takebox verify --json \
			"$take" | jq -r '.takes[0].verdict')" \
			'"\($take) \($verdict) \(.frames) \(.stopped_by)"' \
			"$take/take.json" >>"$work/$name.takes"
		stretch "$take" >>"$work/$name.seams"
	done
	cp /run/takeboxd.log "$work/$name.log"
	umount -l "$second" "$first"
}

# map LINE: the disk that the device mapper makes of /dev/vda from now on.
map()
{
	if ! dmsetup suspend --noflush --nolockfs disk ||
		! dmsetup load disk --table "0 $sectors $1" ||
		! dmsetup resume disk; then
		fail "no disk: $1"
	fi
}

mount_mapped()
{
	mkfs.ext4 -qF /dev/vda
	dmsetup create disk --table "0 $sectors linear /dev/vda 0" ||
		fail "no device mapper"
	mount -o errors=remount-ro /dev/mapper/disk "$first" ||
		fail "the disk does not mount"
}

# Each write and flush takes four seconds.
case_slow()
{
	mount_mapped
	begin
	map "delay /dev/vda 0 0 /dev/vda 0 4000"
	wait_for at_least .take.seconds 7
	map "linear /dev/vda 0"
	before=$(status_of .take.seconds)
	wait_for at_least .take.durable "$before"
	finish
	judge slow $first/Takebox/Show/Take-001
	dmsetup remove --retry disk
}

# Writes fail from now on, reads do not.
case_failing()
{
	mount_mapped
	begin
	map "flakey /dev/vda 0 0 60 1 error_writes"
	wait_for is .medium.folder $second
	wait_for at_least .take.durable 1
	map "linear /dev/vda 0"
	finish
	umount "$first"
	fsck.ext4 -fy /dev/mapper/disk >/dev/null 2>&1
	mount /dev/mapper/disk "$first" || fail "it does not mount again"
	wait_for test -s $first/Takebox/Show/Take-001/take.json
	judge failing $first/Takebox/Show/Take-001 $second/Takebox/Show/Take-002
	dmsetup remove --retry disk
}

# The file system's own books are wrong: nothing can be given to a file.
case_corrupt()
{
	mkfs.ext4 -qF /dev/vda
	for block in $(dumpe2fs /dev/vda 2>/dev/null |
		sed -n 's/.*Block bitmap at \([0-9]*\).*/\1/p'); do
		dd if=/dev/urandom of=/dev/vda bs="$(blockdev_size)" count=1 \
			seek="$block" conv=notrunc status=none
	done
	mount -o errors=remount-ro /dev/vda "$first" ||
		fail "the disk does not mount"
	start_logged
	takebox record >/dev/null || fail "no take"
	wait_for is .medium.folder $second
	wait_for at_least .take.durable 2
	finish
	judge corrupt "$(echo $second/Takebox/Show/Take-00?)"
}

blockdev_size()
{
	dumpe2fs -h /dev/vda 2>/dev/null | sed -n 's/^Block size: *//p'
}

# monitor COMMAND: to QEMU.
monitor()
{
	echo "$1" >"$port"
}

stick()
{
	local disk

	for disk in /sys/block/sd*; do
		if [ "$(cat "$disk/size" 2>/dev/null)" -gt 0 ]; then
			echo "/dev/${disk##*/}"
			return
		fi
	done
	return 1
}

no_stick()
{
	! stick >/dev/null
}

plug_in()
{
	monitor "device_add usb-storage,id=stick,drive=stick,bus=usb.0"
	wait_for stick >/dev/null
}

# A stick that is pulled out while it is written to, and put back.
case_pulled()
{
	for port in /sys/class/virtio-ports/*; do
		[ "$(cat "$port/name")" != monitor ] || break
	done
	port=/dev/${port##*/}
	plug_in
	mkfs.vfat -F 32 "$(stick)" >/dev/null || fail "no file system"
	mount "$(stick)" "$first" || fail "the stick does not mount"
	begin
	monitor "device_del stick"
	wait_for no_stick
	umount -l "$first"
	wait_for is .medium.folder $second
	wait_for at_least .take.durable 1
	plug_in
	mount "$(stick)" "$first" || fail "the stick does not mount again"
	wait_for test -s $first/Takebox/Show/Take-001/take.json
	finish
	judge pulled $first/Takebox/Show/Take-001 $second/Takebox/Show/Take-002
}

dmesg -n 1
mkdir -p $first $second
for name; do
	mount -t tmpfs -o size=200m none $second
	"case_$name"
done
