#!/bin/bash
# In the virtual machine: takes of the bench's USB interface, with faults on
# command. What each came to is left in WORK for usb.bats to judge:
#
#     usb_guest.sh BUILD WORK TAKE...
#
#     NAME.json    takebox's summary     NAME.err    what it said
#     NAME.take    take.json             NAME.log    what the interface did
#     NAME.NN      segments of track NN

set -u

build=$1 work=$2
shift 2
PATH=$PATH:${0%/*}/../../drivers/virtual
control=/run/usb_audio
status=/proc/asound/Interface/pcm0c/sub0/status
device=hw:CARD=Interface,DEV=0

fail()
{
	echo "usb_guest: $*"
	exit 1
}

# wait_for SECONDS COMMAND...
wait_for()
{
	local end=$((SECONDS + $1))

	shift
	until "$@" 2>/dev/null; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.02
	done
}

# plug_in OPTION...: a new interface, and the card that the kernel makes of it.
plug_in()
{
	rm -f "$control"*
	"$build/bench/usb_audio" "$@" "$control" &
	wait_for 300 test -e /proc/asound/Interface/pcm0c || fail "no card"
}

pull_out()
{
	virtualctl "$control" quit >/dev/null
	wait_for 300 test ! -e /proc/asound/Interface || fail "the card stays"
}

# The device's frame now.
frame()
{
	virtualctl "$control" position | awk '{ print $3 }'
}

# start NAME SECONDS RATE: takebox records; its first frame is about $first.
start()
{
	name=$1
	"$build/takebox" run --json -D $device -r "$3" -d "$2" \
		-o "/run/takes/$name" >"$work/$name.json" 2>"$work/$name.err" &
	recorder=$!
	wait_for 300 grep -qs RUNNING $status || fail "$name does not record"
	first=$(frame)
}

# finish: the take is over; what it has come to.
finish()
{
	local folder file

	wait "$recorder"
	echo $? >"$work/$name.status"
	folder=$(jq -r .folder "$work/$name.json")
	cp "$folder/take.json" "$work/$name.take"
	cp "$control.log" "$work/$name.log"
	for file in "$folder"/*.flac; do
		"$build/e2e/segments" "$file" \
			>"$work/$name.$(basename "$file" | cut -c1-2)"
	done
	rm -r "/run/takes/$name"
}

at()
{
	virtualctl "$control" at $((first + $1)) "${@:2}"
}

# 18 channels, and packets that fail: 1, 2, 5, 16 and 80 in a row.
take_losses()
{
	local second=6 packets

	plug_in -p 35
	start losses 12 48000
	for packets in 1 2 5 16 80; do
		at $((second * 48000)) lose $packets
		second=$((second + 1))
	done
	finish
	pull_out
}

# Nothing comes over the bus for a while, and what the device had then is lost.
take_stalled()
{
	plug_in -c 4 -p 35
	start stalled 11 48000
	at $((4 * 48000)) stall 40
	at $((6 * 48000)) stall 300
	at $((8 * 48000)) stall 900
	finish
	pull_out
}

# Pulled out in mid-take for a second, and put into another port.
take_unplugged()
{
	# One rate: the kernel sets the highest there is when it is plugged in, and
	# the frames that it plays at that would be counted, too.
	plug_in -c 10 -b 3 -r 44100 -p -60
	start unplugged 11 44100
	at $((5 * 44100)) unplug
	wait_for 300 grep -q ' unplug ' "$control.log"
	sleep 1
	virtualctl "$control" plug 3 >/dev/null
	finish
	pull_out
}

# Pulled out; another one of its kind comes first and gets its name, then it is
# back itself, as another card.
take_swapped()
{
	plug_in -c 2 -b 3 -r 44100 -p 20
	start swapped 8 44100
	at $((3 * 44100)) unplug
	wait_for 300 grep -q ' unplug ' "$control.log"
	wait_for 300 test ! -e /proc/asound/Interface || fail "the card stays"
	"$build/bench/usb_audio" -c 2 -b 3 -r 44100 -s TBX-0002 -P 2 \
		"$control-2" &
	wait_for 300 test -e /proc/asound/Interface/pcm0c || fail "no 2nd card"
	virtualctl "$control" plug 3 >/dev/null
	finish
	cat /proc/asound/cards >"$work/swapped.cards"
	virtualctl "$control-2" quit >/dev/null
	virtualctl "$control" quit >/dev/null
	wait_for 300 test ! -e /proc/asound/card0 -a ! -e /proc/asound/card1 ||
		fail "the cards stay"
}

# The interface's clock goes over to another rate by itself.
take_rate()
{
	plug_in -c 2 -p 10
	start rate 12 48000
	at $((4 * 48000)) rate 44100
	finish
	pull_out
}

mkdir -p /run/takes
dmesg -n 1
for take; do
	"take_$take"
done
