#!/bin/bash
# What recording costs with Takebox and with what people use instead.
#
#     tests/perf/bench.sh [SECTION...]
#
# Sections: others limit shape memory idle wakes levels; default: all. Results
# are printed beside the goals and never asserted: times depend on the machine.
# BENCH_SECONDS is the sound recorded in each run (60), BENCH_ROUNDS how often
# all recorders take their turn (3; medians are shown).
#
# CPU seconds are user and system of all processes. The source is the virtual
# interface, unpaced, S32_LE, playing the same real recordings to everybody; its
# own cost is in every figure, and shown.

set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
export BUILD=${BUILD:-$top/build}
case $BUILD in /*) ;; *) BUILD=$top/$BUILD ;; esac
seconds=${BENCH_SECONDS:-60}
rounds=${BENCH_ROUNDS:-3}
loop=10 # seconds of sound, played again and again
rate=48000 level=5
recorders=(takebox arecord ffmpeg ecasound sox)

work=$(mktemp -d "${BENCH_DIR:-/tmp}/takebox-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT

say() { printf '%s\n' "$*"; }

# The value of key $1 in a line of key=value on standard input, one per line.
values() { sed -nE "s/.*\b$1=([^ ]*).*/\1/p"; }

median() { sort -g | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }

# An expression over any number of lines, in the format $2.
calc() { awk "BEGIN {printf \"${2:-%.2f}\", ${1//$'\n'/ }}"; }

sound()
{
	[ -e "$work/sound-$1-$2/done" ] && return
	"$top/tests/sound.sh" --raw "$work/sound-$1-$2" "$1" "$2" $loop
	touch "$work/sound-$1-$2/done"
}

