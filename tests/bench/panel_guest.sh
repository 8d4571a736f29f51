#!/bin/bash
# In the virtual machine: the recorder, with a panel of gpio-sim's lines.
#
#     panel_guest.sh presses FOLDER COUNT SEED
#     panel_guest.sh session FOLDER
#
# presses: COUNT presses at random times, on the virtual interface, whose
# samples say when they were: presses_check.sh judges what comes into FOLDER.
# session: a band plays into snd-aloop (FOLDER/played.s32, four channels, the
# last silent) while buttons are pressed and lamps looked at; and what else can
# happen to a panel. Prints a line for each case: "ok NAME" or "not ok NAME".

set -u

here=$(cd "$(dirname "$0")" && pwd)
build=${BUILD:-$here/../../build}
# shellcheck source=tests/bench/gpio_sim.sh
. "$here/gpio_sim.sh"
# shellcheck source=tests/bench/panel_session.sh
. "$here/panel_session.sh"

mode=$1 folder=$2
work=/tmp/panel
mkdir -p $work/medium
cd $work || exit 1
export TAKEBOX_SOCKET=$work/control

lines=(REC STOP MARK KEEP LOCK FAIL ARM1 ARM2 ARM3 ARM4
	LREC LREADY LALERT LLOCK LARM1 LARM2 LARM3 LARM4
	LSIG1 LSIG2 LSIG3 LSIG4 TRIG)

# ---- the panel's other side: fingers and eyes, without forks ----------------

declare -A at

find_lines()
{
	local first i

	first=$(gpio_sim_line panel 0)
	for i in "${!lines[@]}"; do
		at[${lines[i]}]=${first%0}$i
	done
}

