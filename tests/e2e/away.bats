# What the recorder does while its interface is away: next to nothing, and it
# says so once.

load recorder.bash

# Clock ticks (of 10 ms) that the programs have used.
used() {
	local pid sum=0

	for pid in $(cat takebox-tape.pid takeboxd.pid); do
		sum=$((sum + $(awk '{ print $14 + $15 }' "/proc/$pid/stat")))
	done
	echo "$sum"
}

lines() {
	cat takebox-tape.log takeboxd.log | wc -l
}

plug() {
	"$ROOT/drivers/virtual/virtualctl" "$PWD/virtual" "$1"
}

@test "an interface that is away for long costs hardly any time, and two lines of the log" {
	start_all
	wait_until at_least .tape.seconds_held 3
	takebox record --preroll 0
	plug unplug
	wait_until status_is .interface.state absent
	said=$(lines) began=$SECONDS
	before=$(used)
	until [ $((SECONDS - began)) -ge 10 ]; do
		sleep 1
	done
	ticks=$(($(used) - before))
	echo "in $((SECONDS - began)) s: $((10 * ticks)) ms of CPU time"
	[ "$ticks" -le $((10 * (SECONDS - began))) ] # a tenth of a processor
	[ "$(lines)" -le $((said + 1)) ]
	plug plug
	wait_until status_is .interface.state running
	takebox stop || [ $? -eq 7 ]
	[ "$(lines)" -le $((said + 3)) ]
	cat takebox-tape.log takeboxd.log
	[ "$(grep -c "is gone" takebox-tape.log)" -eq 1 ]
	[ "$(grep -c "is back;" takebox-tape.log)" -eq 1 ]
}

@test "a cable that is loose for minutes does not fill the log" {
	start_all
	wait_until at_least .tape.seconds_held 3
	said=$(lines)
	for _ in $(seq 40); do
		plug unplug
		plug plug
		wait_until status_is .interface.state running
	done
	cat takebox-tape.log takeboxd.log
	echo "$(($(lines) - said)) lines in $SECONDS s"
	# Ten of a kind in ten seconds, and how many more there were.
	[ "$(lines)" -le $((said + 66)) ]
}

# An interface of so many channels. What reads its file while it is away must
# not find half of it.
make_stage() {
	cat "$BUILD/virtual.conf" - >own.conf.new <<-EOF
		pcm.stage {
			type takebox_virtual
			channels $1
			rate 48000
			signal counter
			origin clock
			control "$PWD/virtual"
		}
	EOF
	mv own.conf.new own.conf
}

@test "an interface that is back with fewer channels: the take ends, and the next has them" {
	export ALSA_CONFIG_PATH=$PWD/own.conf
	make_stage 4
	cat >takebox.conf <<-EOF
		interface: { device = "stage"; };
		tape: { seconds = 30.0; };
		record: { folder = "$PWD/medium"; preroll = 0.0; };
		session: { name = "Show"; };
		control: { socket = "$PWD/control"; tape_socket = "$PWD/tape"; };
	EOF
	start_tape
	start_daemon
	wait_until status_is .state idle
	takebox name 2 Bass
	takebox record
	wait_until at_least .take.durable 1
	plug unplug
	wait_until status_is .interface.state absent
	make_stage 2
	plug plug
	wait_until test -s medium/Takebox/Show/Take-001/take.json
	[ "$(jq -r .stopped_by medium/Takebox/Show/Take-001/take.json)" = \
		"the tape ended" ]
	# Silence comes in pieces of a second: it may have none yet.
	takebox verify medium/Takebox/Show/Take-001 || [ $? -eq 7 ]
	wait_until status_is .interface.channels 2
	takebox record
	run takebox stop --json
	[ "$status" -eq 0 ]
	[ "$(jq -r .take.verdict <<<"$output")" = sample-complete ]
	[ "$(cd medium/Takebox/Show/Take-002 && echo *.flac)" = \
		"01-Ch-01.flac 02-Bass.flac" ]
}
