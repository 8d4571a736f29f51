#!/bin/bash
# The arm64 package on an emulated arm64 machine: Debian's arm64 base, the
# package installed into it, booted with systemd and Debian's arm64 kernel on
# the cores of a Raspberry Pi 4. arm64_guest.sh then runs the modules' tests
# and records from snd-aloop there.
#
#     tests/bench/arm64.sh [SUITE]     # bookworm (default)
#
# Programs of the other processor are run by qemu-user in a user namespace,
# which has a binfmt_misc of its own (Linux 6.7 and later): nothing is
# registered on this machine. The log is build/boot/SUITE-arm64.log. Root only.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
suite=${1:-bookworm}
BUILD=${BUILD:-$root/build}
case $BUILD in /*) ;; *) BUILD=$root/$BUILD ;; esac
logs=$BUILD/boot
CACHE=${CACHE:-$root/.cache}
cache=$CACHE/boot
machine=$cache/machine-$suite-arm64
builder=$CACHE/deb/$suite-arm64
kernel=$CACHE/vm/$suite-arm64
mkdir -p "$logs" "$cache" "$CACHE/vm"
log=$logs/$suite-arm64-build.log
: >"$log"

set -E
trap 'echo "arm64: failed in line $LINENO ($log)" >&2; tail -n 5 "$log" >&2' ERR

# in_arm64 COMMAND...: in the tree, as root, by qemu-user. The new namespace's
# shell waits at the gate until it has its users.
in_arm64()
{
	local gate pid status=0

	gate=$(mktemp -u "$cache/gate.XXXXXX")
	mkfifo "$gate"
	# shellcheck disable=SC2016 # the inner shells' own
	unshare --user sh -c 'read -r _ <"$0"; exec "$@"' "$gate" \
		unshare --mount --pid --fork --kill-child sh -c '
		mount -t binfmt_misc binfmt /proc/sys/fs/binfmt_misc &&
		printf "%s" "$1" >/proc/sys/fs/binfmt_misc/register &&
		mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" &&
		shift &&
		exec chroot "$0" env -i HOME=/root LANG=C.UTF-8 \
			PATH=/usr/sbin:/usr/bin:/sbin:/bin \
			DEBIAN_FRONTEND=noninteractive "$@"' \
		"$machine" "$arm64_programs" "$@" &
	pid=$!
	while [ /proc/$pid/ns/user -ef /proc/self/ns/user ]; do
		sleep 0.05
	done
	echo "0 0 65536" >"/proc/$pid/uid_map"
	echo "0 0 65536" >"/proc/$pid/gid_map"
	echo >"$gate"
	wait $pid || status=$?
	rm "$gate"
	return $status
}

# How binfmt_misc knows them, and who runs them (F: opened right now).
arm64_programs=':arm64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00'
arm64_programs+='\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff'
arm64_programs+='\xff\xff\xff\xff\xfe\xff\xff\xff:/usr/bin/qemu-aarch64-static:F'

# The cross-builder that make deb ARCH=arm64 has made.
in_builder()
{
	# shellcheck disable=SC2016
	unshare --mount --pid --fork --kill-child sh -c '
		mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" &&
		exec chroot "$0" env -i HOME=/root LANG=C.UTF-8 \
			PATH=/usr/sbin:/usr/bin:/sbin:/bin \
			DEBIAN_FRONTEND=noninteractive "$@"' "$builder" "$@"
}

make_system()
{
	local tar

	tar=$("$root/tools/base.sh" "$suite" arm64)
	rm -rf --one-file-system "$machine"
	mkdir "$machine"
	tar -C "$machine" -xf "$tar"
	cp -L /etc/resolv.conf /etc/hosts "$machine/etc/"
	in_arm64 env container=lxc /debootstrap/debootstrap --second-stage
	# It may make no devices here, and need not. It writes etc/apt anew.
	tar -C "$machine" -xf "$tar" ./etc/apt
	in_arm64 apt-get -q -o APT::Sandbox::User=root update
	in_arm64 apt-get -q -y -o APT::Sandbox::User=root \
		--no-install-recommends install systemd-sysv udev kmod dbus \
		alsa-utils util-linux busybox-static flac libcmocka0
	echo recorder >"$machine/etc/hostname"
	echo snd-aloop >"$machine/etc/modules-load.d/interface.conf"
	echo "options snd-aloop id=Rack pcm_substreams=1" \
		>"$machine/etc/modprobe.d/interface.conf"
	tar -C "$machine" -cf "$cache/$suite-arm64.tar.new" .
	mv "$cache/$suite-arm64.tar.new" "$cache/$suite-arm64.tar"
}

# Unpacked, not installed, as vm.sh does for this machine's own.
fetch_kernel()
{
	local work package

	work=$(mktemp -d "$CACHE/vm/fetch.XXXXXX")
	package=$(in_arm64 apt-cache depends linux-image-arm64 |
		sed -n 's/^ *Depends: \(linux-image-[0-9]\)/\1/p')
	in_arm64 sh -c "cd /root && apt-get -q -o APT::Sandbox::User=root \
		download $package"
	mkdir "$work/root" "$work/lib"
	dpkg-deb --fsys-tarfile "$machine"/root/linux-image-*.deb |
		tar -x -C "$work/root" --exclude='*/kernel/drivers/gpu' \
			--exclude='*/kernel/drivers/net' \
			--exclude='*/kernel/drivers/media' \
			--exclude='*/kernel/drivers/infiniband'
	rm "$machine"/root/linux-image-*.deb
	mv "$work"/root/lib/modules "$work/lib/modules" 2>/dev/null ||
		mv "$work"/root/usr/lib/modules "$work/lib/modules"
	mv "$work"/root/boot/vmlinuz-* "$work/vmlinuz"
	cp "$machine/bin/busybox" "$work/busybox"
	/usr/sbin/depmod -b "$work" "$(ls "$work/lib/modules")"
	rm -rf "$work/root" "$kernel"
	mv "$work" "$kernel"
}

