#!/bin/bash
# Real power cuts: the machine is ended (SIGKILL to QEMU) at a random moment
# while it records, and started again; what it finds on its disk must be whole
# and all that it had called safe, and no take from before may have changed. Each
# third time it is ended once more while it makes that whole.
#
#     tests/bench/powercut_live.sh [OPTION...]
#
#   --cuts N       (100)
#   --systems "S"  the cuts are shared out among them ("ext4 exfat vfat")
#   --tracks "T"   and among these ("8 32")
#   --seed N       of the moments, as far as a machine can repeat them (1)
#   --turn FILE    a lock to wait for, and to give back after 25 cuts: for
#                  machines that others share
#   --steady       a machine whose time goes by what it computes, but never
#                  faster than this one's
#   --uml          a kernel that runs as a program (uml.sh), as fast as this
#                  machine is
#
# The emulated machine boots once: its state, booted and with a disk that it has
# not yet looked at, is kept, and each cut goes on from there. Its root is in its
# memory, so that nothing but the disk outlives it. The one that runs as a
# program boots anew each time.
#
# What it had written when it died is in the hands of this machine's kernel and
# stays: that is a disk without a cache. After every other cut the disk is made
# what one with a cache has, that lost all of it: from the log of its writes,
# up to the last flush. A take whose files are byte for byte what they were when
# they were last decoded is not decoded again.
#
# Lost is what had been played by the kill, by the machine's last sign of life
# and the time since, and by the 110 ms by which the tape is published late.
# Needs root.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${BUILD:-$root/build}
case $build in /*) ;; *) build=$root/$build ;; esac
cache=${CACHE:-$root/.cache}
PATH=$PATH:/usr/sbin:/sbin

turn='' uml=no cuts=100 systems="ext4 exfat vfat" tracks="8 32"
RANDOM=1
accel=(-accel "tcg,thread=multi" -smp 2)
while [ $# -gt 0 ]; do
	case $1 in
	--steady)
		accel=(-accel "tcg,thread=single" -icount "shift=1,sleep=on"
			-smp 1)
		shift
		continue
		;;
	--uml) uml=yes; shift; continue ;;
	--turn) turn=$2 ;;
	--cuts) cuts=$2 ;;
	--systems) systems=$2 ;;
	--tracks) tracks=$2 ;;
	--seed) RANDOM=$2 ;;
	*) echo "powercut_live: no option $1" >&2; exit 2 ;;
	esac
	shift 2
done

place=$build/bench
mkdir -p "$place"
[ "$(df --output=avail /dev/shm | tail -n 1)" -lt $((6 << 20)) ] ||
	place=/dev/shm
work=$(mktemp -d "$place/powercut.XXXXXX")
# /dev/shm is another one in the machine that runs as a program.
shown=$(mktemp -d "$build/bench/live.XXXXXX")
machine=''
end()
{
	[ -z "$machine" ] || stop
	rm -rf "$work" "$shown"
}
trap end EXIT
size=$((384 << 20))
# shellcheck source=tests/bench/powercut_disk.sh
. "$here/powercut_disk.sh"

# ---- the machine's root, all of it in its memory ----

add_file() # PATH...
{
	local path

	for path in "$@"; do
		mkdir -p "$work/root$(dirname "$path")"
		cp -L "$path" "$work/root$path"
	done
}

add_program() # PATH...
{
	add_file "$@"
	ldd "$@" | grep -o '/[^ :]* (0x' | cut -d ' ' -f 1 | sort -u |
		while read -r path; do add_file "$path"; done
}

add_modules() # NAME...
{
	local version name kind path

	version=$(ls "$kernel/lib/modules")
	mkdir -p "$work/root/modules"
	for name in "$@"; do
		modprobe -d "$kernel" -S "$version" -D "$name"
	done | while read -r kind path; do
		[ "$kind" = insmod ] || continue
		path=${path%% *}
		name=$(basename "${path%.xz}")
		[ ! -f "$work/root/modules/$name" ] || continue
		case $path in
		*.xz) busybox unxz -c "$path" >"$work/root/modules/$name" ;;
		*) cp "$path" "$work/root/modules/$name" ;;
		esac
		echo "$name" >>"$work/root/modules/order"
	done
}

find_kernel()
{
	local release

	release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	kernel=$cache/vm/$release-amd64-2
	[ -f "$kernel/vmlinuz" ] || CACHE=$cache "$here/vm.sh" true
}

make_root()
{
	mkdir -p "$work/root"/{bin,proc,sys,dev,run,mnt,tmp}
	cp "$(command -v busybox)" "$work/root/bin/busybox"
	add_program "$(command -v bash)" "$(command -v jq)" "$build/takebox" \
		"$build/takeboxd" "$build/takebox-tape" \
		"$build/libasound_module_pcm_takebox_virtual.so" \
		"$build/bench/powercut" "$build/bench/witness" \
		"$(command -v fsck.ext4)" "$(command -v fsck.vfat)"
	add_file "$build/virtual.conf" "$here/powercut_guest.sh" \
		"$here/recorder_guest.sh" /usr/share/alsa/alsa.conf
	mkdir -p "$work/root/usr/share/alsa/pcm"
	cp -L /usr/share/alsa/pcm/*.conf "$work/root/usr/share/alsa/pcm"
	add_modules virtio_pci virtio_blk virtio_console ext4 exfat vfat \
		nls_ascii nls_utf8 nls_cp437 nls_iso8859-1
	cat >"$work/root/init" <<-END
		#!/bin/busybox sh
		/bin/busybox --install -s /bin
		export PATH=/bin:/usr/bin:/sbin:/usr/sbin
		mount -t proc proc /proc
		mount -t sysfs sysfs /sys
		mount -t devtmpfs devtmpfs /dev
		mkdir -p /dev/shm
		mount -t tmpfs tmpfs /dev/shm
		mount -t tmpfs tmpfs /run
		while read -r name; do insmod "/modules/\$name"; done </modules/order
		for port in /dev/vport*p1; do break; done
		export BUILD=$build
		exec bash $here/powercut_guest.sh wait $size "\$port"
	END
	chmod +x "$work/root/init"
	(cd "$work/root" && find . | cpio -o -H newc --quiet) >"$work/initrd"
	rm -rf "$work/root"
}

# ---- the machine ----

# start OPTION...: its words come out of $work/port.
start()
{
	rm -f "$work/port"
	qemu-system-x86_64 "${accel[@]}" -cpu max -m 768M \
		-nodefaults -display none -no-reboot \
		-kernel "$kernel/vmlinuz" -initrd "$work/initrd" \
		-append "console=ttyS0 quiet panic=-1 tsc=reliable clocksource=tsc" \
		-device virtio-serial-pci -serial "file:$work/console" \
		-chardev "socket,id=port,path=$work/port,server=on,wait=off" \
		-device virtserialport,chardev=port,name=port \
		-monitor "unix:$work/monitor,server=on,wait=off" \
		-blockdev "driver=raw,node-name=disk0,file.driver=file,file.filename=$work/disk" \
		-blockdev "driver=raw,node-name=log0,file.driver=file,file.filename=$work/log" \
		-blockdev "driver=blklogwrites,node-name=logged,file=disk0,log=log0,log-sector-size=512" \
		-device virtio-blk-pci,drive=logged "$@" \
		</dev/null >"$work/qemu.log" 2>&1 &
	machine=$!
	wait_for "the machine" test -S "$work/port"
}

# start_uml SYSTEM TRACKS SEED
start_uml()
{
	rm -f "$work/words"
	mkfifo "$work/words"
	cp "$work/known" "$shown/known"
	TMPDIR=$shown BUILD=$build CACHE=$cache "$here/uml.sh" \
		--timeout 600 --module "$1" --module nls_cp437 \
		--module nls_ascii --module nls_iso8859-1 \
		--module dm-log-writes --disk "$work/disk" \
		--disk "$work/log" "$here/powercut_guest.sh" live "$1" "$2" \
		"$3" "$size" "$shown/known" </dev/null >"$work/words" \
		2>"$work/console" &
	machine=$!
	note_words <"$work/words" &
}

stop()
{
	if [ $uml = yes ]; then
		# It is a group of processes of its own.
		kill -9 -- "-$(cat "$shown"/uml.*/bench/pid)" || true
	else
		kill -9 "$machine"
	fi
	wait "$machine" 2>/dev/null || true
	machine=''
}

