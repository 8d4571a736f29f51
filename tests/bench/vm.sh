#!/bin/bash
# Runs a command in a small virtual machine with Debian's stock kernel, so
# that tests meet the kernel's real interfaces on a machine that has no sound
# card, no GPIO and no disks to spare:
#
#     tests/bench/vm.sh [OPTION...] COMMAND [ARGUMENT...]
#     tests/bench/vm.sh [OPTION...] --shell
#
# The guest's root is this machine's own root (or the chroot's that this runs
# in), read-only over 9p below a tmpfs overlay: no image to build, the guest
# runs the very binaries that were just built, at the same paths. The command
# runs as root in the current folder; its output comes out here and its exit
# status is handed back. The processor is emulated (TCG): slow, but the same
# on every host. KVM is never used, since on nested hosts it can hang.
#
#   --share DIR     a folder that the guest can write to, at the same path
#   --disk FILE     a raw image as a disk: /dev/vda, the next /dev/vdb, ...
#   --module NAME   a kernel module to load first; "NAME option=value" too; those
#                   that Debian lacks (gpio-sim) are built: modules.sh
#   --root DIR      another root for the guest, a debootstrap folder; the command
#                   runs in the current folder if that is in it, else in /
#   --init SCRIPT   the root's own init (systemd) is started, and the command as
#                   one of its services, after SCRIPT has made the hardware
#   --arch ARCH     another machine (arm64), with --kernel
#   --kernel DIR    another kernel: a folder with vmlinuz, lib/modules and, for
#                   another machine, its busybox: arm64.sh
#   --memory SIZE   the guest's memory (2G)
#   --steady        one processor, whose time goes by what it has computed: a
#                   busy host makes the machine slower, never late
#   --instruction N how long one takes then, in ns: 1, 2 (default), 4
#   --in-memory     root and modules are copied into the guest's memory first:
#                   nothing waits for this host then, but it wants a root of a
#                   few hundred MB and the memory for it
#   --first         it goes before what else this host does, where that is
#                   allowed
#   --timeout S     end the machine after so many seconds (300)
#   --log FILE      where the kernel's console goes
#   --pid FILE      where QEMU's process id goes: SIGKILL is the power cut
#   --qemu ARG      one more argument for QEMU
#   --shell         a shell on this terminal instead of a command
#
# A machine with two emulated processors that is not up after START_SECONDS
# (180) hangs, as one in some hundred does, and is started again, twice at most.
#
# Exit status: the command's; 124 when the time ran out; 125 when the machine
# could not be started or ended without a word.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${CACHE:-$here/../../.cache}
PATH=$PATH:/usr/sbin:/sbin

die()
{
	echo "vm: $*" >&2
	exit 125
}

usage()
{
	sed -n '/^#     tests/,/^# Exit/s/^# \{0,1\}//p' "$0" >&2
	exit 125
}

share=
root=/
kernel=
disks=()
modules=()
memory=2G
timeout=300
log=
pid_file=
more=()
shell=no
init=
first=()
extra= # for the guest's first process, on the kernel's command line
architecture=$(dpkg --print-architecture)
accel=(-accel "tcg,thread=multi" -smp 2)
steady=no
shift_by=1

while [ $# -gt 0 ]; do
	case $1 in
	--share | --disk | --module | --root | --init | --arch | --kernel | \
		--memory | --timeout | --log | --pid | --qemu | --instruction)
		[ $# -ge 2 ] || usage
		;;&
	--share) share=$2 ;;
	--disk) disks+=("$2") ;;
	--module) modules+=("$2") ;;
	--root) root=$2 ;;
	--init) init=$2 ;;
	--arch) architecture=$2 ;;
	--kernel) kernel=$2 ;;
	--memory) memory=$2 ;;
	--timeout) timeout=$2 ;;
	--log) log=$2 ;;
	--pid) pid_file=$2 ;;
	--qemu) more+=("$2") ;;
	--shell) shell=yes; shift; continue ;;
	--first) first=(setsid "$here/first.sh"); shift; continue ;;
	--in-memory) extra=" bench.memory"; shift; continue ;;
	--instruction)
		case $2 in
		1) shift_by=0 ;;
		2) shift_by=1 ;;
		4) shift_by=2 ;;
		*) usage ;;
		esac
		;;
	--steady)
		# The time of an idle machine is skipped.
		steady=yes
		shift
		continue
		;;
	-*) usage ;;
	*) break ;;
	esac
	shift 2
