#!/bin/bash
# Records 32 channels for hours and looks at what grows: memory of both
# programs, how late the writer is, the clock's drift.
#
#     tests/soak.sh [SECONDS]        7200
#
# CHANNELS=32, DEVICE=an ALSA name (else the virtual interface with the counter
# pattern), FOLDER=where to record (else a folder of its own, removed at the
# end), VERIFY=no when somebody else verifies the take (tests/bench/soak.sh). A
# line each INTERVAL=10 seconds: seconds, memory of takebox-tape and takeboxd in
# KiB (beside the tape), how many seconds are not yet safe on the medium, ppm,
# gaps. At the end the same by eighths, and a summary; exit status 0 if the take
# is sample-complete, nobody's memory grew by more than GROWTH=1024 KiB after the
# first tenth, and the writer was never later than LATE=5 seconds.

set -u
cd "$(dirname "$0")/.." || exit 1

BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
limit=${1:-7200}
channels=${CHANNELS:-32}
interval=${INTERVAL:-10}
work=$(mktemp -d "${TMPDIR:-/tmp}/soak.XXXXXX")
folder=${FOLDER:-$work/medium}
device=${DEVICE:-takebox_virtual:CHANNELS=$channels,SIGNAL=counter}
export ALSA_CONFIG_PATH=$BUILD/virtual.conf TAKEBOX_SOCKET=$work/control

takebox()
{
	"$BUILD/takebox" "$@"
}

clean_up()
{
	kill "$daemon" "$tape" 2>/dev/null
	wait
	rm -rf "$work"
}

# Memory of its own, which the tape (shared) is not.
memory()
{
	awk '/^Rss(Anon|File)/ { n += $2 } END { print n + 0 }' \
		"/proc/$1/status"
}

mkdir -p "$folder"
cat >"$work/takebox.conf" <<-EOF
	interface: { device = "$device"; channels = $channels; };
	tape: { seconds = ${TAPE:-30}.0; };
	record: { folder = "$folder"; preroll = 0.0; };
	session: { name = "Soak"; };
	control: { socket = "$work/control"; tape_socket = "$work/tape"; };
EOF
"$BUILD/takebox-tape" --socket "$work/tape" 2>"$work/tape.log" &
tape=$!
"$BUILD/takeboxd" -c "$work/takebox.conf" 2>"$work/takeboxd.log" &
daemon=$!
trap clean_up EXIT
for _ in $(seq 300); do
	answer=$(takebox record --json 2>/dev/null) && break
	sleep 0.2
done
take=$(jq -r .take.folder <<<"$answer")
[ -d "$take" ] || {
	echo "soak: no take: $answer"
	exit 1
}
echo "soak: $limit s, $channels channels of $device, to $take"
echo "seconds tape_kib daemon_kib late_s ppm gaps"
began=$SECONDS
until [ $((SECONDS - began)) -ge "$limit" ]; do
	sleep "$interval"
	takebox status --json | jq -r --arg s $((SECONDS - began)) \
		--arg t "$(memory $tape)" --arg d "$(memory $daemon)" '.status |
		[$s, $t, $d, ((.take.seconds - .take.durable) * 100 | round / 100),
		 .interface.ppm // "-", .take.gaps] | map(tostring) | join(" ")'
done | tee "$work/lines"
summary=$(takebox stop --json)
echo
jq -r '"\(.take.seconds) s, \(.take.tracks) tracks, \(.take.gaps) gaps: \(.take.verdict)"' \
	<<<"$summary"
if [ "${VERIFY:-yes}" = yes ]; then
	verdict=$(takebox verify --json "$take" | jq -r '.takes[0].verdict')
	echo "verify: $verdict"
else
	verdict=$(jq -r .take.verdict <<<"$summary")
fi
# Memory and ppm at the end of each eighth, lateness in it.
awk -v limit="$limit" '
	function show() {
		printf "%7d %8d %10d %12.2f %10.2f %6s\n", to, tape, daemon, \
			sum / n, most, ppm
		sum = n = most = 0
	}
	BEGIN {
		print "seconds tape_kib daemon_kib late_average late_worst ppm"
		eighth = 1
	}
	$1 > eighth * limit / 8 && n { show(); eighth++ }
	{
		to = $1; tape = $2; daemon = $3; ppm = $5
		sum += $4; n++
		if ($4 > most) most = $4
	}
	END { if (n) show() }' "$work/lines"
awk -v hz="$(getconf CLK_TCK)" -v n="$((SECONDS - began))" '
	{ cpu += $14 + $15 }
	END { printf "CPU: %.1f %% of a core\n", 100 * cpu / hz / n }' \
	"/proc/$tape/stat" "/proc/$daemon/stat"
awk -v limit="$limit" -v most="${LATE:-5}" -v growth="${GROWTH:-1024}" '
	$1 > limit / 10 && !seen { seen = 1; t = $2; d = $3 }
	seen && $2 - t > tape { tape = $2 - t }
	seen && $3 - d > daemon { daemon = $3 - d }
	$4 > late { late = $4 }
	{ sum += $4; n++ }
	END {
		printf "memory grew by %d KiB (takebox-tape), %d KiB (takeboxd); ", tape, daemon
		printf "the writer was %.2f s late on average, %.2f s at worst\n", sum / n, late
		exit tape > growth || daemon > growth || late > most
	}' "$work/lines" && [ "$verdict" = sample-complete ]
