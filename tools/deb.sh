#!/bin/bash
# Builds the Debian packages: tools/deb.sh [--suite SUITE] [--arch ARCHITECTURE]
#
# For this machine's own release and architecture they are built right here.
# Another release, or another architecture (cross-built), is built in a folder
# that debootstrap makes, so that nothing foreign is installed on this machine;
# it is kept in $CACHE/deb. The packages land in build/deb/SUITE.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/.." && pwd)
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=/dev/null
host_suite=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
native=$(dpkg --print-architecture)
suite=$host_suite
arch=$native
while [ $# -gt 1 ]; do
	case $1 in
	--suite) suite=$2 ;;
	--arch) arch=$2 ;;
	*) break ;;
	esac
	shift 2
done
[ $# -eq 0 ] || {
	sed -n '2s/^# //p' "$0" >&2
	exit 2
}

# Tests are make test's: some want a machine that has time for them. With
# CHECK=yes they run here, too, and decide.
build_options="parallel=$(nproc)"
[ "${CHECK-}" = yes ] || build_options="$build_options nocheck"

BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$root/$BUILD ;; esac
out=$BUILD/deb/$suite
cache=${CACHE:-$root/.cache}/deb
machine=$cache/$suite-$arch
version=$(cat "$root/VERSION")

die()
{
	echo "deb: $*" >&2
	exit 1
}

# A copy of what git has, or would take, so that a build changes nothing here.
# The release is part of the version: an upgrade of Debian upgrades Takebox.
copy_source()
{
	local to=$1/takebox-$version release

	case $suite in
	bookworm) release=deb12 ;;
	trixie) release=deb13 ;;
	*) release=$suite ;;
	esac
	rm -rf "$to"
	mkdir -p "$to"
	git -C "$root" ls-files -z --cached --others --exclude-standard |
		(cd "$root" && tar -c --null --ignore-failed-read -T -) |
		tar -x -C "$to"
	sed -i "1s/([^)]*)/($version+$release)/" "$to/debian/changelog"
	echo "$to"
}

build_here()
{
	local source

	"$here/setup.sh" build deb
	mkdir -p "$out"
	source=$(copy_source "$out/source")
	(cd "$source" && DEB_BUILD_OPTIONS=$build_options \
		dpkg-buildpackage -us -uc -b) >"$out/$arch.log" 2>&1 || {
		tail -n 30 "$out/$arch.log" >&2
		die "the build failed ($out/$arch.log)"
	}
	mv "$out"/source/*.deb "$out"
	rm -rf "$out/source"
}

# in_machine COMMAND...: as root in the build folder, in namespaces of its own.
in_machine()
{
	# shellcheck disable=SC2016 # the inner shell's own
	unshare --mount --pid --fork --kill-child sh -c '
		mount -t proc proc "$0/proc" &&
		mount --rbind /dev "$0/dev" &&
		exec chroot "$0" env -i HOME=/root LANG=C.UTF-8 \
			PATH=/usr/sbin:/usr/bin:/sbin:/bin \
			DEBIAN_FRONTEND=noninteractive "$@"' "$machine" "$@"
}

make_machine()
{
	local tar

	[ ! -f "$machine/ready" ] || return 0
	tar=$("$here/base.sh" "$suite")
	rm -rf --one-file-system "$machine"
	mkdir -p "$machine"
	tar -C "$machine" -xf "$tar"
	cp -L /etc/resolv.conf /etc/hosts "$machine/etc/"
	[ "$arch" = "$native" ] ||
		in_machine dpkg --add-architecture "$arch"
	in_machine apt-get -q update
	in_machine apt-get -q -y --no-install-recommends install \
		build-essential fakeroot debhelper \
		"$([ "$arch" = "$native" ] || echo "crossbuild-essential-$arch")"
	touch "$machine/ready"
}

build_in_machine()
{
	local source options=(-us -uc -b) log=$out/$arch.log

	[ "$(id -u)" -eq 0 ] || die "another release or architecture needs root"
	mkdir -p "$out" "$cache"
	exec 9>"$machine.lock"
	flock 9
	make_machine >"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		die "the build folder cannot be made ($log)"
	}
	rm -rf "$machine/build"
	mkdir "$machine/build"
	source=$(copy_source "$machine/build")
	[ "$arch" = "$native" ] || options+=("-a$arch" "-Pcross,nocheck")
	# shellcheck disable=SC2016
	in_machine env OPTIONS="$build_options" sh -c 'cd "$1" && shift &&
		apt-get -q -y --no-install-recommends build-dep \
			$(printf "%s\n" "$@" | grep -E "^-[aP]") ./ &&
		DEB_BUILD_OPTIONS=$OPTIONS dpkg-buildpackage "$@"' \
		sh "/build/${source##*/}" "${options[@]}" >>"$log" 2>&1 || {
		tail -n 30 "$log" >&2
		die "the build failed ($log)"
	}
	mv "$machine"/build/*.deb "$out"
}

rm -f "$out"/*_"$arch".deb
if [ "$suite" = "$host_suite" ] && [ "$arch" = "$native" ]; then
	build_here
else
	build_in_machine
fi
if command -v lintian >/dev/null; then
	lintian --allow-root --info --display-info --fail-on error,warning \
		"$out"/takebox*_"$arch".deb || die "lintian complains"
fi
for package in "$out"/takebox*_"$arch".deb; do
	echo "${package#"$root"/}"
done
