#!/usr/bin/env bash
# Fails for files of more than 1 MB: tomograms and checkpoints do not belong into the repository.
set -euo pipefail

status=0
for file in "$@"; do
    if [ -f "$file" ] && [ "$(wc -c <"$file")" -gt 1000000 ]; then
        echo "$file is larger than 1 MB; keep data out of the repository." >&2
        status=1
    fi
done
exit $status