# The device "bench" with $1 channels at $2 Hz.
device()
{
	sound "$1" "$2"
	local files=("$work/sound-$1-$2"/*.wav) list
	list=$(IFS=:; echo "${files[*]}")
	export ALSA_CONFIG_PATH=$work/alsa.conf
	cat >"$ALSA_CONFIG_PATH" <<-END
	<$BUILD/virtual.conf>
	pcm.bench {
		type takebox_virtual
		channels $1
		rate $2
		format S32_LE
		signal files
		files "$list"
		loop yes
		period_min 1024
		paced no
	}
	END
}

# One run of recorder $1, $2 channels, $3 seconds; its cost goes to file $4.
# The size of what it made is appended to the line.
run()
{
	local folder=$work/out

	rm -rf "$folder"
	mkdir "$folder"
	RATE=$rate LEVEL=$level "$BUILD/perf/cost" -o "$work/cost" \
		"$here/record.sh" "$1" "$folder" "$2" "$3" \
		>"$work/log" 2>&1 || {
		say "$1 failed:" && cat "$work/log"
		return 1
	}
	echo "$(cat "$work/cost") size=$(find "$folder" -name '*.flac' \
		-printf '%s\n' | awk '{s += $1} END {print s + 0}')" >>"$4"
	rm "$work/cost"
}

cpu() { awk '{for (i = 1; i <= NF; i++) {split($i, a, "="); v[a[1]] = a[2]}
	print v["user"] + v["sys"]}' "$1" | median; }

describe()
{
	case $1 in
	takebox) echo "takebox run" ;;
	arecord) echo "arecord -I, fifos, flac each" ;;
	ffmpeg) echo "ffmpeg, an output per channel" ;;
	ecasound) echo "ecasound to WAV, then flac" ;;
	sox) echo "sox to WAV, then remix each" ;;
	source) echo "(arecord to /dev/null)" ;;
	tape) echo "(takebox, the first second)" ;;
	esac
}

# ---- Takebox and the others ------------------------------------------------

others()
{
	local n r name

	for n in 8 16 32; do
		device $n $rate
		for ((r = 0; r < rounds; r++)); do
			for name in "${recorders[@]}" source tape; do
				run "$name" $n "$seconds" "$work/$name-$n"
			done
		done
		others_table $n
	done
}

others_table()
{
	local n=$1 name c best=0 mine samples

	samples=$(calc "$n * $seconds * $rate" %d)
	mine=$(cpu "$work/takebox-$n")
	say
	say "$n channels, $rate Hz, $seconds s, level $level, median of $rounds"
	printf '  %-30s %8s %10s %9s %8s %8s\n' recorder 'CPU s' 'ns/sample' \
		'peak MiB' size 'Takebox/'
	for name in "${recorders[@]}" source tape; do
		c=$(cpu "$work/$name-$n")
		printf '  %-30s %8.2f %10.1f %9.0f %8.3f %8.2f\n' \
			"$(describe "$name")" "$c" \
			"$(calc "$c * 1e9 / $samples")" \
			"$(values rss <"$work/$name-$n" | median |
				awk '{print $1 / 1024}')" \
			"$(values size <"$work/$name-$n" | median |
				awk '{print $1 / 3 / '"$samples"'}')" \
			"$(calc "$mine / $c")"
		case $name in takebox | source | tape) continue ;; esac
		if [ "$best" = 0 ] || [ "$(calc "$c < $best" %d)" = 1 ]; then
			best=$c
		fi
	done
	say "  Takebox to the best of them: $(calc "$mine / $best")" \
		"(goal: 0.65 with libFLAC 1.4, 0.40 with 1.5);"
	say "  of an unpaced take, the tape's memory is as long as the take:" \
		"without it about $(calc "($mine - $(cpu "$work/tape-$n") + \
		$(cpu "$work/source-$n")) / $best")"
}

# ---- Takebox and libFLAC alone ---------------------------------------------

instructions()
{
	local folder=$work/callgrind

	rm -rf "$folder"
	mkdir "$folder"
	valgrind --tool=callgrind --trace-children=yes \
		--callgrind-out-file="$folder/%p" "$@" >/dev/null 2>&1 || true
	sed -nE 's/^totals: *([0-9]+).*/\1/p' "$folder"/* |
		awk '{sum += $1} END {printf "%.0f\n", sum}'
}

# Instructions per sample of a command that is given seconds: what four more
# seconds take, so that starting and stopping are not in it.
slope()
{
	local short long n=$1

	shift
	short=$(instructions "${@//SECONDS/2}")
	rm -rf "$work/out"
	long=$(instructions "${@//SECONDS/6}")
	rm -rf "$work/out"
	calc "($long - $short) / (4.0 * $rate * $n)" %.1f
}

limit()
{
	local n=16 md5 bare mine

	device $n $rate
	local file=$work/sound-$n-$rate/$n.s32 samples
	samples=$(calc "$n * $seconds * $rate" %d)
	: >"$work/bare" && : >"$work/bare-md5" && : >"$work/limit"
	for ((r = 0; r < rounds; r++)); do
		"$BUILD/perf/bare_flac" -l $level "$file" $n "$seconds" \
			>>"$work/bare"
		"$BUILD/perf/bare_flac" -m -l $level "$file" $n "$seconds" \
			>>"$work/bare-md5"
		run takebox $n "$seconds" "$work/limit"
	done
	bare=$(values user <"$work/bare" | median)
	md5=$(values user <"$work/bare-md5" | median)
	mine=$(cpu "$work/limit")
	say
	say "libFLAC alone, from memory, and Takebox: $n channels, level $level"
	printf '  %-30s %10s %12s\n' '' 'ns/sample' 'instructions'
	local i_bare=0 i_md5=0 i_mine=0
	if command -v valgrind >/dev/null; then
		i_bare=$(slope $n "$BUILD/perf/bare_flac" -l $level "$file" \
			$n SECONDS)
		i_md5=$(slope $n "$BUILD/perf/bare_flac" -m -l $level "$file" \
			$n SECONDS)
		i_mine=$(slope $n "$BUILD/takebox" run -D bench -c $n \
			-r $rate -f S32_LE -d SECONDS -o "$work/out" --tape 8 \
			--level $level)
	fi
	limit_row "libFLAC" "$bare" "$i_bare" "$samples"
	limit_row "libFLAC with its MD5" "$md5" "$i_md5" "$samples"
	limit_row "Takebox, all of it" "$mine" "$i_mine" "$samples"
	say "  Takebox to libFLAC: time $(calc "$mine / $bare")," \
		"instructions $(calc "$i_mine / ($i_bare + 1e-9)") (goal: 1.15)"
}

limit_row()
{
	printf '  %-30s %10.1f %12.1f\n' "$1" "$(calc "$2 * 1e9 / $4")" "$3"
}

# ---- by channels and rate --------------------------------------------------

shape_row()
{
	local r s all source

	rate=$2
	s=$(calc "$seconds * 32 * 48000 / ($1 * $2) + 0.5" %d)
	[ "$s" -gt 240 ] && s=240
	device "$1" "$2"
	: >"$work/shape" && : >"$work/shape-source"
	for ((r = 0; r < rounds; r++)); do
		run takebox "$1" "$s" "$work/shape"
		run source "$1" "$s" "$work/shape-source"
	done
	all=$(calc "$(cpu "$work/shape") * 1e9 / ($1 * $2 * $s)" %f)
	source=$(calc "$(cpu "$work/shape-source") * 1e9 / ($1 * $2 * $s)" %f)
	printf '  %8d %8d %8d %10.1f %10.1f %10.1f\n' "$1" "$2" "$s" "$all" \
		"$source" "$(calc "$all - $source")"
}

shape()
{
	local n r

	say
	say "Takebox by channels and by rate (goal: flat)"
	printf '  %8s %8s %8s %10s %10s %10s\n' channels Hz seconds ns/sample \
		source less
	for n in 2 4 8 16 32 64; do
		shape_row $n 48000
	done
	for r in 44100 88200 96000 176400 192000; do
		shape_row 8 $r
	done
	rate=48000
}

# ---- memory, wake-ups, idling: in real time --------------------------------

# The interface in real time, with a signal that takes no memory of its own.
live_device()
{
	export ALSA_CONFIG_PATH=$work/alsa.conf
	cat >"$ALSA_CONFIG_PATH" <<-END
	<$BUILD/virtual.conf>
	pcm.bench {
		type takebox_virtual
		channels $1
		rate $rate
		format S32_LE
		signal noise
		level -12
	}
	END
}

live_run() # CHANNELS SECONDS [-m]
{
	local n=$1 s=$2

	shift 2
	rm -rf "$work/out" "$work/cost"
	"$BUILD/perf/cost" "$@" -o "$work/cost" "$BUILD/takebox" run \
		-D bench -c "$n" -r $rate -f S32_LE -d "$s" -o "$work/out" \
		--tape 10 --level $level --buffer 4096 >"$work/log" 2>&1 ||
		[ $? -eq 7 ] || { # gaps, on a busy machine, do not matter here
		cat "$work/log"
		return 1
	}
}

memory()
{
	local n

	say
	say "Memory in real time, MiB (goal beyond the tape: 16 at 32 channels)"
	printf '  %8s %12s %8s\n' channels 'beyond tape' tape
	for n in 2 8 16 32 64; do
		live_device $n
		live_run $n 8 -m
		printf '  %8d %12.1f %8.1f\n' $n \
			"$(values own <"$work/cost" | awk '{print $1 / 1024}')" \
			"$(values shared <"$work/cost" |
				awk '{print $1 / 1024}')"
	done
}