# The modules' tests, cross-built where the package was.
build_tests()
{
	in_builder apt-get -q -y --no-install-recommends install \
		libcmocka-dev:arm64
	rm -rf "$builder/tests"
	mkdir "$builder/tests"
	git -C "$root" ls-files -z | (cd "$root" && tar -c --null -T -) |
		tar -x -C "$builder/tests"
	in_builder make -C /tests -j2 CC=aarch64-linux-gnu-gcc \
		AR=aarch64-linux-gnu-ar PKG_CONFIG=aarch64-linux-gnu-pkg-config \
		unit build/bench/compare
	rm -rf "$builder/tests/build/obj"
}

"$root/tools/setup.sh" foreign
exec 9>"$cache/$suite-arm64.lock"
flock 9
"$root/tools/deb.sh" --suite "$suite" --arch arm64 >>"$log" 2>&1
packages=("$BUILD/deb/$suite/"takebox_*_arm64.deb)
if [ -z "$(find "$cache/$suite-arm64.tar" -mtime -7 2>/dev/null)" ]; then
	make_system >>"$log" 2>&1
fi
rm -rf --one-file-system "$machine"
mkdir "$machine"
tar -C "$machine" -xf "$cache/$suite-arm64.tar"
if [ ! -f "$kernel/vmlinuz" ]; then
	fetch_kernel >>"$log" 2>&1
fi
build_tests >>"$log" 2>&1
cp "${packages[0]}" "$machine/root/takebox.deb"
in_arm64 apt-get -q -y -o APT::Sandbox::User=root --no-install-recommends \
	install /root/takebox.deb >>"$log" 2>&1
cp -a "$builder/tests" "$machine/root/tests"
cat >"$machine/etc/takebox/takebox.conf" <<-CONF
	interface: { channels = 8; };
	tape: { seconds = 30.0; };
CONF
"$root/tests/sound.sh" --raw "$cache/sound" 8 48000 10 >>"$log" 2>&1
cp "$cache/sound/8.s32" "$here/arm64_guest.sh" "$machine/root"
# The loopback plays on from its buffers until the player's stop has come
# through: what is in there then is known. They hold 1.4 s.
truncate -s +$((2 * 8 * 48000 * 4)) "$machine/root/8.s32"
printf 'true\n' >"$cache/no-hardware.sh"
"$here/vm.sh" --steady --arch arm64 --kernel "$kernel" \
	--root "$machine" --init "$cache/no-hardware.sh" \
	--timeout "${TIMEOUT:-3600}" --log "$logs/$suite-arm64-console.log" \
	bash /root/arm64_guest.sh | tee "$logs/$suite-arm64.log"
