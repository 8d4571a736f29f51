#!/bin/bash
# Installs the package into a fresh Debian, boots that with systemd in the
# virtual machine, and lets boot_guest.sh look at it:
#
#     tests/bench/boot.sh [SUITE [short | time [NS]]]   # bookworm, trixie
#
# "short" leaves out the upgrades. "time" only measures how long it takes until
# a take could begin, with 32 channels and a tape of 512 MB: on one processor
# that does an instruction in NS (2) ns, whatever this host does (vm.sh
# --steady), with the root in its memory. In the other runs figures are of an
# emulated machine on a host that may be busy.
#
# Prints what was found, the critical chain among it; the whole of it is in
# build/boot/SUITE.log. Root only.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
suite=${1:-bookworm}
native=$(dpkg --print-architecture)
BUILD=${BUILD:-$root/build}
case $BUILD in /*) ;; *) BUILD=$root/$BUILD ;; esac
logs=$BUILD/boot
cache=${CACHE:-$root/.cache}/boot
mkdir -p "$logs" "$cache"

# in_machine COMMAND...: in the tree, which has nobody but root.
in_machine()
{
	# shellcheck disable=SC2016 # the inner shell's own
	unshare --mount --pid --fork --kill-child sh -c '
		mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" &&
		exec chroot "$0" env -i HOME=/root LANG=C.UTF-8 \
			PATH=/usr/sbin:/usr/bin:/sbin:/bin \
			DEBIAN_FRONTEND=noninteractive "$@"' "$machine" "$@"
}

install_packages()
{
	in_machine apt-get -q -y --no-install-recommends install "$@"
}

# Debian with systemd, as a board's image has it, but no Takebox: kept.
make_system()
{
	local tar

	tar=$("$root/tools/base.sh" "$suite")
	rm -rf --one-file-system "$machine"
	mkdir "$machine"
	tar -C "$machine" -xf "$tar"
	cp -L /etc/resolv.conf /etc/hosts "$machine/etc/"
	in_machine apt-get -q update
	install_packages systemd-sysv udev kmod dbus alsa-utils util-linux \
		dosfstools exfatprogs e2fsprogs flac
	echo recorder >"$machine/etc/hostname"
	# What loads the interface's driver on a real machine is its plug.
	echo snd-aloop >"$machine/etc/modules-load.d/interface.conf"
	echo "options snd-aloop id=Rack pcm_substreams=1" \
		>"$machine/etc/modprobe.d/interface.conf"
	tar -C "$machine" -cf "$cache/$suite.tar.new" .
	mv "$cache/$suite.tar.new" "$cache/$suite.tar"
}

machine=$cache/machine-$suite${2:+-$2}
exec 8>"$machine.lock" 9>"$cache/$suite.lock"
flock 8
flock 9
if [ -z "$(find "$cache/$suite.tar" -mtime -7 2>/dev/null)" ]; then
	make_system >"$logs/$suite-system.log" 2>&1
fi
exec 9>&-
rm -rf --one-file-system "$machine"
mkdir "$machine"
tar -C "$machine" -xf "$cache/$suite.tar"

# make vm-boot has built it.
packages=("$BUILD/deb/$suite/"takebox_*_"$native".deb)
[ -f "${packages[0]}" ] || {
	echo "boot: there is no package: make deb SUITE=$suite" >&2
	exit 1
}
cp "${packages[0]}" "$machine/root/takebox.deb"
install_packages /root/takebox.deb >"$logs/$suite-install.log" 2>&1 || {
	tail "$logs/$suite-install.log" >&2
	echo "boot: the package does not install" >&2
	exit 1
}
cp "$here/boot_guest.sh" "$here/boot_boards.sh" "$here/boot_media.sh" \
	"$here/gpio_sim.sh" "$machine/root"
# Of what is done at a machine's first boot only there is nothing left to do.
touch "$machine/etc/.updated" "$machine/var/.updated"
# The same as a newer version.
dpkg-deb -R "${packages[0]}" "$machine/root/newer"
sed -i 's/^Version: .*/&+1/' "$machine/root/newer/DEBIAN/control"
dpkg-deb --root-owner-group -b "$machine/root/newer" \
	"$machine/root/newer.deb" >/dev/null
rm -rf "$machine/root/newer"
cat >"$machine/etc/takebox/takebox.conf" <<-CONF
	interface: { channels = 2; };
	tape: { seconds = 60.0; };
	panel: { board = "/etc/takebox/boot.board"; };
CONF
# Buttons and a lamp, no latched switches: gpio-sim forgets where they stand
# when the lines are asked for again.
cat >"$machine/etc/takebox/boot.board" <<-BOARD
	inputs = (
		{ role = "stop"; line = "GPIO2"; },
		{ role = "rec"; line = "GPIO3"; }
	);
	outputs = ( { role = "rec"; line = "GPIO6"; } );
	gestures = (
		{ button = "rec"; gesture = "press"; action = "record-or-mark"; },
		{ button = "stop"; gesture = "hold"; action = "stop"; }
	);
BOARD

guest=(bash /root/boot_guest.sh "${2-}")
if [ "${2-}" = time ]; then
	# Kept short: all of it is copied.
	rm -rf "$machine"/var/cache/apt/* "$machine"/var/lib/apt/lists/* \
		"$machine"/usr/share/{doc,man,locale}
	sed -i 's/channels = .*/channels = 32; };/; s/seconds = .*/seconds = 87.0; };/' \
		"$machine/etc/takebox/takebox.conf"
	exec "$here/vm.sh" --steady --instruction "${3:-2}" --in-memory --memory 3G --root "$machine" \
		--init "$here/boot_hardware.sh" --module gpio-sim \
		--timeout "${TIMEOUT:-3600}" --log "$logs/$suite-console.log" \
		"${guest[@]}" > >(tee "$logs/$suite-time.log")
fi

truncate -s 512M "$cache/$suite.stick"
mkfs.vfat -n BAND -i 1234abcd "$cache/$suite.stick" >/dev/null
"$here/vm.sh" --root "$machine" --init "$here/boot_hardware.sh" \
	--module gpio-sim --module spidev --module spi-sim \
	--timeout "${TIMEOUT:-3600}" --log "$logs/$suite-console.log" \
	--qemu -device --qemu qemu-xhci \
	--qemu -drive \
	--qemu "if=none,id=stick,format=raw,file=$cache/$suite.stick" \
	--qemu -device --qemu usb-storage,drive=stick \
	"${guest[@]}" | tee "$logs/$suite${2:+-$2}.log"
