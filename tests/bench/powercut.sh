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
#   --piece N      moments at most for each machine that replays (250)
#   --steady       in a machine whose time goes by what it computes, but never
#                  faster than this one's, so that the disk is not slower there
#   --uml          they are replayed by a kernel that runs as a program (uml.sh),
#                  ten times as fast
#   --uml-all      and the takes are recorded under it, too, as fast as this
#                  machine is
#   --keep FOLDER  what was recorded is put there, a folder for each
#   --from FOLDER  one of those: further moments of it
#   --host         without a virtual machine, on ext4 and this kernel: ten times
#                  as fast. Needs root, loop devices and FUSE
#
# As many machines replay as there are processors. Free space is full of frames
# of an older take. Exit status 0 only if nothing that had been called safe is
# lost, and every take is whole, in every case. What a case that fails was made
# of is kept in build/bench/powercut-failed. VM is a program to call in the place
# of vm.sh, such as one that waits its turn.

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
piece=250 host=no uml=no native=no keep='' from='' steady=()
vm=${VM:-$here/vm.sh}
while [ $# -gt 0 ]; do
	case $1 in
	--host) host=yes; systems=ext4; shift; continue ;;
	--uml) uml=yes; shift; continue ;;
	--uml-all) uml=yes native=yes; shift; continue ;;
	--steady)
		steady=(--steady --qemu -icount --qemu "shift=1,sleep=on")
		shift
		continue
		;;
	--keep) keep=$(realpath -m "$2") ;;
	--from) from=$2 ;;
	--piece) piece=$2 ;;
	--cuts) cuts=$2 ;;
	--systems) systems=$2 ;;
	--tracks) tracks=$2 ;;
	--seconds) seconds=$2 ;;
	--seed) seed=$2 ;;
	*) echo "powercut: no option $1" >&2; exit 2 ;;
	esac
	shift 2
done

# Images in memory, where there is room: they are copied many times, and a disk
# that this machine is slow with says nothing about the recorder.
mkdir -p "$build/bench"
work=$(mktemp -d "$build/bench/powercut.XXXXXX")
images=$work
[ "$(df --output=avail /dev/shm | tail -n 1)" -lt $((4 << 20)) ] ||
	images=$(mktemp -d /dev/shm/powercut.XXXXXX)
lanes=$(nproc) running=()
[ $host = no ] || lanes=1
# shellcheck disable=SC2317 # the trap calls it
finish()
{
	local lane

	for lane in "${running[@]}"; do
		kill -- "-$lane" 2>/dev/null || true
	done
	rm -rf "$work" "$images"
}
trap finish EXIT
size=$((256 << 20))
# shellcheck source=tests/bench/powercut_disk.sh
. "$here/powercut_disk.sh"

record_in_machine()
{
	local system=$1 count=$2

	truncate -s 4G "$images/log"
	"$vm" "${steady[@]}" --share "$work" --timeout 900 --module "$system" \
		--qemu -blockdev --qemu "driver=raw,node-name=disk0,file.driver=file,file.filename=$images/disk" \
		--qemu -blockdev --qemu "driver=raw,node-name=log0,file.driver=file,file.filename=$images/log" \
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

	truncate -s 4G "$images/log"
	touch "$images/fuse"
	qemu-storage-daemon \
		--blockdev "driver=file,node-name=disk0,filename=$images/disk" \
		--blockdev "driver=file,node-name=log0,filename=$images/log" \
		--blockdev "driver=blklogwrites,node-name=logged,file=disk0,log=log0,log-sector-size=512" \
		--export "fuse,id=disk,node-name=logged,mountpoint=$images/fuse,writable=on" &
	daemon=$!
	for ((tries = 0; tries < 100; tries++)); do
		[ ! -s "$images/fuse" ] || break
		sleep 0.1
	done
	loop=$(losetup -f --show "$images/fuse")
	DISK=$loop timeout 150 "$here/powercut_guest.sh" record "$system" \
		"$count" "$seconds" "$size" "$work" || status=$?
	! mountpoint -q /mnt || umount /mnt
	losetup -d "$loop"
	kill "$daemon"
	wait "$daemon" || true
	return "$status"
}

# What FAT32 asks for by itself in the other machine comes with it.
run_uml()
{
	"$here/uml.sh" --module nls_cp437 --module nls_ascii \
		--module nls_iso8859-1 "$@"
}

record_in_uml()
{
	local system=$1 count=$2

	truncate -s 4G "$images/log"
	run_uml --timeout 300 --module "$system" --module dm-log-writes \
		--disk "$images/disk" --disk "$images/log" \
		"$here/powercut_guest.sh" record "$system" "$count" \
		"$seconds" "$size" "$work"
}

record()
{
	if [ $host = yes ]; then
		record_on_host "$@"
	elif [ $native = yes ]; then
		record_in_uml "$@"
	else
		record_in_machine "$@"
	fi
}

