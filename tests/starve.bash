# shellcheck shell=bash
# What starve.sh and starve_heal.sh share: the numbers FIRST, FIRST + STEP, ...
# up to LAST are tried, LANES of them at a time, each lane in a folder of its own.
# The script that sources this has
#
#   lane I        goes into its folder and calls try_lane I there
#   try_number N  says what went wrong with that number, and returns 1
#   kill_all      ends what it has started; called however the script ends

# takes FIRST LAST STEP [LANES], or says how the script is called.
take_arguments()
{
	[ $# -ge 3 ] || {
		sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
		exit 2
	}
	first=$1 last=$2 step=$3 lanes=${4:-2}
}

# wait_for COMMAND...: 30 s at most.
wait_for()
{
	local deadline=$((SECONDS + 30))

	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.1
	done
}

# note_hit COUNT: whether the allocation came that was to fail, by the file that
# starve.so has left.
note_hit()
{
	[ ! -s "$1" ] || od -An -tu8 -j8 -N8 "$1" >>"$work/hit"
}

try_lane()
{
	local n bad=0

	for ((n = first + $1 * step; n <= last; n += lanes * step)); do
		try_number "$n" || bad=$((bad + 1))
		echo "tried $n" >>"$work/tried"
	done
	echo $bad >"$work/bad.$1"
}

# Exit status: 0 if nothing went wrong, and there was something to go wrong.
try_all()
{
	local i tried hit bad

	for ((i = 0; i < lanes; i++)); do
		(mkdir -p "$work/$i" && cd "$work/$i" && lane "$i") &
	done
	wait
	tried=$(grep -c . "$work/tried")
	hit=$(grep -c 1 "$work/hit")
	bad=$(cat "$work"/bad.* | awk '{ n += $1 } END { print n + 0 }')
	echo "$tried allocations tried, $hit failed in the time, $bad takes with something lost"
	[ "$bad" -eq 0 ] && [ "$hit" -gt 0 ]
}

clean_up()
{
	kill_all
	rm -rf "$work"
}

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=${BUILD:-$ROOT/build}
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
export ALSA_CONFIG_PATH=$BUILD/virtual.conf LC_ALL=C.UTF-8
work=$(mktemp -d)
trap clean_up EXIT
