#!/bin/busybox sh
# The guest's first process, in the initramfs: mounts the root that vm.sh gives
# it with a tmpfs over it, and goes on there with guest_start.sh. Busybox only.
# shellcheck shell=dash

fail()
{
	echo "guest: $*"
	poweroff -f
}

/bin/busybox --install -s /bin
mkdir -p /proc /sys /dev /lower /upper /new
mount -t proc proc /proc
read -r began _ </proc/uptime
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
while read -r name; do
	insmod "/modules/$name" || fail "module $name does not load"
done </modules/order

# Nothing changes on the host while the guest looks, so it may cache.
folder="trans=virtio,version=9p2000.L,msize=512000"
mount -t 9p -o "$folder,ro,cache=loose" root /lower ||
	fail "the host's root does not mount"
in_memory=no
! grep -q bench.memory /proc/cmdline || in_memory=yes

mount -t tmpfs -o size=75% tmpfs /upper
mkdir /upper/data /upper/work
if [ $in_memory = yes ]; then
	mkdir /upper/root /upper/modules
	cp -a /lower/. /upper/root || fail "the root does not fit"
	umount /lower
	mount --bind /upper/root /lower
fi
mount -t overlay -o lowerdir=/lower,upperdir=/upper/data,workdir=/upper/work \
	overlay /new || fail "no overlay"

for name in proc sys dev; do
	mkdir -p "/new/$name"
	mount --move "/$name" "/new/$name"
done
mkdir -p /new/run
mount -t tmpfs -o mode=755 tmpfs /new/run
echo "$began" >/new/run/bench-began # seconds that the kernel took
mkdir /new/run/bench
mount -t 9p -o "$folder" control /new/run/bench ||
	fail "the control folder does not mount"
: >/new/run/bench/started
# shellcheck source=/dev/null
. /new/run/bench/settings
# shellcheck disable=SC2154 # $share is a setting
if [ -n "$share" ]; then
	# Another root has no such folder.
	mkdir -p "/new$share"
	mount -t 9p -o "$folder" share "/new$share" ||
		fail "the shared folder does not mount"
fi
mkdir -p /new/lib/modules
mount -t 9p -o "$folder,ro,cache=loose" modules /new/lib/modules ||
	fail "the kernel's modules do not mount"
if [ $in_memory = yes ]; then
	cp -a /new/lib/modules/. /upper/modules || fail "modules do not fit"
	umount /new/lib/modules
	mount --bind /upper/modules /new/lib/modules
fi
exec switch_root /new /bin/sh /run/bench/guest_start.sh
