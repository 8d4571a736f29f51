#!/bin/bash
# shellcheck disable=SC2016 # what eval is given expands there
# The bench's service in the machine that boot.sh has booted, where the package
# is installed: what a musician, an upgrade and a mishap do to it. Speaks TAP;
# figures are lines that begin with "# ".
set -u
cd /root || exit 1
# shellcheck source=tests/bench/gpio_sim.sh
. /root/gpio_sim.sh
export LC_ALL=C.UTF-8
count=0 failed=0

# test NAME COMMAND...: one line of TAP.
check()
{
	local name=$1

	shift
	count=$((count + 1))
	if "$@" >/tmp/check 2>&1; then
		echo "ok $count - $name"
	else
		echo "not ok $count - $name"
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

main_pid()
{
	systemctl show -P MainPID "$1"
}

# The take that takebox takes lists last.
newest_take()
{
	# shellcheck disable=SC2012 # their names are ours
	ls -td /media/takebox/*/Takebox/*/Take-* /srv/takebox/Takebox/*/Take-* \
		2>/dev/null | head -n 1
}

ended()
{
	wait_for 60 is state idle && [ -f "$(newest_take)/take.json" ]
}

whole()
{
	ended && takebox verify "$(newest_take)"
}

press()
{
	gpio_sim_pull pinctrl "$1" down
	sleep "${2:-0.1}"
	gpio_sim_pull pinctrl "$1" up
}

# ---- the boot ----

started()
{
	systemctl show -P "$2" "$1"
}

# Seconds between two of systemd's time stamps (microseconds).
span()
{
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", (b - a) / 1e6 }'
}

# When a unit's log first had the words, microseconds since the kernel.
logged()
{
	journalctl -b -u "$1" -o short-monotonic --no-pager |
		sed -n "/$2/{s/^\[ *\([0-9.]*\)\].*/\1/p;q}" |
		awk '{ printf "%d", $1 * 1e6 }'
}

