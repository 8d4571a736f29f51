# A recorder on the virtual interface, in a virtual machine: what
# disks_guest.sh and powercut_guest.sh, which read this, both do with one. $build
# is theirs.
# shellcheck shell=bash disable=SC2154

export ALSA_CONFIG_PATH=$build/virtual.conf TAKEBOX_SOCKET=/run/control
tape='' daemon=''
trap 'kill -9 $tape $daemon 2>/dev/null' EXIT

takebox()
{
	"$build/takebox" "$@"
}

fail()
{
	echo "guest: $*"
	cat /run/takeboxd.log /run/tape.log 2>/dev/null
	exit 1
}

# wait_for COMMAND...: in the guest's time.
wait_for()
{
	local end=$((SECONDS + 240))

	until "$@" 2>/dev/null; do
		[ $SECONDS -lt $end ] || fail "waited in vain for: $*"
		sleep 0.2
	done
}

# A value of the status, by its jq path.
status_of()
{
	takebox status --json 2>/dev/null | jq -r ".status$1"
}

is()
{
	[ "$(status_of "$1")" = "$2" ]
}

at_least()
{
	jq -en --argjson a "$(status_of "$1" | grep -E '^[0-9.]+$' || echo 0)" \
		--argjson b "$2" '$a >= $b' >/dev/null
}

# Under uml.sh a look at the clock takes so long that a pointer that moves from
# frame to frame is never read twice alike: there frames come in packets.
packets=''
[ ! -b /dev/ubda ] || packets=,JITTER=4000,PERIOD_MIN=512

# start_recorder CHANNELS SECONDS RECORD: with a tape of so many seconds, and
# what the configuration is to say of recording.
start_recorder()
{
	local device="takebox_virtual:CHANNELS=$1,SIGNAL=counter$packets"

	cat >/run/takebox.conf <<-EOF
		interface: { device = "$device"; rate = 48000; };
		tape: { seconds = $2.0; };
		record: { $3 };
		session: { name = "Show"; };
		control: { socket = "/run/control"; tape_socket = "/run/tape"; };
	EOF
	rm -f /run/control /run/tape
	"$build/takebox-tape" --socket /run/tape 2>>/run/tape.log &
	tape=$!
	wait_for test -S /run/tape
	"$build/takeboxd" -c /run/takebox.conf 2>>/run/takeboxd.log &
	daemon=$!
	wait_for is .state idle
}
