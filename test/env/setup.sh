#!/usr/bin/env bash
# Installs what the tests want from the system, where that is allowed (Debian or Ubuntu, root), and starts nothing.
# Called by .ci/run and by `npm test`; may be run again at any time. Without root it says what is missing and succeeds:
# the tests then leave out what needs it, and fail with RIVER_TEST_ALL=1.
set -euo pipefail

declare -A programs=([dockerd]=docker.io [docker]=docker.io [busybox]=busybox-static [unshare]=util-linux [debootstrap]=debootstrap [python3]=python3 [ip]=iproute2 [ps]=procps)
packages=()
for program in "${!programs[@]}"; do
  PATH="$PATH:/usr/sbin:/sbin" command -v "$program" >/dev/null || packages+=("${programs[$program]}")
done
# A shared busybox does not run in an image that holds nothing else.
if command -v busybox >/dev/null && ldd "$(command -v busybox)" >/dev/null 2>&1; then packages+=(busybox-static); fi
[ "${#packages[@]}" -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "setup: missing for the tests: ${packages[*]} (install them as root, as in: apt-get install ${packages[*]})" >&2
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
# A package must not start its service here: the tests start an engine of their own and end it.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi
apt-get -q update
apt-get -q install -y --no-install-recommends "${packages[@]}"
# Newer releases have the client in a package of its own.
command -v docker >/dev/null || apt-get -q install -y --no-install-recommends docker-cli
