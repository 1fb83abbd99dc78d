#!/usr/bin/env bash
# Checks Python, and installs the system libraries of Qt, OpenGL and the virtual
# screen where they are missing (Debian and Ubuntu). Elsewhere it says what is needed.
set -euo pipefail

python=${1:-python3}
libraries=(
    xvfb xauth libegl1 libgl1 libgl1-mesa-dri libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4
    libxcb-image0 libxcb-keysyms1 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0
    libxcb-randr0 libdbus-1-3 libglib2.0-0 libfontconfig1
)

say() { printf '%s\n' "$*" >&2; }

if ! command -v "$python" >/dev/null; then
    say "There is no $python: install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3 ..."
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    say "$("$python" --version) is too old: install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3 ..."
    exit 1
fi

if ! command -v dpkg >/dev/null || ! command -v apt-get >/dev/null; then
    say "Not a Debian or Ubuntu system, so nothing is installed by itself. If Qt or the virtual screen"
    say "fails below, install by hand: Xvfb with xvfb-run and xauth, Mesa's OpenGL and EGL, D-Bus,"
    say "GLib, Fontconfig, xkbcommon-x11, xcb-util-cursor, -wm, -image, -keysyms, -renderutil,"
    say "libxcb, and Python's venv module."
    exit 0
fi

# Newer releases call some of them by the same name with t64 behind it.
installed() { dpkg -s "$1" 2>/dev/null | grep -q '^Status: install ok installed'; }
missing=()
for library in "${libraries[@]}"; do
    installed "$library" || installed "${library}t64" || missing+=("$library")
done
# The venv module belongs to the Python that was found, be it the system's or another.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    missing+=("python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv")
fi
if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        say "Missing system packages, and no sudo here; as root run: apt-get install ${missing[*]}"
        exit 1
    fi
    as_root=(sudo)
fi
say "installing system packages: ${missing[*]}"
# A source that cannot be reached need not hold these packages, so installing decides.
"${as_root[@]}" apt-get update -q </dev/null >&2 || say "The package lists are not up to date; going on."
if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "${missing[@]}" </dev/null >&2; then
    say "The system packages could not be installed; as root run: apt-get install ${missing[*]}"
    exit 1
fi
