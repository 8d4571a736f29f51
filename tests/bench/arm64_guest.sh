#!/bin/bash
# shellcheck disable=SC2016 # what eval is given expands there
# The bench's service in the arm64 machine. Speaks TAP.
set -u
cd /root || exit 1
export LC_ALL=C.UTF-8
count=0 failed=0

check()
{
	local name=$1

	shift
	count=$((count + 1))
	if "$@" >/tmp/check 2>&1; then
		echo "ok $count - $name"
	else
		echo "not ok $count - $name"
		tail -n 30 /tmp/check | sed 's/^/#   /'
		failed=$((failed + 1))
	fi
}

armed()
{
	local until=$((SECONDS + 120))

	until takebox status --json 2>/dev/null | grep -q '"state":"idle"'; do
		[ $SECONDS -lt $until ] || return 1
		sleep 0.2
	done
	systemctl is-system-running --wait
}

# Sound through the loopback card, by the packaged daemons, compared bit for
# bit with what was played. That ends with two seconds of silence: when it has been
# played, all sound has.
record()
{
	local take

	takebox record --preroll 0 || return 1
	aplay -q -D hw:Rack,1 -t raw -f S32_LE -r 48000 -c 8 8.s32 || return 1
	takebox stop || return 1
	take=$(echo /srv/takebox/Takebox/*/Take-001*)
	takebox verify "$take" &&
		tests/build/bench/compare 8.s32 8 48000 24 "$take"/*.flac
}

check "the package's programs are arm64's" eval \
	'[ "$(uname -m)" = aarch64 ] && takebox --version'
check "armed after boot under systemd, no unit failed" armed
systemd-analyze | sed 's/^/# /'
check "8 channels recorded from snd-aloop, bit for bit" record
grep -E "compared|gaps|verdict" /tmp/check | sed 's/^/# /'
systemctl stop takeboxd takebox-tape

cd tests || exit 1
# The clock runs on while this machine waits for its files: now is the time.
cat build/tests/test_* >/dev/null
export BUILD=build CACHE=/tmp/cache CALL_STRIDE=40 POSCLOCK_HOURS=0.25
unit_tests()
{
	tests/run.sh unit | tee /dev/fd/3 | tail -n 1 | grep -q " 0 failed"
}
check "the modules' tests" unit_tests 3> >(sed -u 's/^/# /')
echo "1..$count"
[ $failed -eq 0 ]