figures_of_boot()
{
	local user tape taped daemon daemond armed

	user=$(systemctl show -P UserspaceTimestampMonotonic)
	tape=$(started takebox-tape InactiveExitTimestampMonotonic)
	taped=$(started takebox-tape ActiveEnterTimestampMonotonic)
	daemon=$(started takeboxd InactiveExitTimestampMonotonic)
	daemond=$(started takeboxd ActiveEnterTimestampMonotonic)
	armed=$(logged takeboxd 'ready: REC')
	echo "# kernel and initramfs, to systemd's start: $(span 0 "$user") s"
	echo "# systemd to the start of takebox-tape: $(span "$user" "$tape") s"
	echo "# takebox-tape until its socket is there: $(span "$tape" "$taped") s"
	echo "# takeboxd until its socket is there: $(span "$daemon" "$daemond") s"
	echo "# interface opened and tape made: $(span "$daemond" "$armed") s"
	echo "# user space until armed: $(span "$user" "$armed") s"
	echo "# kernel's start until armed: $(span 0 "$armed") s"
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

check "the machine is armed after boot" wait_for 60 is state idle
systemctl is-system-running --wait >/dev/null
figures_of_boot
check "no unit has failed" test -z "$(systemctl --failed --quiet --no-legend)"
check "capture has real-time priority and locked memory" realtime
check "the sandboxes score 1.8 or less" secure_enough
cat /tmp/figures
check "the tape's pages may be huge" grep -q '\[advise\]' \
	/sys/kernel/mm/transparent_hugepage/shmem_enabled

# ---- a medium, and takes by button ----

check "the stick is mounted by its label" wait_for 30 mountpoint -q \
	/media/takebox/BAND
check "takes go to it" wait_for 10 is folder /media/takebox/BAND
findmnt -no OPTIONS /media/takebox/BAND | sed 's/^/# flags of FAT: /'
aplay -q -D hw:Rack,1 -t raw -f S32_LE -r 48000 -c 2 </dev/urandom \
	>/tmp/aplay 2>&1 &

check "REC pressed: a take runs" eval 'press GPIO3 &&
	wait_for 20 is state recording'
check "the REC lamp is lit" wait_for 5 eval \
	'[ "$(gpio_sim_value pinctrl GPIO6)" = 1 ]'
check "eject is refused meanwhile" eval '! takebox eject 2>/tmp/refused &&
	grep -q "being recorded there" /tmp/refused'
sleep 3
check "STOP held: the take is whole, without a gap" eval 'press GPIO2 2 &&
	wait_for 30 is state idle && whole'
case $(newest_take) in
/media/takebox/BAND/*) where=0 ;;
*) where=1 ;;
esac
check "it is on the stick" test $where -eq 0

# ---- an upgrade in mid-take ----

upgrade()
{
	local tape daemon take

	takebox record && wait_for 20 is state recording || return 1
	take=$(status name)
	tape=$(main_pid takebox-tape)
	daemon=$(main_pid takeboxd)
	sleep 2
	dpkg -i /root/newer.deb || return 1
	wait_for 30 is state recording || return 1
	[ "$(main_pid takebox-tape)" = "$tape" ] || return 1
	[ "$(main_pid takeboxd)" != "$daemon" ] || return 1
	[ "$(status name)" = "$take" ] || return 1
	sleep 2
	takebox stop && whole
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
	dpkg -i /root/takebox.deb && wait_for 60 is state idle &&
		[ "$(main_pid takebox-tape)" != "$tape" ]
}

[ "${1-}" = short ] ||
	check "without a take both daemons are renewed" restarts_when_idle

# ---- the watchdog ----

# Seconds instead of half a minute.
for unit in takebox-tape takeboxd; do
	mkdir -p /run/systemd/system/$unit.service.d
	printf '[Service]\nWatchdogSec=6s\n' \
		>/run/systemd/system/$unit.service.d/watchdog.conf
done
systemctl daemon-reload
systemctl restart takebox-tape takeboxd
check "armed again" wait_for 60 is state idle

hung()
{
	local pid

	takebox record && wait_for 20 is state recording || return 1
	sleep 1
	pid=$(main_pid "$1")
	kill -STOP "$pid"
	wait_for 40 eval "[ \"\$(main_pid $1)\" != $pid ] &&
		[ \"\$(main_pid $1)\" != 0 ]" &&
		journalctl -b -u "$1" --no-pager | grep -q "Watchdog timeout"
}

check "takeboxd stops turning: the watchdog renews it" hung takeboxd
check "the same take goes on, without a gap" eval \
	'wait_for 30 is state recording && sleep 2 && takebox stop && whole'
check "takebox-tape hangs: the watchdog renews it" hung takebox-tape
check "the take is closed and whole; armed again" eval \
	'wait_for 60 is state idle && ended && takebox verify "$(newest_take)"'

# ---- letting go ----

check "takebox eject" takebox eject
sed 's/^/# /' /tmp/check
check "the stick is unmounted" eval '! mountpoint -q /media/takebox/BAND'
check "takes go to the machine's own folder" wait_for 10 is folder /srv/takebox
port=$(basename "$(dirname "$(realpath /sys/block/sda/../../../../..)")")
replug()
{
	echo "$port" >/sys/bus/usb/drivers/usb/unbind &&
		wait_for 20 eval '[ ! -e /dev/sda ]' &&
		echo "$port" >/sys/bus/usb/drivers/usb/bind &&
		wait_for 40 mountpoint -q /media/takebox/BAND &&
		wait_for 10 is folder /media/takebox/BAND
}
check "unplugged and plugged in again it is back" replug
check "its takes are there" test -f "$(newest_take)/take.json"

# ---- removal ----

removal()
{
	takebox record && wait_for 20 is state recording || return 1
	sleep 3
	cp /usr/bin/takebox /usr/bin/takebox-tape /root/bin/
	dpkg -r takebox && [ -f "$(newest_take)/take.json" ] &&
		! pgrep -x 'takeboxd|takebox-tape'
}

mkdir -p /root/bin
check "removed in mid-take: the take is closed first" removal
check "it is whole" /root/bin/takebox verify "$(newest_take)"
check "purged: takes stay" eval 'dpkg -P takebox &&
	[ -f "$(newest_take)/take.json" ]'
echo "1..$count"
[ $failed -eq 0 ]
