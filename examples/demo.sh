#!/usr/bin/env bash
# What `make demo` shows, on a cloud that is up and deployed: a season is posted, worked, and looked at.
set -euo pipefail
cd "$(dirname "$0")/.."
bellhop=target/debug/bellhop
run=$(date +%m%d%H%M%S) # fresh tenants and event ids, so that two demos never meet
work=localstack/.run/demo
month=2026-07
mkdir -p "$work"
eval "$(localstack/cloud env)"
prefix=${BELLHOP_PREFIX:-bellhop}

say() { printf '\n== %s\n' "$*"; }

say "A season: two tenants, six properties, run $run"
$bellhop generate --run "$run" --month $month --out "$work/season.ndjson" --poison "$work/poison.ndjson"

say "Posting it, and then what is wrong, unchecked"
$bellhop post "$work/season.ndjson"
$bellhop post --raw --group "seaside-$run#grand-hotel" "$work/poison.ndjson"
$bellhop status --wait-drained --timeout 120

for property in seaside-$run/{villa-rosa,harbour-flats,grand-hotel} summit-$run/{pine-lodge,ridge-inn,lake-house}; do
  echo
  $bellhop calendar "${property%/*}" "${property#*/}" --month $month
done
echo "[ arrival   ] last night   =N full   ! a person must decide   ▒ blocked   ×N rooms of a type, sold each night"

say "What the workers did"
localstack/cloud logs "$prefix-calendar" | $bellhop report - --tenant-suffix="-$run"

cat <<END

== To look further
  eval "\$(localstack/cloud env)"              the environment for any AWS client
  $bellhop review list --tenant seaside-$run
  $bellhop event seaside-$run villa-rosa villa-rosa-$run-00002
  $bellhop calendar summit-$run pine-lodge --month 2026-08
  localstack/cloud logs -f $prefix-calendar
The cloud goes on running: make down stops it.
END
