#!/bin/bash
# Runs a command under another kernel, as a program of this machine: Debian's
# user-mode-linux, with the exFAT and the snd-aloop of the same kernel's source.
# Its file systems and its loopback card are the kernel's own; a processor is not
# emulated, so it is some ten times as fast as vm.sh, but it has no other
# interfaces.
#
#     tests/bench/uml.sh [OPTION...] COMMAND [ARGUMENT...]
#
#   --disk FILE     a raw image as a disk: /dev/ubda, the next /dev/ubdb, ...
#   --module NAME   a kernel module to load first; "NAME option=value" too
#   --memory SIZE   768M
#   --timeout S     end it after so many seconds (300)
#   --first         with real-time priority before all else on this machine
#
# The command runs as root in the current folder; this machine's files are its
# own, also to write to. Exit status: the command's; 124 when the time ran out;
# 125 when it could not be started.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${CACHE:-$here/../../.cache}
PATH=$PATH:/usr/sbin:/sbin

die()
{
	echo "uml: $*" >&2
	exit 125
}

timeout=300 memory=768M disks=() modules=() first=()
while [ $# -gt 0 ]; do
	case $1 in
	--first)
		first=(chrt -f 40)
		shift
		continue
		;;
	--memory) memory=$2 ;;
	--disk) disks+=("$2") ;;
	--module) modules+=("$2") ;;
	--timeout) timeout=$2 ;;
	-*) die "no option $1" ;;
	*) break ;;
	esac
	shift 2
done
[ $# -gt 0 ] || die "no command"

# ---- the kernel ----

download()
{
	apt-get -q -o APT::Sandbox::User=root download "$@" >>log 2>&1
}

# The kernel's configuration offers sound for real machines only; its core and
# the loopback card do without anything that this one has not.
offer_sound()
{
	cat >sound/Kconfig <<-END
		menuconfig SOUND
			tristate "Sound"
		config SND
			tristate "ALSA"
			depends on SOUND
		source "sound/core/Kconfig"
		source "sound/drivers/Kconfig"
		config AC97_BUS
			tristate
	END
	# It needs what that kernel was built without.
	sed -i '/^config SND_CTL_FAST_LOOKUP/,/^$/d' sound/core/Kconfig
	cat >>.config <<-END
		CONFIG_SOUND=m
		CONFIG_SND=m
		CONFIG_SND_DRIVERS=y
		CONFIG_SND_ALOOP=m
	END
}

# Neither exFAT nor sound is among Debian's modules for it. The source may be a
# little newer than the kernel: it is given the kernel's number.
build_modules()
{
	local version=$1 major=${1%.*} to=lib/modules/$1/kernel

	download "linux-source-$major"
	mkdir source
	dpkg-deb --fsys-tarfile linux-source-*.deb |
		tar -x -O "./usr/src/linux-source-$major.tar.xz" |
		tar -xJ -C source --strip-components=1
	sed -i "s/^SUBLEVEL = .*/SUBLEVEL = ${version##*.}/" source/Makefile
	zcat root/usr/share/doc/user-mode-linux/config.gz >source/.config
	(
		cd source
		offer_sound
		echo CONFIG_EXFAT_FS=m >>.config
		make ARCH=um olddefconfig
		make ARCH=um modules_prepare
		# What the kernel itself has it is not told of.
		export KBUILD_MODPOST_WARN=1
		make ARCH=um M=fs/exfat modules
		make ARCH=um M=sound modules
	) >>log 2>&1
	mkdir -p "$to/sound"
	cp source/fs/exfat/exfat.ko "$to/fs"
	cp source/sound/*.ko source/sound/core/*.ko source/sound/drivers/*.ko \
		"$to/sound"
	rm -rf source
}

fetch_kernel()
{
	local work version

	work=$(mktemp -d "$cache/uml.XXXXXX")
	# Beside, since what stands before a || does not end at its first error.
	(
		cd "$work"
		download user-mode-linux
		dpkg-deb -x user-mode-linux_*.deb root
		mkdir lib
		mv root/usr/lib/uml/modules lib/modules
		mv root/usr/bin/linux.uml .
		version=$(ls lib/modules)
		build_modules "$version"
		depmod -b . "$version"
		rm -rf root ./*.deb
	) &
	wait $! || {
		tail -n 5 "$work/log" >&2
		die "user-mode-linux cannot be made ready: see $work/log"
	}
	mv "$work" "$kernel"
}

mkdir -p "$cache"
cache=$(cd "$cache" && pwd -P)
release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
kernel=$cache/uml-$release-sound
(
	flock 9
	[ -d "$kernel" ] || fetch_kernel
) 9>"$cache/uml.lock"

# ---- the machine ----

processors()
{
	local list from to

	IFS=, read -ra list < <(sed -n 's/^Cpus_allowed_list:\t//p' \
		/proc/self/status)
	for list in "${list[@]}"; do
		IFS=- read -r from to <<<"$list"
		seq "$from" "${to:-$from}"
	done
}

# A system call of a program in there is a change from that program to its
# kernel and back: on one processor of a virtual machine that takes a tenth of
# the time that it takes between two. One that no other such machine has, if
# there is one; it is let go with the last process of this one.
choose_processor()
{
	for processor in $(processors); do
		exec {lock}>"$cache/uml.processor-$processor"
		! flock -n "$lock" || return 0
		exec {lock}>&-
	done
}

choose_processor
work=$(mktemp -d "${TMPDIR:-/tmp}/uml.XXXXXX")
trap 'rm -rf "$work"' EXIT

quoted()
{
	printf '%q ' "$@"
	echo
}

{
	cat <<-END
		#!/bin/bash
		export PATH=$PATH HOME=/root LANG=C.UTF-8
		export BUILD=$(printf %q "${BUILD-}")
		mount -t proc proc /proc
		mount -t sysfs sysfs /sys
		mount -t tmpfs tmpfs /run
		cd $(printf %q "$PWD") || exit
	END
	for module in "${modules[@]}"; do
		echo "modprobe -d $kernel -S $(ls "$kernel/lib/modules") $module" \
			"|| echo 'uml: no module $module'"
	done
	quoted "$@"
	echo "echo \$? >$work/status"
	echo "sync; echo o >/proc/sysrq-trigger; sleep 60"
} >"$work/init"
chmod +x "$work/init"

arguments=("mem=$memory" "uml_dir=$work" umid=bench
	rootfstype=hostfs rootflags=/ rw "init=$work/init" con=null "con0=null,fd:8" quiet)
for i in "${!disks[@]}"; do
	arguments+=("ubd$i=$(realpath "${disks[$i]}")")
done

# The kernel's own words go elsewhere.
mkfifo "$work/out"
cat "$work/out" &
status=0
taskset -c "$processor" timeout --foreground -k 5 "$timeout" "${first[@]}" \
	"$kernel/linux.uml" "${arguments[@]}" \
	8>"$work/out" >"$work/kernel" 2>&1 </dev/null || status=$?
wait
[ ! -s "$work/status" ] || exit "$(cat "$work/status")"
tail -n 20 "$work/kernel" >&2
[ $status -ne 124 ] || exit 124
die "it ended without a word ($status)"
