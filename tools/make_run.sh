#!/bin/sh
# make run: the recorder on this machine's first capture interface, or on the
# virtual one, with the panel on it. Without a terminal: a ten-second take,
# verified, with its summary and folder.

set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-build}
case $build in /*) ;; *) build=$root/$build ;; esac
folder=${TAKEBOX_FOLDER:-$root/takes}
mkdir -p "$folder"

device=${TAKEBOX_DEVICE:-}
if [ -z "$device" ]; then
	device=$("$build/takebox" devices | sed -n '/^hw:/{s/ .*//p;q}')
fi
if [ -z "$device" ]; then
	device='takebox_virtual:CHANNELS=8'
	ALSA_CONFIG_PATH=$build/virtual.conf
	export ALSA_CONFIG_PATH
	echo "no capture interface here: recording from the virtual one"
fi

if [ ! -t 1 ]; then
	"$build/takebox" run -D "$device" -d 10 -o "$folder" >"$build/run.log"
	cat "$build/run.log"
	take=$(sed -n 's/^folder  *//p' "$build/run.log")
	exec "$build/takebox" verify "$take"
fi

run=$(mktemp -d)
cleanup()
{
	trap - EXIT INT TERM
	[ -z "${daemon:-}" ] || kill "$daemon" 2>/dev/null || true
	[ -z "${daemon:-}" ] || wait "$daemon" || true
	[ -z "${tape:-}" ] || kill "$tape" 2>/dev/null || true
	[ -z "${tape:-}" ] || wait "$tape" || true
	rm -rf "$run"
	echo "make run has ended its recorder; takes are in $folder, messages in $build/run.log"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

"$build/takebox-tape" --socket "$run/tape" 2>"$build/run.log" &
tape=$!
"$build/takeboxd" --set "interface.device=$device" \
	--set "record.folder=$folder" --set "control.socket=$run/control" \
	--set "control.tape_socket=$run/tape" 2>>"$build/run.log" &
daemon=$!
tries=0
while [ ! -S "$run/control" ]; do
	if ! kill -0 "$daemon" 2>/dev/null || [ "$tries" -ge 100 ]; then
		cat "$build/run.log" >&2
		exit 1
	fi
	tries=$((tries + 1))
	sleep 0.05
done
TAKEBOX_SOCKET=$run/control "$build/takebox" panel
