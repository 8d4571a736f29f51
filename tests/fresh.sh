#!/bin/bash
# The newcomer's machine: nothing but Debian's base, git and make, and a clean
# clone of what is committed here. Runs the two commands that README promises,
# make run and make test (or other targets), without a terminal.
#
#     tests/fresh.sh [bookworm|trixie [TARGET...]]
#
# The machine is a folder made by debootstrap from the mirror that this machine
# uses; the bare one is kept in $CACHE for a week. It is run in a chroot, in
# mount and process namespaces of its own: mounts and left-over processes end
# with it, however it ends. Logs are in build/fresh. Root only.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/.." && pwd)
cache=${CACHE:-$root/.cache}/fresh
logs=$root/build/fresh
suite=${1:-bookworm}
targets=("${@:2}")
[ ${#targets[@]} -gt 0 ] || targets=(run test)
PATH=$PATH:/usr/sbin:/sbin

die()
{
	echo "fresh: $*" >&2
	exit 1
}

make_machine()
{
	tar -C "$machine" -xf "$base"
	cp -L /etc/resolv.conf /etc/hosts "$machine/etc/"
	git -c safe.directory="$root" -C "$root" bundle create -q \
		"$machine/root/takebox.bundle" HEAD
	mount -t proc proc "$machine/proc"
	mount -t sysfs sysfs "$machine/sys"
	mount --bind /dev "$machine/dev"
	mount -t devpts -o newinstance,ptmxmode=666 devpts "$machine/dev/pts"
	mount -t tmpfs tmpfs "$machine/dev/shm"
	in_machine . git -c advice.detachedHead=false \
		-c init.defaultBranch=main clone -q takebox.bundle takebox
}

# in_machine FOLDER COMMAND...: in a folder of the newcomer's home.
in_machine()
{
	# shellcheck disable=SC2016 # the inner shell's own
	chroot "$machine" env -i HOME=/root LANG=C.UTF-8 SHELL=/bin/bash \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		${http_proxy:+http_proxy="$http_proxy"} \
		bash -c 'cd "/root/$0" && "$@"' "$@"
}

# Runs make TARGET as the newcomer does, and says how it went.
try()
{
	local target=$1 log=$logs/$suite-$1.log status=0

	SECONDS=0
	in_machine takebox make "$target" </dev/null >"$log" 2>&1 || status=$?
	echo "$suite: make $target: exit status $status after $SECONDS s ($log)"
	tail -n 12 "$log" | sed 's/^/    /'
	[ $status -eq 0 ] || failed=yes
}

[ "$(id -u)" -eq 0 ] || die "a chroot needs root"
if [ "${FRESH_INSIDE-}" != yes ]; then
	export FRESH_INSIDE=yes
	exec unshare --mount --pid --fork --kill-child "$0" "$suite" "${targets[@]}"
fi

mkdir -p "$cache" "$logs"
base=$("$root/tools/base.sh" "$suite")
machine=$(mktemp -d "$cache/machine.XXXXXX")
chmod 755 "$machine"
finish()
{
	umount -R "$machine/dev" "$machine/sys" "$machine/proc" || true
	rm -rf --one-file-system "$machine"
}
trap finish EXIT
trap 'exit 130' INT TERM
make_machine
failed=no
for target in "${targets[@]}"; do
	try "$target"
done
[ $failed = no ]
