#!/bin/sh
# What make needs from the system, fetched by apt where this is Debian and we are root; elsewhere a line says what is
# missing and how to get it.
#
#   sh .ci/setup.sh venv DIR    makes the virtual environment DIR with a Python 3.11 or newer
#   sh .ci/setup.sh parts       the programs that only tests use; a missing one leaves tests out, and in CI is an error
#   sh .ci/setup.sh fleet       what `make kafka` needs: nginx, Java, and the jars below
#   sh .ci/setup.sh kafka       a Kafka broker's jars, into the cache, where they stay; needs Maven
set -eu

log() { echo "$*" >&2; }

can_apt() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && [ -f /etc/debian_version ]; }

# Debian starts a service as soon as its package is unpacked, unless this file says no: the tests' nginx is not to
# take port 80 of a machine that had none.
apt_install() {
    log "installing with apt: $*"
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        trap 'rm -f $policy' EXIT
        printf '#!/bin/sh\nexit 101\n' > $policy
        chmod +x $policy
    fi
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends "$@" >/dev/null
}

find_python() {
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
}

make_venv() {
    python=$(find_python)
    if [ -z "$python" ] && can_apt; then
        apt_install python3 python3-venv
        python=$(find_python)
    fi
    if [ -z "$python" ]; then
        log "placed needs Python 3.11 or newer, which is not on PATH: apt-get install python3 python3-venv, or brew install python"
        exit 1
    fi
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        if ! can_apt; then
            log "$python can't make a virtual environment: as root, apt-get install $python-venv"
            exit 1
        fi
        apt_install "$python-venv"
    fi
    log "making $1 with $("$python" --version)"
    "$python" -m venv --clear "$1"
}

# nginx is in a folder that is on the PATH of root alone.
has() { PATH=$PATH:/usr/sbin:/usr/local/sbin command -v "$1" >/dev/null; }

has_part() {
    case $1 in
        chromium)
            has chromium || has chromium-browser || has google-chrome || has google-chrome-stable ||
                [ -e "/Applications/Chromium.app" ] || [ -e "/Applications/Google Chrome.app" ]
            ;;
        firefox-esr) has firefox-esr || has firefox || [ -e "/Applications/Firefox.app" ] ;;
        nodejs) has node ;;
        maven) has mvn && has java ;;
        systemd) has systemd-analyze || [ "$(uname)" != Linux ] ;;
        *) has "$1" ;;
    esac
}

missing_parts() {
    for part in chromium firefox-esr nginx pngcheck nodejs npm maven systemd prometheus; do
        has_part $part || printf '%s ' $part
    done
}

brew_name() {
    case $1 in
        chromium) echo "--cask chromium" ;;
        firefox-esr) echo "--cask firefox" ;;
        nodejs) echo node ;;
        *) echo "$1" ;;
    esac
}

fetch_parts() {
    missing=$(missing_parts)
    if [ -n "$missing" ] && can_apt; then
        # shellcheck disable=SC2086  # one word a package
        apt_install $missing
        missing=$(missing_parts)
    fi
    # Chromium without windows, in which pages take half the processor's time. Where there is none, Chromium does.
    if can_apt && ! has chromium-headless-shell; then
        apt_install chromium-headless-shell || log "no chromium-headless-shell to be had: browser tests take longer"
    fi
    case " $missing" in
        *" maven "*) ;;
        *) fetch_kafka || log "left out: tests that need Kafka, which Maven couldn't fetch" ;;
    esac
    for part in $missing; do
        log "left out: tests that need $part; to have them: apt-get install $part, or brew install $(brew_name "$part")"
    done
    [ -z "$missing" ] || [ "${CI:-}" != true ]
}

# Folder and version are those of bench/equipment/kafka/jars.py. The folder has its name once it is complete.
fetch_kafka() {
    here=$(dirname "$0")/../bench/equipment/kafka
    version=$(sed -n 's/.*<kafka\.version>\(.*\)<.*/\1/p' "$here/pom.xml")
    cache=${XDG_CACHE_HOME:-$HOME/.cache}/placed
    [ ! -d "$cache/kafka-$version" ] || return 0
    log "fetching Kafka $version with Maven, into $cache"
    part=$cache/kafka-$version.part.$$
    mkdir -p "$part"
    mvn --quiet --batch-mode --file "$here/pom.xml" dependency:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$part" >&2 || { rm -rf "$part"; return 1; }
    if [ -d "$cache/kafka-$version" ]; then rm -rf "$part"; else mv "$part" "$cache/kafka-$version"; fi
}

fetch_fleet() {
    for part in nginx maven; do
        has_part $part || { can_apt && apt_install $part; } ||
            { log "make kafka needs $part: apt-get install $part, or brew install $part"; exit 1; }
    done
    fetch_kafka
}

case ${1:-} in
    venv) make_venv "$2" ;;
    parts) fetch_parts ;;
    kafka) fetch_kafka ;;
    fleet) fetch_fleet ;;
    *) log "usage: sh .ci/setup.sh venv DIR | parts | fleet | kafka" && exit 2 ;;
esac