# A busy host makes the emulated machine stand still, and sound is lost on the
# way in: such a recording is no reference, and is made again.
record_whole()
{
	local system=$1 count=$2 attempt

	if [ -n "$from" ]; then
		cp --sparse=always "$from"/{base,log} "$images"
		cp "$from/reference" "$work"
		return
	fi
	for attempt in 1 2 3; do
		make_disk "$system" "$images/disk"
		cp --sparse=always "$images/disk" "$images/base"
		rm -f "$images/log"
		record "$system" "$count" >"$work/record.log" 2>&1 || {
			cat "$work/record.log"
			continue
		}
		# Every take is whole and has no gap.
		awk '$6 != 0 || $8 != "whole" { bad = 1 }
			END { exit bad || NR != 3 }' "$work/reference" &&
			return 0
		cat "$work/reference"
		echo "powercut: attempt $attempt is no reference" >&2
	done
	return 1
}

# replay SYSTEM FOLDER FIRST COUNT: FOLDER has base and log.
replay()
{
	local system=$1 folder=$2 first=$3 count=$4 machine base log

	if [ $host = yes ]; then
		"$build/bench/powercut" replay "$folder/base" "$folder/log" \
			"$system" "$work/reference" $size "$cuts" "$seed" \
			"$first" "$count"
		return
	fi
	machine=("$vm" "${steady[@]}" --share "$work")
	base=/dev/vda log=/dev/vdb
	if [ $uml = yes ]; then
		machine=(run_uml)
		base=/dev/ubda log=/dev/ubdb
	fi
	"${machine[@]}" --timeout 7200 --module "$system" \
		--module dm-snapshot --module "brd rd_nr=1 rd_size=131072" \
		--disk "$folder/base" --disk "$folder/log" \
		"$build/bench/powercut" replay $base $log "$system" \
		"$work/reference" $size "$cuts" "$seed" "$first" "$count"
}

# Every so many pieces are a lane's, with a disk of its own that it brings from
# moment to moment. LANE counts from 0.
replay_lane()
{
	local system=$1 lane=$2 length=$3 folder=$images/lane$2 first status=0

	mkdir "$folder"
	cp --sparse=always "$images/base" "$images/log" "$folder"
	for ((first = lane * length; first < cuts; first += lanes * length)); do
		replay "$system" "$folder" "$first" "$length" || status=1
	done
	rm -rf "$folder"
	return $status
}

# A lane for each processor: pieces of one length, as many to each. Each lane is
# a group of processes, so that it ends as a whole.
replay_all()
{
	local system=$1 rounds=$(((cuts - 1) / (piece * lanes) + 1))
	local length=$(((cuts - 1) / (rounds * lanes) + 1)) lane status=0

	set -m
	for ((lane = 0; lane < lanes; lane++)); do
		replay_lane "$system" $lane $length </dev/null \
			>"$work/replay.log.$lane" 2>&1 &
		running+=($!)
	done
	set +m
	for lane in "${running[@]}"; do
		wait "$lane" || status=1
	done
	running=()
	cat "$work"/replay.log.* >"$work/replay.log"
	grep '^CUT' "$work/replay.log" >"$work/cuts" || status=1
	[ "$(wc -l <"$work/cuts")" -eq "$cuts" ] || status=1
	return $status
}

summarize()
{
	local system=$1 count=$2

	awk '$5 ~ /^[0-9]/ { print $5 }' "$work/cuts" | sort -n >"$work/lost"
	awk -v what="$count tracks, $system" -v cuts="$(wc -l <"$work/cuts")" \
		-v failed="$(grep -c FAIL "$work/cuts" || true)" \
		-v damaged="$(grep -c ' damaged$' "$work/cuts" || true)" \
		-v before="$(grep -c '^UNHEALED' "$work/replay.log" || true)" \
		-v unreadable="$(grep -c '^UNHEALED.* unreadable ' \
			"$work/replay.log" || true)" '
		{ lost[NR - 1] = $1 }
		END {
			printf "%s: %d cuts, %d failed; %d in mid-take", what,
				cuts, failed, NR
			if (NR > 0)
				printf ", lost: median %.2f s, 95 %% %.2f s, " \
					"worst %.2f s", lost[int(NR / 2)],
					lost[int(NR * 95 / 100)], lost[NR - 1]
			if (damaged)
				printf "; %d damaged, and said so", damaged
			printf "; %d looked at before healing, %d unreadable",
				before, unreadable
			print ""
		}' "$work/lost"
}

# put_away FOLDER FILE...: all that it takes to see it again, and files of work.
put_away()
{
	local folder=$1

	shift
	rm -rf "$folder"
	mkdir -p "$folder"
	cp --sparse=always "$images/base" "$images/log" "$folder"
	(cd "$work" && cp "$@" "$folder") || true
}

show_failure()
{
	local folder=$build/bench/powercut-failed/$1-$2-$seed

	put_away "$folder" reference record.log replay.log
	grep -E 'FAIL|^guest|^vm' "$work/replay.log" | head -n 20 ||
		tail -n 20 "$work/replay.log"
	echo "powercut: kept in $folder"
}

make_stale "$work"
status=0
for system in $systems; do
	for count in $tracks; do
		record_whole "$system" "$count" || { status=1; continue; }
		[ -z "$keep" ] || put_away "$keep/$system-$count" reference
		replay_all "$system" || {
			status=1
			show_failure "$system" "$count"
		}
		summarize "$system" "$count"
	done
done
exit $status