wakes()
{
	local n

	say
	say "Voluntary context switches in real time (goal: independent of channels)"
	printf '  %8s %12s\n' channels 'per second'
	for n in 2 8 16 32 64; do
		live_device $n
		live_run $n 10
		printf '  %8d %12.0f\n' $n \
			"$(calc "$(values nvcsw <"$work/cost") / 10")"
	done
}

# CPU nanoseconds that processes have used.
cpu_ns()
{
	local pid

	for pid; do
		cat /proc/"$pid"/task/*/schedstat
	done | awk '{s += $1} END {printf "%.0f", s}'
}

# Waits until a file is there and has something in it, or is a socket.
wait_for()
{
	local i

	for ((i = 0; i < 100; i++)); do
		if [ -S "$1" ] || [ -s "$1" ]; then
			return 0
		fi
		sleep 0.1
	done
	say "$1 did not come:" && cat "$work/log"
	return 1
}

daemons() # CHANNELS PERIOD; sets tape and daemon
{
	: >"$work/conf"
	rm -rf "$work/takes" "$work/tape" "$work/control"
	mkdir "$work/takes"
	"$BUILD/takebox-tape" --socket "$work/tape" 2>"$work/log" &
	tape=$!
	wait_for "$work/tape"
	"$BUILD/takeboxd" -c "$work/conf" -s interface.device=bench \
		-s interface.channels="$1" -s interface.rate=$rate \
		-s interface.period="$2" -s tape.seconds=20 -s record.folder="$work/takes" \
		-s control.socket="$work/control" \
		-s control.tape_socket="$work/tape" 2>>"$work/log" &
	daemon=$!
	wait_for "$work/control"
}

# Both daemons with all channels armed and somebody watching the meters; the
# watcher is not counted. The virtual interface, with its timer, is.
idle_row() # CHANNELS PERIOD
{
	local n=$1 period=$2 s=10 tape daemon watcher tape_ns daemon_ns both

	live_device "$n"
	sed -i 's/signal noise/signal silence/' "$ALSA_CONFIG_PATH"
	daemons "$n" "$period"
	: >"$work/meters"
	"$BUILD/takebox" --socket "$work/control" monitor --json -i 0.04 \
		>"$work/meters" 2>>"$work/log" &
	watcher=$!
	wait_for "$work/meters"
	sleep 4 # what is done once is done, and the position clock has locked
	tape_ns=$(cpu_ns "$tape") daemon_ns=$(cpu_ns "$daemon")
	sleep $s
	tape_ns=$(($(cpu_ns "$tape") - tape_ns))
	daemon_ns=$(($(cpu_ns "$daemon") - daemon_ns))
	both=$((tape_ns + daemon_ns))
	kill "$watcher" "$daemon" "$tape"
	wait "$watcher" "$daemon" "$tape" 2>/dev/null || true
	rm -f "$work/cost"
	"$BUILD/perf/cost" -o "$work/cost" arecord -q -D bench -c "$n" \
		-r $rate -f S32_LE -d $s --period-size="$period" -t raw \
		/dev/null 2>/dev/null
	printf '  %8d %8d %10.2f %10.2f %10.2f %12.2f %16.2f\n' "$n" "$period" \
		"$(calc "$tape_ns / ($s * $n * $rate)" %f)" \
		"$(calc "$daemon_ns / ($s * $n * $rate)" %f)" \
		"$(calc "$both / ($s * $n * $rate)" %f)" \
		"$(calc "$both / 1e7 / $s" %f)" \
		"$(calc "$(cpu "$work/cost") * 1e9 / ($s * $n * $rate)" %f)"
}

# Periods of 128 frames are what is chosen at 48 kHz.
idle()
{
	local n

	say
	say "Armed, meters 25 times a second, nothing recorded (goal: 2 ns)"
	say "Beside it, what a plain reader of the same device costs: arecord to"
	say "/dev/null with the same period."
	printf '  %8s %8s %10s %10s %10s %12s %16s\n' channels period \
		'tape, ns' 'daemon, ns' 'both, ns' '% of a CPU' 'arecord, ns'
	for n in 2 8 16 32 64; do
		idle_row $n 128
	done
	idle_row 32 512
	idle_row 32 1024
}

# ---- levels ----------------------------------------------------------------

levels()
{
	local n=16 l

	device $n $rate
	local file=$work/sound-$n-$rate/$n.s32
	say
	say "libFLAC's levels on this sound, $n channels, without MD5"
	printf '  %-8s %8s %10s\n' level size ns/sample
	for l in 0 1 2 3 4 5 '5 -p 12' 6 7 8; do
		# shellcheck disable=SC2086 # level and order are words
		"$BUILD/perf/bare_flac" -l $l "$file" $n $loop >"$work/level"
		printf '  %-8s %8.4f %10.1f\n' "${l/ -p /, p}" \
			"$(calc "$(values bytes <"$work/level") / 3 /
				($n * $loop * $rate)" %f)" \
			"$(calc "$(values user <"$work/level") * 1e9 /
				($n * $loop * $rate)")"
	done
}

# Only what is installed takes part.
present=()
for name in "${recorders[@]}"; do
	if [ "$name" = takebox ] || command -v "$name" >/dev/null; then
		present+=("$name")
	else
		say "$name is not installed: left out"
	fi
done
recorders=("${present[@]}")

# Asked here, since the asking must not count.
export FFMPEG_MAPS=no
if ffmpeg -v error -h full 2>/dev/null | grep map_channel >"$work/help"; then
	FFMPEG_MAPS=yes
fi

[ $# -gt 0 ] || set -- others limit shape memory wakes idle levels
say "$(uname -m), $(nproc) CPUs,$(sed -n 's/^model name.*:/ /p' /proc/cpuinfo |
	head -1), libFLAC $(flac --version | cut -d' ' -f2)"
for section; do
	"$section"
done
