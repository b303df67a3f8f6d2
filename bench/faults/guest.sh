#!/bin/sh
# The first process of the machine whose power is cut. Its root is the host's, its disk /dev/ubda is what is judged.
set -eu
mount -t proc proc /proc
ip link set lo up
# Without it ext4 syncs renamed files by itself, which would hide that we forgot to.
mount -o noauto_da_alloc,commit=30 /dev/ubda "$FAULTS_FOLDER/disk"
cd "$FAULTS_FOLDER"
"$FAULTS_NODE" "$FAULTS_SCRIPTS/guest.mjs" >"$FAULTS_FOLDER/guest.log" 2>&1 || echo "guest failed" >>"$FAULTS_FOLDER/guest.log"
halt -f
