#!/usr/bin/env bash
# What `make demo` shows, on a cloud that is up and deployed: a season is posted, worked, told to a channel manager and to the
# guests, and looked at. Exit code 1 if the channel manager does not know in the end what the calendar says.
set -euo pipefail
cd "$(dirname "$0")/.."
bellhop=target/debug/bellhop
python=localstack/.venv/bin/python
run=$(date +%m%d%H%M%S) # fresh tenants and event ids, so that two demos never meet
work=localstack/.run/demo
# The next two months: channels are told of nights to come.
read -r month second < <($python -c 'from datetime import date, timedelta as d
first = (date.today().replace(day=1) + d(32)).replace(day=1)
print(f"{first:%Y-%m} {(first + d(32)):%Y-%m}")')
mkdir -p "$work"
eval "$(localstack/cloud env)"
prefix=${BELLHOP_PREFIX:-bellhop}
channel= # its address; on another cloud nobody could call it
case ${AWS_ENDPOINT_URL:-} in http://127.0.0.1:*) channel=$($python examples/channel.py start "$work") ;; esac

say() { printf '\n== %s\n' "$*"; }

say "A season: two tenants, six properties, run $run"
$bellhop generate --run "$run" --month "$month" --out "$work/season.ndjson" --poison "$work/poison.ndjson" \
  ${channel:+--channel "$channel/api/v1"}
[ -z "$channel" ] || $python examples/channel.py keys "$channel" "seaside-$run" "summit-$run"

say "Rules for both tenants: reminders, thanks, tasks, and who cleans what"
for tenant in seaside summit; do $bellhop rule save examples/rules.json --tenant "$tenant-$run"; done
$bellhop rule list --tenant "seaside-$run"

say "Posting it, and then what is wrong, unchecked"
$bellhop post "$work/season.ndjson"
$bellhop post --raw --group "seaside-$run#grand-hotel" "$work/poison.ndjson"
$bellhop status --wait-drained --timeout 240

for property in seaside-$run/{villa-rosa,harbour-flats,grand-hotel} summit-$run/{pine-lodge,ridge-inn,lake-house}; do
  echo
  $bellhop calendar "${property%/*}" "${property#*/}" --month "$month"
done
echo "[ arrival   ] last night   =N full   ! a person must decide   ▒ blocked   ×N rooms of a type, sold each night"

say "What the workers did"
localstack/cloud logs "$prefix-calendar" | $bellhop report - --tenant-suffix="-$run"

say "What automation and notifications did"
localstack/cloud logs "$prefix-automation" | $bellhop report - --tenant-suffix="-$run"
localstack/cloud logs "$prefix-notifications" | $bellhop report - --tenant-suffix="-$run"

flats=(--tenant "seaside-$run" --property harbour-flats)
say "A week of cleanings"
$bellhop board "${flats[@]}" --week "$month-08"

say "Mails to the guests of these flats"
$bellhop mail list "${flats[@]}" --counts

say "What is due next"
$bellhop due list "${flats[@]}" --within 90d --most 8

event=$(grep -m1 '"type":"pms.booking.created.v1".*"property":"harbour-flats"' "$work/season.ndjson" | sed -E 's/.*"id":"([^"]+)".*/\1/')
say "What one event caused: $event"
$bellhop trace "$event" "${flats[@]}" --since 1h

verdict=0
if [ -n "$channel" ]; then
  say "What channel synchronization did (each message waits at least 5 s, so that a burst is few calls)"
  localstack/cloud logs "$prefix-channel-sync" | $bellhop report - --tenant-suffix="-$run"
  say "What the channel manager at $channel knows"
  $python examples/channel.py check "$channel" "$work/season.ndjson" || verdict=$?
fi

cat <<END

== To look further
  eval "\$(localstack/cloud env)"              the environment for any AWS client
  $bellhop review list --tenant seaside-$run
  $bellhop event seaside-$run villa-rosa villa-rosa-$run-00002
  $bellhop trace villa-rosa-$run-00002
  $bellhop board --tenant summit-$run --property ridge-inn --week $second-10
  $bellhop rule test --saved --tenant seaside-$run --property harbour-flats --booking B001
  $bellhop template preview --kind pre-arrival --tenant seaside-$run --property harbour-flats --booking B001 --out $work/mail.html
  $bellhop calendar summit-$run pine-lodge --month $second
  $bellhop channel list seaside-$run villa-rosa
  curl -s ${AWS_ENDPOINT_URL:-URL}/_aws/ses             the mails themselves, on the local cloud
  python3 tests/channel/server.py summary ${channel:-URL}
  localstack/cloud logs -f $prefix-automation
The cloud goes on running, the channel manager with it: make down stops both.
END
exit "$verdict"