wait_for() # WHAT COMMAND...
{
	local what=$1 until=$((SECONDS + 300))

	shift
	until "$@"; do
		[ $SECONDS -lt $until ] || {
			echo "powercut_live: waited in vain for $what" >&2
			tail -n 5 "$work"/{console,qemu.log,said} >&2 || true
			exit 1
		}
		sleep 0.02
	done
}

# What it says is noted in $work/said, with the time.
note_words()
{
	local line

	while IFS= read -r line; do
		echo "$EPOCHREALTIME ${line%$'\r'}"
	done >"$work/said" 7>&-
}

# What goes to descriptor 7 it hears.
listen()
{
	: >"$work/said"
	rm -f "$work/heard"
	mkfifo "$work/heard"
	exec 7<>"$work/heard"
	socat STDIO "UNIX-CONNECT:$work/port" <&7 2>/dev/null | note_words &
}

has_said()
{
	grep -q "^[0-9.]* \($1\|guest: \)" "$work/said"
}

# hear TEXT: waits until it has said that.
hear()
{
	wait_for "the machine to say $1" has_said "$1"
	! grep "^[0-9.]* guest: " "$work/said" || {
		tail -n 30 "$work/said" >&2
		exit 1
	}
}

ask_monitor()
{
	echo "$1" | socat -t 5 - "UNIX-CONNECT:$work/monitor"
}