make_chip()
{
	local names=() i

	for i in "${!lines[@]}"; do
		names+=("$i=${lines[i]}")
	done
	gpio_sim_chip panel ${#lines[@]} "${names[@]}"
	find_lines
}

up()
{
	echo pull-up >"${at[$1]}/pull"
}

down()
{
	echo pull-down >"${at[$1]}/pull"
}

# press NAME [SECONDS]
press()
{
	up "$1"
	sleep "${2:-0.1}"
	down "$1"
}

lit()
{
	local value

	read -r value <"${at[$1]}/value" && [ "$value" = 1 ]
}

dark()
{
	! lit "$1"
}

now_ms()
{
	echo $((${EPOCHREALTIME/./} / 1000))
}

# Nothing ever comes from there: a wait without a fork.
mkfifo never
exec 7<>never
pause()
{
	read -rt "$1" -u 7 || true
}

# steady lit|dark NAME MS: at every look, some hundred a second.
steady()
{
	local end=$((${EPOCHREALTIME/./} + $3 * 1000))

	while [ ${EPOCHREALTIME/./} -lt $end ]; do
		"$1" "$2" || return 1
		pause 0.005
	done
}

# Waits until the command succeeds, 20 s at most.
wait_until()
{
	local end=$((SECONDS + 20))

	until "$@"; do
		if [ $SECONDS -ge $end ]; then
			echo "waited in vain for: $*"
			return 1
		fi
		pause 0.01
	done
}

# ---- the recorder ----------------------------------------------------------

takebox()
{
	"$build/takebox" "$@"
}

# What the recorder says of itself: a line of JSON. It is compared with
# patterns, since each start of jq takes this machine longer than all else.
look()
{
	status=$(takebox status --json 2>/dev/null)
}

# status_has WORDS: for example '"state":"idle"'
status_has()
{
	look && [[ $status == *"$1"* ]]
}

# The problems come last.
problems()
{
	look && echo "${status#*\"problems\":}"
}

problem_like()
{
	look && [[ ${status#*\"problems\":} == *"$1"* ]]
}

write_config()
{
	cat >takebox.conf <<-END
		interface: { device = "$1"; channels = $2; rate = 48000; };
		tape: { seconds = 20.0; };
		record: { folder = "$work/medium"; preroll = 1.0; };
		control: { socket = "$work/control"; tape_socket = "$work/tape"; };
		panel: { board = "${3:-$work/test.board}"; };
	END
}

start_tape()
{
	"$build/takebox-tape" --socket $work/tape 2>>tape.log &
	wait_until test -S tape
}

start_daemon()
{
	"$build/takeboxd" -c takebox.conf 2>>daemon.log &
	echo $! >daemon.pid
	wait_until test -S control
}

stop_daemon()
{
	kill "$(cat daemon.pid)"
	wait_until test ! -e "/proc/$(cat daemon.pid)"
}

all_well()
{
	! problem_like "panel:"
}

last_take()
{
	local takes=(medium/Takebox/*/Take-*)

	echo "${takes[-1]}"
}

count_takes()
{
	local takes=(medium/Takebox/*/Take-*/take.json)

	[ -e "${takes[0]}" ] && echo ${#takes[@]} || echo 0
}

more_takes_than()
{
	[ "$(count_takes)" -gt "$1" ]
}

is_recording()
{
	status_has '"state":"recording"'
}

is_locked()
{
	look && [[ $status == *'"ppm":'[-0-9]* ]]
}

is_idle()
{
	status_has '"state":"idle"'
}

# ---- 1,000 presses ---------------------------------------------------------

write_presses_board()
{
	cat >test.board <<-END
		times: { preroll = 0.0; };
		inputs = (
			{ role = "rec"; line = "REC"; active = "high"; pull = "down"; },
			{ role = "stop"; line = "STOP"; active = "high"; pull = "down"; },
			{ role = "mark"; line = "MARK"; active = "high"; pull = "down"; },
			{ role = "lock"; line = "LOCK"; active = "high"; pull = "down"; }
		);
		outputs = (
			{ role = "rec"; line = "LREC"; },
			{ role = "lock"; line = "LLOCK"; }
		);
		gestures = (
			{ button = "stop"; gesture = "press"; action = "stop"; },
			{ button = "lock"; gesture = "press"; action = "lock"; }
		);
	END
}

# What the takes are, from their samples: the device's number of the first
# frame, how many there are, and the markers.
list_takes()
{
	local take first

	for take in medium/Takebox/*/Take-*; do
		first=$("$build/e2e/segments" "$take"/01-*.flac)
		if [[ $first == 0\ *" counter "* ]] &&
			[ "$(wc -l <<<"$first")" -eq 1 ]; then
			read -r _ _ _ first _ <<<"$first"
		else
			first=broken
		fi
		jq -r --arg first "$first" \
			'"\($first) \(.frames) \(.markers | map(.at) | join(" "))"' \
			"$take/take.json"
	done
}

has_begun()
{
	look && [[ $status != *'"state":"starting"'* ]]
}

# Edges are handled in the order in which they were: once LOCK is locked (a
# refused press makes its lamp blink), the presses before it have been too, and
# what they began is a take as soon as that has begun.
wait_for_hands()
{
	press LOCK
	wait_until steady lit LLOCK 300 && wait_until has_begun
}

run_presses()
{
	local status

	export ALSA_CONFIG_PATH=$build/virtual.conf
	write_config "takebox_virtual:CHANNELS=2,SIGNAL=counter,ORIGIN=clock,CONTROL=$work/virtual" 2
	write_presses_board
	start_tape || return 1
	start_daemon || return 1
	wait_until is_idle || return 1
	# Until the clock's line is known.
	wait_until is_locked || return 1
	chrt -f 70 "$build/bench/presses" "$2" "$1" "$folder/presses" \
		"REC=${at[REC]}=3" "STOP=${at[STOP]}=2" "MARK=${at[MARK]}=5"
	status=$?
	[ $status -eq 0 ] || return $status
	wait_for_hands || return 1
	if is_recording; then
		takebox stop >/dev/null
	fi
	wait_until is_idle || return 1
	cp virtual.state "$folder/crystal"
	list_takes >"$folder/takes"
	cp daemon.log "$folder/log"
}

# While this machine waits for a file of the host's, its clock runs on, the
# faster the less it has to do. So all that is run is read before.
read_programs()
{
	local programs

	programs=$(printf '%s\n' "$build"/takebox* "$build"/*.so \
		"$build/bench/presses" "$build/e2e/segments" \
		"$(command -v jq)" "$(command -v aplay)" \
		"$(command -v sleep)" "$(command -v chrt)")
	{
		echo "$programs"
		xargs -d '\n' ldd <<<"$programs" | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p'
	} | sort -u | xargs -d '\n' cat >/dev/null
}

read_programs
make_chip || exit 1
case $mode in
presses) run_presses "$3" "$4" ;;
session) run_session ;;
esac
