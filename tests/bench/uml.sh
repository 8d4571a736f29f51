#!/bin/bash
# Runs a command under another kernel, as a program of this machine: Debian's
# user-mode-linux, with the exFAT of the same kernel's source. Its file systems
# are the kernel's own; a processor is not emulated, so it is some ten times as
# fast as vm.sh, but it has no interfaces worth a test.
#
#     tests/bench/uml.sh [OPTION...] COMMAND [ARGUMENT...]
#
#   --disk FILE     a raw image as a disk: /dev/ubda, the next /dev/ubdb, ...
#   --module NAME   a kernel module to load first; "NAME option=value" too
#   --timeout S     end it after so many seconds (300)
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

timeout=300 disks=() modules=()
while [ $# -gt 0 ]; do
	case $1 in
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

# Unpacks what the kernel's configuration is made with; it need not be
# installed.
fetch_tools()
{
	mkdir tools
	(cd tools && download flex bison m4 bc && for package in *.deb; do
		dpkg-deb -x "$package" .
	done)
	export PATH=$PWD/tools/usr/bin:$PATH M4=$PWD/tools/usr/bin/m4
	export BISON_PKGDATADIR=$PWD/tools/usr/share/bison
}

# exFAT is not among Debian's modules for it. The source may be a little newer
# than the kernel: it is given the kernel's number.
build_exfat()
{
	local version=$1 major=${1%.*}

	download "linux-source-$major"
	mkdir source
	dpkg-deb --fsys-tarfile linux-source-*.deb |
		tar -x -O "./usr/src/linux-source-$major.tar.xz" |
		tar -xJ -C source --strip-components=1
	sed -i "s/^SUBLEVEL = .*/SUBLEVEL = ${version##*.}/" source/Makefile
	zcat root/usr/share/doc/user-mode-linux/config.gz >source/.config
	echo CONFIG_EXFAT_FS=m >>source/.config
	fetch_tools
	(cd source && make ARCH=um olddefconfig && make ARCH=um modules_prepare &&
		make ARCH=um M=fs/exfat modules) >>log 2>&1
	cp source/fs/exfat/exfat.ko "lib/modules/$version/kernel/fs"
	rm -rf source tools
}

fetch_kernel()
{
	local work version

	work=$(mktemp -d "$cache/uml.XXXXXX")
	(
		cd "$work"
		download user-mode-linux
		dpkg-deb -x user-mode-linux_*.deb root
		mkdir lib
		mv root/usr/lib/uml/modules lib/modules
		mv root/usr/bin/linux.uml .
		version=$(ls lib/modules)
		build_exfat "$version"
		depmod -b . "$version"
		rm -rf root ./*.deb
	) || {
		tail -n 5 "$work/log" >&2
		die "user-mode-linux cannot be made ready: see $work/log"
	}
	mv "$work" "$kernel"
}

mkdir -p "$cache"
cache=$(cd "$cache" && pwd -P)
release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
kernel=$cache/uml-$release
(
	flock 9
	[ -d "$kernel" ] || fetch_kernel
) 9>"$cache/uml.lock"

# ---- the machine ----

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

arguments=(mem=768M "uml_dir=$work" umid=bench rootfstype=hostfs rootflags=/ rw
	"init=$work/init" con=null "con0=null,fd:8" quiet)
for i in "${!disks[@]}"; do
	arguments+=("ubd$i=$(realpath "${disks[$i]}")")
done

# The kernel's own words go elsewhere.
mkfifo "$work/out"
cat "$work/out" &
status=0
timeout --foreground -k 5 "$timeout" "$kernel/linux.uml" "${arguments[@]}" \
	8>"$work/out" >"$work/kernel" 2>&1 </dev/null || status=$?
wait
[ ! -s "$work/status" ] || exit "$(cat "$work/status")"
tail -n 20 "$work/kernel" >&2
[ $status -ne 124 ] || exit 124
die "it ended without a word ($status)"