is_migrated()
{
	ask_monitor "info migrate" | grep -q "Migration status: completed"
}

# Boots it, and keeps it as it is then.
boot_once()
{
	truncate -s $((size + 4096)) "$work/disk"
	truncate -s 4G "$work/log"
	start
	listen
	hear READY
	ask_monitor "migrate \"exec:cat >$work/state\"" >/dev/null
	wait_for "the machine's state" is_migrated
	stop
}

# ---- the cuts ----

# go_on SYSTEM TRACKS: with the disk as it is.
go_on()
{
	: >"$work/said"
	rm -f "$work/log"
	truncate -s 4G "$work/log"
	if [ $uml = yes ]; then
		start_uml "$1" "$2" "$RANDOM"
		return
	fi
	start -incoming "exec:cat $work/state"
	listen
	{
		echo "$1 $2 $RANDOM"
		cat "$work/known"
		echo
	} >&7
}

# run_until_cut SYSTEM TRACKS
run_until_cut()
{
	local wait=$((RANDOM % 6000))

	cp --sparse=always "$work/disk" "$work/before"
	go_on "$1" "$2"
	hear REC
	# Most of them once there is a take; the others while it is being made.
	[ $((RANDOM % 5)) -eq 0 ] || hear TBMARK
	sleep "$((wait / 1000)).$(printf %03d $((wait % 1000)))"
	echo "$EPOCHREALTIME KILL" >"$work/kill"
	stop
	wait
	cat "$work/kill" >>"$work/said"
}

# Each third time it is ended while it mounts and heals, and starts once more.
cut_while_healing()
{
	[ $((RANDOM % 3)) -eq 0 ] || return 0
	go_on "$1" "$2"
	hear MOUNTS
	sleep "$((RANDOM % 2)).$((RANDOM % 10))"
	stop
	wait
	again=$((again + 1))
}

