#!/bin/bash
# shellcheck disable=SC2016 # what eval is given expands there
# The bench's service in the machine that boot.sh has booted, where the package
# is installed: what a musician, an upgrade and a mishap do to it. Speaks TAP;
# figures are lines that begin with "# ".
set -u
cd /root || exit 1
# shellcheck source=tests/bench/gpio_sim.sh
. /root/gpio_sim.sh
# shellcheck source=tests/bench/boot_boards.sh
. /root/boot_boards.sh
# shellcheck source=tests/bench/boot_media.sh
. /root/boot_media.sh
export LC_ALL=C.UTF-8
count=0 failed=0

# check NAME COMMAND...: one line of TAP.
check()
{
	local name=$1 from=$SECONDS

	shift
	count=$((count + 1))
	if "$@" >/tmp/check 2>&1; then
		echo "ok $count - $name ($((SECONDS - from)) s)"
	else
		echo "not ok $count - $name ($((SECONDS - from)) s)"
		sed 's/^/#   /' /tmp/check
		failed=$((failed + 1))
	fi
}

# wait_for SECONDS COMMAND...
wait_for()
{
	local until=$((SECONDS + $1))

	shift
	until "$@" >/dev/null 2>&1; do
		if [ $SECONDS -ge $until ]; then
			echo "waited in vain for: $*"
			takebox status
			journalctl -b -u takebox-tape -u takeboxd \
				-u 'takebox-medium*' -u '*.mount' --no-pager |
				tail -n 20
			return 1
		fi
		sleep 0.1
	done
}

# One value of the status: the text or number behind a key.
status()
{
	takebox status --json 2>/dev/null |
		grep -oE "\"$1\": ?(\"[^\"]*\"|[0-9.-]+|null|true|false)" |
		head -n 1 | sed -E 's/^[^:]*: ?//; s/"//g'
}

is()
{
	[ "$(status "$1")" = "$2" ]
}

# The whole seconds of the running take, at least.
take_has()
{
	[ "$(takebox status --json 2>/dev/null | grep -oE \
		'"take": ?\{[^}]*"seconds": ?[0-9]+' | grep -oE '[0-9]+$')" \
		-ge "$1" ]
}

# record [SECONDS]: a take that has so many.
record()
{
	takebox record && wait_for 300 is state recording &&
		wait_for 300 take_has "${1:-3}"
}

goes_on()
{
	local now

	now=$(takebox status --json | grep -oE \
		'"take": ?\{[^}]*"seconds": ?[0-9]+' | grep -oE '[0-9]+$') &&
		wait_for 300 take_has $((now + 2))
}

main_pid()
{
	systemctl show -P MainPID "$1"
}

# renewed UNIT PID: it has another process.
renewed()
{
	local now

	now=$(main_pid "$1") && [ "$now" != 0 ] && [ "$now" != "$2" ]
}

# Does a program of ours run?
runs()
{
	grep -qxE 'takeboxd|takebox-tape' /proc/[0-9]*/comm 2>/dev/null
}

# The take that was begun last.
newest_take()
{
	# shellcheck disable=SC2012 # their names are ours
	ls -td /media/takebox/*/Takebox/*/Take-* /srv/takebox/Takebox/*/Take-* \
		2>/dev/null | head -n 1
}

ended()
{
	wait_for 300 is state idle && [ -f "$(newest_take)/take.json" ]
}

whole()
{
	ended && takebox verify "$(newest_take)"
}

# ---- hands ----

down()
{
	gpio_sim_pull pinctrl "$1" down
}

up()
{
	gpio_sim_pull pinctrl "$1" up
}

# hold LINE STATE: until the recorder is in it.
hold()
{
	down "$1"
	wait_for 300 is state "$2"
	set -- "$1" $?
	up "$1"
	return "$2"
}

# tap LINE STATE: short presses, without a fork in between, which takes longer
# than a hold on a slow machine.
tap()
{
	local until=$((SECONDS + 300)) pull never

	pull=$(gpio_sim_line pinctrl "$1")/pull
	exec {never}<> <(:)
	until is state "$2"; do
		[ $SECONDS -lt $until ] || return 1
		echo pull-down >"$pull"
		read -rt 0.1 -u "$never"
		echo pull-up >"$pull"
		wait_for 5 is state "$2" >/dev/null
	done
}

lit()
{
	wait_for 300 eval "[ \"\$(gpio_sim_value pinctrl $1)\" = 1 ]"
}

dark()
{
	wait_for 300 eval "[ \"\$(gpio_sim_value pinctrl $1)\" = 0 ]"
}

# ---- the boot ----

# When a unit began or was up, microseconds since the kernel.
at()
{
	systemctl show -P "$2TimestampMonotonic" "$1"
}

# NAME FROM TO: a line with the seconds between two of them.
figure()
{
	awk -v name="$1" -v a="$2" -v b="$3" \
		'BEGIN { printf "# %s: %.2f s\n", name, (b - a) / 1e6 }'
}

# When a unit's log first had the words, microseconds since the kernel.
logged()
{
	journalctl -b -u "$1" -o short-monotonic --no-pager |
		sed -n "/$2/{s/^\[ *\([0-9.]*\)\].*/\1/p;q}" |
		awk '{ printf "%.0f", $1 * 1e6 }'
}

