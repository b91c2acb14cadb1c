# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
#
# What the scripts of the VM harness share: where things are, how to say
# something, which accelerator QEMU may use. Sourced, after `set -eu`.

vm_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$vm_dir/../.." && pwd)
build=${BUILD:-$top/build}
case $build in
/*) ;;
*) build=$top/$build ;;
esac
# What is expensive to fetch or to build, and belongs to no tree.
cache=${ROCSVM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rocsvm}
# depmod and modprobe; an ordinary user's PATH has no sbin.
PATH=$PATH:/usr/sbin:/sbin

# The system tests: lines "name config seconds" of all manifests.
manifest()
{
	cat "$top"/tests/sys/manifest* | grep -v -e '^#' -e '^$'
}

self=$(basename "$0")

die()
{
	echo "$self: $*" >&2
	exit 1
}

# A line of progress, on stderr: stdout is for results.
say()
{
	echo "==> $*" >&2
}

# Can this machine run a guest under accelerator $1? The guest is a BIOS of four bytes
# (mov al,42; out 0xf4,al) that makes QEMU exit with (42 << 1) | 1: only a
# guest that really ran gives that status, and one that hangs is killed.
kvm_works()
{
	local bios status=0

	[ -r /dev/kvm ] && [ -w /dev/kvm ] || return 1
	bios=$(mktemp)
	{
		head -c 65520 /dev/zero
		printf '\260\052\346\364\364\364\364\364'
		head -c 8 /dev/zero
	} > "$bios"
	timeout -k 1 3 qemu-system-x86_64 -accel "$1" -machine pc -m 16 \
		-nodefaults -display none -no-reboot -bios "$bios" \
		-device isa-debug-exit,iobase=0xf4,iosize=4 \
		< /dev/null > /dev/null 2>&1 || status=$?
	rm -f "$bios"
	[ "$status" = 85 ]
}
