#!/usr/bin/env bash
# Real bookings through the whole of Bellhop; then the nights in the calendar against an independent count of the file.
# Usage, on a cloud that is up and deployed: tests/replay/replay.sh FILE.csv
set -euo pipefail
data=$(realpath "$1")
cd "$(dirname "$0")/../.."
bellhop=target/debug/bellhop
run=$(date +%m%d%H%M%S)
work=localstack/.run/replay
mkdir -p "$work"
eval "$(localstack/cloud env)"

$bellhop generate --from-csv "$data" --run "$run" --out "$work/events.ndjson"
begin=$SECONDS
$bellhop post "$work/events.ndjson"
$bellhop status --wait-drained --timeout 1800 >/dev/null
echo "posted and worked in $((SECONDS - begin)) s"
localstack/cloud logs "${BELLHOP_PREFIX:-bellhop}-calendar" | $bellhop report - --tenant-suffix="-$run"
$bellhop calendar "resort-$run" hotel --month 2015-07 --months 24 --json >"$work/calendar.json"
python3 tests/replay/count.py "$data" "$work/calendar.json"
