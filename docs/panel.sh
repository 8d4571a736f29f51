#!/bin/bash
# Makes the README's picture anew: a band on the virtual interface, the two
# daemons, the panel in a terminal of 92 by 26, a take that runs, and what the
# terminal then shows, as SVG.
#
#     docs/panel.sh [MEDIUM]
#
# MEDIUM is a new folder for the take (/tmp/takes), removed at the end. Needs
# what make test needs (tests/sound.sh, tmux). rsvg-convert shows the picture:
# rsvg-convert docs/panel.svg -o panel.png

set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-$root/build}
medium=${1:-/tmp/takes}
band="01-Kick-In 02-Kick-Out 03-Snare-Top 04-Snare-Bottom 05-Hi-Hat 06-Tom-1
07-Tom-2 10-Overhead-L 11-Overhead-R 15-Bass-DI 17-Guitar-L 18-Guitar-R
19-Acoustic 23-Rhodes 28-Lead-Vocal 31-Talkback"

mkdir "$medium"
work=$(mktemp -d)
finish()
{
	tmux -L "$(basename "$work")" kill-server 2>/dev/null || true
	[ -z "${daemon:-}" ] || kill "$daemon" 2>/dev/null || true
	[ -z "${daemon:-}" ] || wait "$daemon" || true
	[ -z "${tape:-}" ] || kill "$tape" 2>/dev/null || true
	rm -rf "$work" "$medium"
}
trap finish EXIT
trap 'exit 130' INT TERM

"$root/tests/sound.sh" "$work/sound" 32 48000 60 >/dev/null
{
	cat "$build/virtual.conf"
	echo 'pcm.stage {'
	echo '	type takebox_virtual'
	echo '	channels 16'
	echo '	rate 48000'
	echo '	format S32_LE'
	echo '	ppm 11.3'
	echo '	files ['
	for name in $band; do
		echo "		\"$work/sound/$name.wav\""
	done
	echo '	]'
	echo '}'
} >"$work/asound.conf"
cat >"$work/takebox.conf" <<END
interface: { device = "stage"; };
tape: { seconds = 120; };
record: { folder = "$medium"; };
session: { name = "Rehearsal"; artist = "The Böhms"; };
control: { socket = "$work/control"; tape_socket = "$work/tape"; };
tracks = (
	{ name = "Kick in"; }, { name = "Kick out"; },
	{ name = "Snare top"; }, { name = "Snare bottom"; },
	{ name = "Hi-hat"; }, { name = "Tom 1"; }, { name = "Tom 2"; },
	{ name = "Overheads"; channels = [8, 9]; }, { name = "Bass DI"; },
	{ name = "Guitars"; channels = [11, 12]; }, { name = "Acoustic"; },
	{ name = "Rhodes"; }, { name = "Lead vocal"; },
	{ name = "Talkback"; armed = false; }
);
END

export ALSA_CONFIG_PATH=$work/asound.conf TAKEBOX_SOCKET=$work/control
"$build/takebox-tape" --socket "$work/tape" 2>"$work/tape.log" &
tape=$!
"$build/takeboxd" --config "$work/takebox.conf" 2>"$work/daemon.log" &
daemon=$!

# wait_for FILTER: until jq says yes to the recorder's status.
wait_for()
{
	for ((i = 0; i < 600; i++)); do
		if "$build/takebox" status --json 2>/dev/null |
			jq -e "$1" >/dev/null 2>&1; then
			return 0
		fi
		sleep 0.1
	done
	echo "panel: the recorder does not come to '$1'" >&2
	cat "$work"/*.log >&2
	exit 1
}

wait_for '.status.tape.seconds_held > 12'
tmux -L "$(basename "$work")" -f /dev/null new-session -d -x 92 -y 26 \
	"LC_ALL=C.UTF-8 $build/takebox panel"
"$build/takebox" record --name "Blue Moon" >/dev/null
wait_for '.status.take.seconds > 16'
"$build/takebox" mark Chorus >/dev/null
wait_for '.status.take.seconds > 24'
tmux -L "$(basename "$work")" capture-pane -e -p >"$work/screen"
"$build/takebox" stop >/dev/null
"$root/docs/ansi_to_svg.pl" "Takebox's terminal panel, recording sixteen channels" \
	<"$work/screen" >"$root/docs/panel.svg"
