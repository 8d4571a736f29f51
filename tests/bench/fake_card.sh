#!/bin/bash
# takebox qualify --full on FAT32 cards on which not all that is free fits into
# one file, on the kernel's own vfat (user-mode-linux, uml.sh): one that is as
# large as it says, and a fake whose end lies over its beginning, behind the
# 4 GiB at which its first file ends.
#
#     tests/bench/fake_card.sh [SAYS [REAL]]      MiB: 4480 4224
#
# Takes some fifteen minutes and SAYS of room in TMPDIR (/tmp). Root only.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
BUILD=${BUILD:-$root/build}
case $BUILD in /*) ;; *) BUILD=$root/$BUILD ;; esac
says=${1:-4480} real=${2:-4224}
PATH=$PATH:/usr/sbin:/sbin

# try_card SAYS REAL CAPACITY: in the other machine.
try_card()
{
	local size=$(($1 << 11)) end=$(($2 << 11)) capacity

	{
		echo "0 $end linear /dev/ubda 0"
		[ "$size" -eq "$end" ] ||
			echo "$end $((size - end)) linear /dev/ubda 0"
	} | dmsetup create card
	mkfs.vfat -F 32 /dev/mapper/card >/dev/null
	mount -t vfat /dev/mapper/card /mnt/card
	"$BUILD/takebox" qualify --full --channels 2 --seconds 1 --json \
		/mnt/card 2>/dev/null | tee /mnt/reply || true
	capacity=$(jq -r .capacity /mnt/reply)
	find /mnt/card -type f
	echo "says $1 MiB, has $2 MiB: $capacity"
	[ "$capacity" = "$3" ]
	[ "$(find /mnt/card -mindepth 2 | wc -l)" -eq 1 ]
	umount /mnt/card
	dmsetup remove card
}

if [ "${3-}" = inside ]; then
	mount -t tmpfs none /mnt
	mkdir /mnt/card
	export DM_DISABLE_UDEV=1
	try_card "$says" "$says" real
	try_card "$says" "$real" fake
	exit
fi

image=$(mktemp "${TMPDIR:-/tmp}/fake_card.XXXXXX")
trap 'rm -f "$image"' EXIT
truncate -s "${says}M" "$image"
export BUILD
"$here/uml.sh" --module nls_cp437 --module nls_ascii \
	--module nls_iso8859-1 --module vfat --module dm-mod \
	--timeout 3600 --disk "$image" "$here/fake_card.sh" "$says" "$real" \
	inside
