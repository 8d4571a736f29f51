#!/bin/bash
# Builds the kernel modules that Debian leaves out and the bench wants, for the
# guest's very kernel, out of tree, and puts them beside its own modules:
#
#     tests/bench/modules.sh KERNEL-FOLDER
#
#   gpio-sim              GPIO chips whose lines a test pulls and reads
#   pinctrl-mcp23s08_i2c  the driver of the MCP23017 expander; i2c-stub, which
#                         Debian has, plays the chip
#   spidev, spi-sim       /dev/spidev0.0 on a bus made of nothing (spi_sim.c)
#
# Sources and headers are Debian's packages, fetched from where apt fetches.
# Nothing is installed. vm.sh calls this when a module is asked for that is not
# there. Exit status: 0; 3 if the archive no longer has this kernel's headers.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd -P)
kernel=$(cd "$1" && pwd -P)
version=$(ls "$kernel/lib/modules")
series=$(sed -E 's/^([0-9]+\.[0-9]+).*/\1/' <<<"$version")
source=linux-source-$series

work=$(mktemp -d "$kernel/../modules.XXXXXX")
work=$(cd "$work" && pwd -P)
trap 'rm -rf "$work"' EXIT
cd "$work"

# What a package of the kernel needs beside it.
needs()
{
	apt-cache depends "$1" |
		sed -n 's/^ *Depends: \(linux-\(headers\|kbuild\)-.*\)/\1/p'
}

headers=linux-headers-$version
mapfile -t packages < <(needs "$headers")
if ! apt-get -q -o APT::Sandbox::User=root download "$source" "$headers" \
	"${packages[@]}" >log 2>&1; then
	tail -n 3 log >&2
	exit 3
fi

# The headers name each other by absolute paths.
for package in linux-headers-*.deb linux-kbuild-*.deb; do
	dpkg-deb -x "$package" root
done
headers=$work/root/usr/src/linux-headers-$version
sed -i "s,^include /usr/src,include $work/root/usr/src," "$headers/Makefile"

# The few files that are wanted of thousands. tar stops reading when it has
# them, which those before it take for a failure: their word does not count.
files=(drivers/gpio/gpiolib.h drivers/gpio/gpio-sim.c
	drivers/pinctrl/pinctrl-mcp23s08.{c,h}
	drivers/pinctrl/pinctrl-mcp23s08_i2c.c drivers/spi/spidev.c
	kernel/irq/irq_sim.c)
{
	dpkg-deb --fsys-tarfile "$source"_*.deb |
		tar -xO "./usr/src/$source.tar.xz" |
		busybox unxz -c
} 2>/dev/null |
	tar -x --strip-components=1 --occurrence=1 "${files[@]/#/$source/}" ||
	true

# irq_to_desc is not exported; this does the same.
mkdir build
sed 's/handle_simple_irq(irq_to_desc(\(.*\)))/generic_handle_irq(\1)/' \
	kernel/irq/irq_sim.c >build/irq_sim.c
cp drivers/gpio/gpio-sim.c build/gpio-sim-main.c
cp drivers/gpio/gpiolib.h drivers/pinctrl/pinctrl-mcp23s08* \
	drivers/spi/spidev.c build
cp "$here/spi_sim.c" build/spi-sim.c
cat >build/Kbuild <<-END
	obj-m := gpio-sim.o pinctrl-mcp23s08.o pinctrl-mcp23s08_i2c.o \
		 spidev.o spi-sim.o
	gpio-sim-y := gpio-sim-main.o irq_sim.o
END
# Type information for BPF takes tools that the headers do not bring.
if ! make -C "$headers" M="$work/build" CONFIG_DEBUG_INFO_BTF_MODULES= \
	modules >log 2>&1; then
	tail -n 20 log >&2
	exit 1
fi
updates=$kernel/lib/modules/$version/updates
mkdir -p "$updates"
for module in build/*.ko; do
	cp "$module" "$updates/.new" # a guest may be reading the old one
	mv "$updates/.new" "$updates/${module##*/}"
done
depmod -b "$kernel" "$version"
