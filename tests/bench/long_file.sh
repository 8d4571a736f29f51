#!/bin/bash
# A take whose track outgrows FAT32's 4 GiB for real, on the kernel's own vfat
# (user-mode-linux, uml.sh): recorded, verified, decoded with the stock flac and
# compared sample by sample with what was played.
#
#     tests/bench/long_file.sh [BYTES]      4.5e9
#
# Takes some four minutes and 5 GB in TMPDIR (/tmp). Root only.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
BUILD=${BUILD:-$root/build}
case $BUILD in /*) ;; *) BUILD=$root/$BUILD ;; esac
bytes=${1:-4500000000}
PATH=$PATH:/usr/sbin:/sbin

# In the other machine.
if [ "${2-}" = inside ]; then
	mount -t tmpfs none /mnt
	mkdir /mnt/card
	mount -t vfat /dev/ubda /mnt/card
	mkdir /mnt/card/Take-001
	cd /mnt/card/Take-001
	"$BUILD/bench/long_file" record . "$bytes"
	ls -l ./*.flac
	"$BUILD/takebox" verify .
	for file in $(jq -r '.tracks[].files[].file' take.json); do
		flac -s -d -c --force-raw-format --endian=little \
			--sign=signed "$file"
	done | "$BUILD/bench/long_file" compare
	[ "$(jq '.tracks[0].files | length' take.json)" -ge 2 ]
	cd /
	umount /mnt/card
	exit
fi

image=$(mktemp "${TMPDIR:-/tmp}/long_file.XXXXXX")
trap 'rm -f "$image"' EXIT
truncate -s 5G "$image"
mkfs.vfat -F 32 "$image" >/dev/null
export BUILD
"$here/uml.sh" --module nls_cp437 --module nls_ascii \
	--module nls_iso8859-1 --module vfat \
	--timeout 3600 --disk "$image" "$here/long_file.sh" "$bytes" inside