done
[ $shell = yes ] || [ $# -gt 0 ] || usage
[ $steady = no ] || accel=(-accel "tcg,thread=single" \
	-icount "shift=$shift_by,sleep=off" -smp 1)

cpu=max
case $architecture in
amd64)
	emulator=(qemu-system-x86_64)
	console=ttyS0
	# The kernel trusts no emulated TSC, and its second choice, the HPET,
	# costs an exit for each look at the clock: half of the machine.
	parameters=" tsc=reliable clocksource=tsc"
	;;
arm64)
	emulator=(qemu-system-aarch64 -M virt)
	cpu=cortex-a72 # a Raspberry Pi 4's
	console=ttyAMA0
	parameters=
	;;
*) die "no virtual machine for $architecture" ;;
esac
for program in "${emulator[0]}" busybox cpio depmod flock; do
	command -v "$program" >/dev/null ||
		die "$program is missing: tools/setup.sh test"
done

# --- the kernel --------------------------------------------------------------

# The package behind the name that always means the current kernel.
kernel_package()
{
	apt-cache depends "linux-image-$architecture" 2>/dev/null |
		sed -n 's/^ *Depends: \(linux-image-[0-9]\)/\1/p'
}

apt_update()
{
	if [ "$(id -u)" -eq 0 ]; then
		apt-get -q update
	else
		sudo -n apt-get -q update
	fi
}

download_kernel()
{
	apt-get -q -o APT::Sandbox::User=root download "$(kernel_package)"
}