# What the cut before left, and what of that is wrong. Under uml.sh the log of
# writes is a moment behind: of a disk that was brought to its last flush what
# was said up to the last mark in it counts. Takes that were there
# before are in $work/known, what was said of the others in $work/told.
judge()
{
	sed -n 's/^[0-9.]* LOOK //p' "$work/said" >"$work/look"
	awk -v late=5280 -v rate=48000 -v last="$last" '
	function fail(text) { print "FAIL " text; failed = 1 }
	FILENAME ~ /known$/ { known[$1] = $0; next }
	FILENAME ~ /look$/ {
		frames[$1] = $2
		look[$1] = $0
		if ($8 != "whole")
			fail($0)
		next
	}
	$2 == "TBMARK" && $3 == "take" {
		take = $4
		at = $1
		played = $6 - $5
		if (!over && $7 > durable[take])
			durable[take] = $7
		if (last == substr($0, index($0, "TBMARK")))
			over = 1
	}
	$2 == "REC" { recording = 1; take = "" }
	$2 == "STOP" { recording = 0 }
	$2 == "KILL" { killed = $1 }
	END {
		for (name in known)
			if (look[name] != known[name])
				fail(name " was: " known[name] \
					", is: " look[name])
		for (name in durable)
			if (frames[name] + 0 < durable[name])
				fail(name ": " frames[name] + 0 " frames; " \
					durable[name] " had been called safe")
		lost = -1
		if (recording && take != "" && killed) {
			lost = (played + late - frames[take]) / rate + \
				killed - at
			if (lost < 0)
				lost = 0
		}
		printf "LOST %.3f %s\n", lost, take == "" ? "-" : take
		exit failed
	}' "$work/known" "$work/look" "$work/told"
}

take_turn()
{
	[ -n "$turn" ] || return 0
	exec 6>>"$turn"
	flock 6
}

cut=0 failed=0 again=0 last=
: >"$work/lost"

# look_back WHAT: at the cut before.
look_back()
{
	local what=$1 verdict

	verdict=$(judge) || {
		failed=$((failed + 1))
		mkdir -p "$build/bench/powercut-failed/live-$cut"
		cp --sparse=always "$work"/{known,look,told,said,before,disk} \
			"$build/bench/powercut-failed/live-$cut" || true
	}
	echo "CUT $cut $what $(echo "$verdict" | tr '\n' ' ')"
	echo "$verdict" | sed -n 's/^LOST //p' | awk '$1 >= 0' >>"$work/lost"
	cp "$work/look" "$work/known"
}

some_cuts() # SYSTEM TRACKS COUNT
{
	local system=$1 tracks=$2 count=$3 i how what=''

	make_disk "$system" "$work/disk"
	: >"$work/known"
	for ((i = 0; i <= count; i++)); do
		[ $i -eq 0 ] || cut_while_healing "$system" "$tracks"
		run_until_cut "$system" "$tracks"
		[ $i -eq 0 ] || look_back "$what"
		[ $i -lt "$count" ] || break
		cut=$((cut + 1))
		[ $((cut % 25)) -ne 0 ] || take_turn
		how=kept last=
		if [ $((i % 2)) -eq 1 ]; then
			how=dropped
			last=$("$build/bench/powercut" flushed \
				"$work/before" "$work/log")
			[ $uml = yes ] || last=
			mv "$work/before" "$work/disk"
		fi
		what="$system $tracks tracks, $how:"
		cp "$work/said" "$work/told"
	done
}

make_stale "$work"
if [ $uml = no ]; then
	find_kernel
	make_root
fi
take_turn
[ $uml = yes ] || boot_once
kinds=$(($(wc -w <<<"$systems") * $(wc -w <<<"$tracks")))
kind=0
for system in $systems; do
	for count in $tracks; do
		some_cuts "$system" "$count" \
			$((cuts * (kind + 1) / kinds - cuts * kind / kinds))
		kind=$((kind + 1))
	done
done
sort -n "$work/lost" | awk -v cuts=$cut -v failed=$failed -v again=$again '
	{ lost[NR - 1] = $1 }
	END {
		printf "%d power cuts, %d failed, and %d while what they had left " \
			"was made whole; %d in mid-take", cuts, failed, again, NR
		if (NR > 0)
			printf ", lost: median %.2f s, 95 %% %.2f s, worst %.2f s",
				lost[int(NR / 2)], lost[int(NR * 95 / 100)],
				lost[NR - 1]
		print ""
	}'
[ $failed -eq 0 ]