figures_of_boot()
{
	local user tape taped daemon daemond armed first

	user=$(systemctl show -P UserspaceTimestampMonotonic)
	tape=$(at takebox-tape InactiveExit)
	taped=$(at takebox-tape ActiveEnter)
	daemon=$(at takeboxd InactiveExit)
	daemond=$(at takeboxd ActiveEnter)
	armed=$(logged takeboxd 'ready: REC')
	# Measuring, the root is copied in between: the bench's doing.
	if [ "${1-}" = time ]; then
		first=$(awk '{ printf "%.0f", $1 * 1e6 }' /run/bench-began)
		figure "kernel, until its first process" 0 "$first"
		figure "kernel's start until armed, without the copying" 0 \
			$((first + armed - user))
	else
		figure "kernel and initramfs, to systemd's start" 0 "$user"
		figure "kernel's start until armed" 0 "$armed"
	fi
	figure "systemd to the start of takebox-tape" "$user" "$tape"
	figure "takebox-tape until its socket is there" "$tape" "$taped"
	figure "from there to the start of takeboxd" "$taped" "$daemon"
	figure "takeboxd until its socket is there" "$daemon" "$daemond"
	figure "interface opened and tape begun" "$daemond" "$armed"
	figure "user space until armed" "$user" "$armed"
	figure "user space until basic.target, for comparison" "$user" \
		"$(at basic.target ActiveEnter)"
	systemd-analyze critical-chain --no-pager takeboxd.service |
		sed '1,3d; s/^/# /'
	systemd-analyze blame --no-pager | head -n 8 | sed 's/^/#  /'
	# A yardstick for the emulated processor.
	busybox_time=$( { TIMEFORMAT=%R; time head -c 50000000 /dev/zero |
		/run/bench/busybox sha256sum >/dev/null; } 2>&1)
	echo "# sha256 of 50 MB takes $busybox_time s here, with busybox"
}

realtime()
{
	chrt -a -p "$(main_pid takebox-tape)" | grep -q SCHED_FIFO &&
		is realtime true
}

# Their sessions, too, where nice values count.
before_others()
{
	local unit

	for unit in takebox-tape takeboxd; do
		wait_for 300 grep -q 'nice -5$' \
			"/proc/$(main_pid $unit)/autogroup" || return 1
	done
}

secure_enough()
{
	local unit score

	for unit in takebox-tape takeboxd; do
		score=$(systemd-analyze security --no-pager $unit.service |
			sed -n 's/.*exposure level[^:]*: \([0-9.]*\).*/\1/p')
		echo "# exposure of $unit: $score" >>/tmp/figures
		awk -v s="$score" 'BEGIN { exit !(s != "" && s <= 1.8) }' ||
			return 1
	done
}

