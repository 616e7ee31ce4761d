#!/bin/sh
# Installs the named Debian packages that are missing: scripts/release/debian_packages.sh PACKAGE...
# Calls apt only if one is. If it cannot install them, it says which are missing and what to do.
set -eu
LC_ALL=C
export LC_ALL

# How long another apt, such as Debian's own nightly upgrade, may keep its locks.
LOCK_SECONDS=${CASEDROP_APT_SECONDS:-600}

lacking() {
    for package; do
        state=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) || state=
        [ "$state" = installed ] || printf '%s ' "$package"
    done | sed 's/ $//'
}

fail() {
    printf '%s\n' "$*" >&2
    exit 2
}

[ $# != 0 ] || exit 0
command -v dpkg-query >/dev/null ||
    fail "This is not Debian. Install by hand what these Debian packages contain: $*." \
        "Then tell make not to look for them: make APT= TEST_APT= and the target."
missing=$(lacking "$@")
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null ||
        fail "These Debian packages are missing: $missing. Only root can install them, and there is no sudo." \
            "Have root run: apt-get install --no-install-recommends $missing"
    sudo=sudo
fi

said=$(mktemp)
trap 'rm -f "$said"' EXIT
trap 'exit 130' INT TERM HUP

# apt waits for dpkg's lock when it is told to, but never for that of its package lists.
patient_apt() {
    waited=0
    until $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout="$LOCK_SECONDS" "$@" \
        >"$said" 2>&1 </dev/null; do
        grep -q 'Could not get lock' "$said" && [ "$waited" -lt "$LOCK_SECONDS" ] || return 1
        [ "$waited" != 0 ] || echo "Waiting for another apt to end."
        waited=$((waited + 1))
        sleep 1
    done
}

reason() {
    grep '^E:' "$said" | tail -n 1 || tail -n 1 "$said"
}

echo "Installing Debian packages: $missing"
# Lists that could not be fetched are no failure yet: older ones may do.
patient_apt update || reason >&2
# shellcheck disable=SC2086 # one word for each package
patient_apt install --yes --no-install-recommends $missing ||
    fail "apt could not install $missing: $(reason)" \
        "Check that this computer can reach the package source named in /etc/apt, then run it again."
left=$(lacking $missing)
[ -z "$left" ] || fail "apt reported no error, but these packages are still missing: $left"