# Unpacks the parts of the kernel package that a bench can want: it need not
# be installed, and most of its 400 MB drive hardware that QEMU has not got.
# (snd-usb-audio wants drivers/media/mc.)
fetch_kernel()
{
	local work

	work=$(mktemp -d "$cache/vm/fetch.XXXXXX")
	# Lists that were never fetched, or are older than the mirror.
	if ! (cd "$work" && download_kernel) >"$work/log" 2>&1; then
		apt_update >>"$work/log" 2>&1 || true
		if ! (cd "$work" && download_kernel) >>"$work/log" 2>&1; then
			tail -n 5 "$work/log" >&2
			rm -rf "$work"
			die "linux-image-$architecture cannot be downloaded"
		fi
	fi
	mkdir "$work/root"
	dpkg-deb --fsys-tarfile "$work"/linux-image-*.deb |
		tar -x -C "$work/root" --exclude='*/kernel/drivers/gpu' \
			--exclude='*/kernel/drivers/net' \
			--exclude='*/kernel/drivers/media/[!m]*' \
			--exclude='*/kernel/drivers/infiniband' \
			--exclude='*/System.map*'
	if [ -d "$work/root/usr/lib/modules" ]; then
		mv "$work/root/usr/lib/modules" "$work/modules"
	else
		mv "$work/root/lib/modules" "$work/modules"
	fi
	mv "$work"/root/boot/vmlinuz-* "$work/vmlinuz"
	mkdir "$work/lib"
	mv "$work/modules" "$work/lib/modules"
	depmod -b "$work" "$(ls "$work/lib/modules")"
	rm -rf "$work/root" "$work"/*.deb
	mv "$work" "$kernel"
}

mkdir -p "$cache/vm"
cache=$(cd "$cache" && pwd -P)
release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
: "${kernel:=$cache/vm/$release-$architecture-2}" # another number for other parts

has_modules()
{
	local module

	for module in "${modules[@]}"; do
		modprobe -d "$kernel" -S "$(ls "$kernel/lib/modules")" \
			-D "${module%% *}" >/dev/null 2>&1 || return 1
	done
}

# The archive forgets headers of older kernels: a new kernel then.
build_modules()
{
	local status=0

	"$here/modules.sh" "$kernel" || status=$?
	[ $status -eq 3 ] || return $status
	rm -rf "$kernel"
	fetch_kernel
	"$here/modules.sh" "$kernel"
}

(
	flock 9
	[ -f "$kernel/vmlinuz" ] || fetch_kernel
	has_modules || build_modules ||
		die "modules cannot be built for the guest's kernel"
	has_modules || die "the guest's kernel has not all of: ${modules[*]}"
) 9>"$cache/vm/lock"
version=$(ls "$kernel/lib/modules")

# --- the initramfs -----------------------------------------------------------

work=$(mktemp -d "$cache/vm/run.XXXXXX")
trap 'rm -rf "$work"' EXIT

# Puts a module and those that it needs into the initramfs, in loading order.
add_module()
{
	local kind path name

	modprobe -d "$kernel" -S "$version" -D "$1" >"$work/needs" ||
		die "kernel $version has no module $1"
	while read -r kind path; do
		[ "$kind" = insmod ] || continue
		name=$(basename "${path%% *}")
		name=${name%%.ko*}.ko
		[ ! -f "$work/initramfs/modules/$name" ] || continue
		case $path in
		*.xz*) busybox unxz -c "${path%% *}" ;;
		*) cat "${path%% *}" ;;
		esac >"$work/initramfs/modules/$name"
		echo "$name" >>"$work/initramfs/modules/order"
	done <"$work/needs"
}

mkdir -p "$work/initramfs/bin" "$work/initramfs/modules" "$work/control"
busybox=$kernel/busybox
[ -x "$busybox" ] || busybox=$(command -v busybox)
cp "$busybox" "$work/initramfs/bin/busybox"
cp "$here/guest_init.sh" "$work/initramfs/init"
chmod +x "$work/initramfs/init"
cp "$work/initramfs/bin/busybox" "$here/guest_start.sh" "$work/control"
for name in virtio_pci virtio_blk virtio_console 9pnet_virtio 9p overlay; do
	add_module "$name"
done
(cd "$work/initramfs" && find . | cpio -o -H newc --quiet) >"$work/initrd"

# --- the machine -------------------------------------------------------------

if [ -n "$share" ]; then
	share=$(cd "$share" && pwd -P) || die "no folder $share"
fi
: "${log:=$work/console.log}"
root=$(cd "$root" && pwd -P) || die "no folder $root"
folder=${PWD#"${root%/}"}
[ -d "$root$folder" ] || folder=/
{
	printf 'share=%q\n' "$share"
	printf 'folder=%q\n' "$folder"
	printf 'shell=%q\n' "$shell"
	printf 'init=%q\n' "${init:+yes}"
} >"$work/control/settings"
printf '%s\n' "${modules[@]}" >"$work/control/modules"
if [ $shell = no ]; then
	printf '%q ' "$@" >"$work/control/command"
fi
[ -z "$init" ] || cp "$init" "$work/control/hardware"

machine=("${emulator[@]}" "${accel[@]}" -cpu "$cpu"
	-m "$memory" -nodefaults -display none -no-reboot
	-kernel "$kernel/vmlinuz" -initrd "$work/initrd"
	-append "console=$console quiet panic=-1$parameters$extra"
	-device virtio-serial-pci)

# A folder of this machine in the guest, by the name that it mounts.
add_folder()
{
	machine+=(-fsdev "local,id=$1,path=$2,security_model=none,multidevs=remap$3"
		-device "virtio-9p-pci,fsdev=$1,mount_tag=$1")
}

add_folder root "$root" ,readonly=on
add_folder modules "$kernel/lib/modules" ,readonly=on
add_folder control "$work/control" ""
[ -z "$share" ] || add_folder share "$share" ""
for disk in "${disks[@]}"; do
	[ -r "$disk" ] || die "no disk image $disk"
	machine+=(-drive "if=virtio,format=raw,file=$disk")
done
can_hang=yes # but not one processor, nor is a copy of the root waited for
[ "$steady$extra" = no ] || can_hang=no
: "${pid_file:=$work/pid}"
machine+=(-pidfile "$pid_file")
machine+=("${more[@]}")

if [ $shell = yes ]; then
	"${machine[@]}" -serial mon:stdio
	exit
fi

# Ends a machine whose guest has not come to the point where it says so.
watch_start()
{
	local i

	for ((i = 0; i < ${START_SECONDS:-180}; i++)); do
		[ ! -e "$work/control/started" ] || return 0
		sleep 1
	done
	: >"$work/hangs"
	kill -KILL "$(cat "$pid_file")"
}

run_machine()
{
	local watcher

	rm -f "$work/hangs"
	[ $can_hang = no ] || watch_start >/dev/null 2>&1 8>&- &
	watcher=$!
	status=0
	timeout --foreground -k 5 "$timeout" "${first[@]}" "${machine[@]}" \
		-serial "file:$log" \
		-chardev "file,id=out,path=$work/out,append=on" \
		-device virtserialport,chardev=out,name=out \
		</dev/null 8>&- 2>"$work/errors" || status=$?
	kill "$watcher" 2>/dev/null || true
}

# The command's output takes a way of its own, past the kernel's messages. QEMU
# wants a file to write to; this end of the pipe keeps it open until then.
mkfifo "$work/out"
exec 8<>"$work/out"
cat <"$work/out" 8>&- &
for attempt in 1 2 3; do
	run_machine
	[ -e "$work/hangs" ] || break
	echo "vm: start $attempt hangs" >&2
done
exec 8>&-
wait
if [ -s "$work/control/status" ]; then
	exit "$(cat "$work/control/status")"
fi
tail -n 20 "$log" "$work/errors" >&2
[ ! -e "$work/hangs" ] || die "the machine hangs when it is started"
if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
	echo "vm: not done after $timeout s: the machine was ended" >&2
	exit 124
fi
die "the machine ended without a word (QEMU's exit status: $status)"