# Pages that were not there when the thread came to them, in the time in which
# the tape's are made and after: those of its own beginning.
no_page_missed()
{
	local thread missed

	wait_for 300 eval \
		'takebox status | grep -Eq "^tape *0:0(0:[2-9]|[1-9])"'
	for thread in /proc/"$(main_pid takebox-tape)"/task/*/stat; do
		missed=$(awk '$41 == 1 { print $10 + $12 }' "$thread")
		[ -z "$missed" ] || break
	done
	echo "# page faults of the capture thread in its first 20 s: $missed" \
		>>/tmp/figures
	[ "$missed" -le 16 ]
}

check "the machine is armed after boot" wait_for 300 is state idle
systemctl is-system-running --wait >/dev/null
figures_of_boot "${1-}"
if [ "${1-}" = time ]; then
	check "the capture thread meets no missing page" no_page_missed
	cat /tmp/figures
	echo "1..$count"
	exit $failed
fi
check "no unit has failed" test -z "$(systemctl --failed --quiet --no-legend)"
check "capture has real-time priority and locked memory" realtime
check "both go before the rest of the machine" before_others
check "the sandboxes score 1.8 or less" secure_enough
check "the capture thread meets no missing page" no_page_missed
cat /tmp/figures
check "the tape's pages may be huge" grep -q '\[advise\]' \
	/sys/kernel/mm/transparent_hugepage/shmem_enabled

# ---- a medium, and takes by button ----

check "the stick is mounted by its label" wait_for 300 mountpoint -q \
	/media/takebox/BAND
check "takes go to it" wait_for 300 is folder /media/takebox/BAND
findmnt -no OPTIONS /media/takebox/BAND | sed 's/^/# flags of FAT: /'
check "FAT is checked before" fsck_comes_first
play()
{
	aplay -q -D hw:Rack,1 -t raw -f S32_LE -r 48000 -c 2 </dev/urandom \
		>/tmp/aplay 2>&1 &
	player=$!
}

play

check "REC pressed: a take runs" tap GPIO3 recording
check "the REC lamp is lit" lit GPIO6
check "eject is refused meanwhile" eval '! takebox eject 2>/tmp/refused &&
	grep -q "being recorded there" /tmp/refused'
check "STOP held: the take is whole, without a gap" eval \
	'wait_for 300 take_has 3 && hold GPIO2 idle && whole'
check "the REC lamp is dark" dark GPIO6
case $(newest_take) in
/media/takebox/BAND/*) where=0 ;;
*) where=1 ;;
esac
check "it is on the stick" test $where -eq 0

play_boards

# ---- an upgrade in mid-take ----

upgrade()
{
	local tape daemon take

	record || return 1
	take=$(status name)
	tape=$(main_pid takebox-tape)
	daemon=$(main_pid takeboxd)
	dpkg -i /root/newer.deb || return 1
	wait_for 300 renewed takeboxd "$daemon" || return 1
	wait_for 300 is state recording || return 1
	[ "$(main_pid takebox-tape)" = "$tape" ] || return 1
	[ "$(status name)" = "$take" ] || return 1
	goes_on && takebox stop && whole
}

if [ "${1-}" != short ]; then
	check "an upgrade in mid-take: the same take goes on, without a gap" \
		upgrade
	cp /tmp/check /tmp/upgrade
	check "it says so" grep -q "the take that is being recorded goes on" \
		/tmp/upgrade
fi

restarts_when_idle()
{
	local tape

	tape=$(main_pid takebox-tape)
	dpkg -i /root/takebox.deb && wait_for 300 renewed takebox-tape "$tape" &&
		wait_for 300 is state idle
}

[ "${1-}" = short ] ||
	check "without a take both daemons are renewed" restarts_when_idle

# ---- the first sound card ----

no_sound_in_the_kernel()
{
	modprobe -qr snd-aloop
	rmmod snd_timer
	rmmod snd
	[ ! -d /sys/module/snd ]
}

# It is plugged in when the recorder runs already, and the kernel knew of none.
first_card_comes_later()
{
	systemctl stop takeboxd takebox-tape 'modprobe@snd*'
	kill "$player"
	wait_for 300 no_sound_in_the_kernel || return 1
	systemctl start takebox-tape takeboxd
	wait_for 300 is state no-interface || return 1
	modprobe snd-aloop && wait_for 300 is state idle && play &&
		record && takebox stop && whole
}

check "the machine's first sound card, plugged in later, is recorded from" \
	first_card_comes_later

# ---- the watchdog ----

# Seconds instead of half a minute.
for unit in takebox-tape takeboxd; do
	mkdir -p /run/systemd/system/$unit.service.d
	printf '[Service]\nWatchdogSec=6s\n' \
		>/run/systemd/system/$unit.service.d/watchdog.conf
done
systemctl daemon-reload
systemctl restart takebox-tape takeboxd
check "armed again" wait_for 300 is state idle

hung()
{
	local pid

	record || return 1
	pid=$(main_pid "$1")
	kill -STOP "$pid"
	wait_for 300 renewed "$1" "$pid" &&
		journalctl -b -u "$1" --no-pager | grep -q "Watchdog timeout"
}

# What the hung one did not deliver is named, and nothing else.
gap_of_the_hung()
{
	wait_for 300 is state recording && goes_on || return 1
	takebox stop | tee /tmp/summary
	ended && grep -qx 'gaps *1' /tmp/summary || return 1
	takebox verify "$(newest_take)" >/tmp/verified
	[ $? -eq 7 ] && grep -q 'gap at.*died' /tmp/verified &&
		! grep 'gap at' /tmp/verified | grep -v died
}

check "takeboxd hangs: the watchdog renews it" hung takeboxd
check "the same take goes on, without a gap" eval \
	'wait_for 300 is state recording && goes_on && takebox stop && whole'
check "takebox-tape hangs: the watchdog renews it" hung takebox-tape
check "the same take goes on behind one gap that names it" gap_of_the_hung

# The manager has the tape still.
killed_together()
{
	local tape daemon take

	record || return 1
	take=$(status name)
	tape=$(main_pid takebox-tape)
	daemon=$(main_pid takeboxd)
	systemctl kill -s KILL takebox-tape takeboxd &&
		wait_for 300 renewed takebox-tape "$tape" &&
		wait_for 300 renewed takeboxd "$daemon" &&
		wait_for 300 is state recording &&
		[ "$(status name)" = "$take" ]
}

check "both are killed at once: the same take goes on" killed_together
check "behind one gap that names it" gap_of_the_hung

# ---- pulled ----

port=$(basename "$(dirname "$(realpath /sys/block/sda/../../../../..)")")

unplug()
{
	echo "$port" >/sys/bus/usb/drivers/usb/unbind
}

plug()
{
	echo "$port" >/sys/bus/usb/drivers/usb/bind
}

# The kernel's number of what is plugged in.
number()
{
	cat /sys/block/sd*/diskseq 2>/dev/null
}

# Out and in again at once: until what is in has been mounted as another one.
replug()
{
	local before

	before=$(number)
	unplug
	plug
	wait_for 300 eval "[ -n \"\$(number)\" ] &&
		[ \"\$(number)\" != \"$before\" ]" &&
		wait_for 300 eval 'ls /run/takebox-media/*-"$(number)"' &&
		is_back
}

is_back()
{
	wait_for 300 mountpoint -q /media/takebox/BAND &&
		wait_for 300 is folder /media/takebox/BAND
}

pulled_in_take()
{
	record 5 || return 1
	newest_take >/tmp/pulled
	unplug
	wait_for 300 eval '[[ $(newest_take) == /srv/takebox/* ]]' &&
		wait_for 300 is state recording && goes_on
	takebox stop && whole && [[ $(newest_take) == /srv/takebox/* ]]
}

check "pulled in mid-take: a take in the machine's own folder goes on" \
	pulled_in_take
check "plugged in again it is back" eval 'plug && is_back'
check "the take that was cut off is whole" wait_for 300 \
	eval 'takebox verify "$(cat /tmp/pulled)"'
# All stop at once, as when the machine is shut down.
shut_down()
{
	local take

	record || return 1
	take=$(newest_take)
	cat >/run/systemd/system/off.target <<-END
		[Unit]
		Conflicts=takeboxd.service takebox-tape.service
		Conflicts=media-takebox-BAND.mount
	END
	systemctl daemon-reload
	systemctl start off.target
	wait_for 300 eval '! mountpoint -q /media/takebox/BAND' || return 1
	runs && return 1
	mount "/dev/$(cd /sys/block && echo sd*)" /mnt || return 1
	takebox verify "/mnt/${take#/media/takebox/BAND/}" &&
		[ -f "/mnt/${take#/media/takebox/BAND/}/take.json" ]
	set -- $?
	umount /mnt
	return "$1"
}

check "shut down in mid-take: it ends before its medium is let go" shut_down
systemctl start takebox-tape takeboxd
check "a loose contact: gone and back at once, it is back" replug

# ---- letting go ----

check "takebox eject" takebox eject
sed 's/^/# /' /tmp/check
check "the stick is unmounted" eval '! mountpoint -q /media/takebox/BAND'
check "takes go to the machine's own folder" wait_for 300 is folder /srv/takebox
check "unplugged and plugged in again it is back" replug
check "its takes are there" test -f "$(newest_take)/take.json"

play_file_systems

# ---- removal ----

removal()
{
	record || return 1
	cp /usr/bin/takebox /usr/bin/takebox-tape /root/bin/
	dpkg -r takebox && [ -f "$(newest_take)/take.json" ] &&
		! runs
}

mkdir -p /root/bin
check "removed in mid-take: the take is closed first" removal
check "it is whole" /root/bin/takebox verify "$(newest_take)"
check "purged: takes stay" eval 'dpkg -P takebox &&
	[ -f "$(newest_take)/take.json" ]'
echo "1..$count"
[ $failed -eq 0 ]
