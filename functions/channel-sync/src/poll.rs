//! The feeds of a platform are fetched, one to a request: their events become blocks, a vanished event frees its block.

use bellhop_events::catalogue::{Block, BlockSource, ChannelSyncRequested, Connection, Property, SyncAction};
use bellhop_events::{Digest, Envelope, Reason, UnitId};
use bellhop_store::channel::{FeedState, KnownBlock};
use bellhop_worker::{Decision, Refusal};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::adapter::{Auth, Call, CallAnswer};
use crate::feed;
use crate::here::{Here, claim};
use crate::news::{calendar_keys, horizon, nights_of, read_all, today};
use crate::outbox::{FeedBlock, Outbox};
use crate::sync::property;
use crate::{Errand, Purpose, Rules};

/// Of a feed: no platform's comes near.
const MOST_BYTES: usize = 2_000_000;

/// A unit has room for little more.
const MOST_BLOCKS: usize = 400;

/// A feed's own id, part of its blocks' ids: it stays the same while its address does.
fn feed_key(unit: &UnitId, url: &str) -> String {
    format!("{unit}/{}", &Digest::of_bytes(url.as_bytes()).to_string()[..16])
}

pub fn decide<P: Rules>(
    rules: &P,
    event: &Envelope,
    mut here: Here<'_, '_>,
    asked: &ChannelSyncRequested,
) -> Result<Decision<P>, Refusal> {
    let version = i64::try_from(asked.version).unwrap_or(i64::MAX);
    if asked.action == SyncAction::Due && version != here.progress.poll_at {
        return Ok(here.nothing("not-due"));
    }
    let Connection::Calendar(calendar) = here.config.connection.clone() else {
        return Ok(here.nothing("no-feeds"));
    };
    if !here.is_on() {
        return Ok(here.nothing("disabled"));
    }
    let Some(property) = property(here.view)? else { return next_round(here, calendar.minutes) };
    if let Some(claim) = here.progress.claim.as_ref().filter(|claim| here.now < claim.until) {
        let until = claim.until;
        return here.later("claimed", until);
    }
    // Feeds that are no longer registered: their blocks are lifted.
    let keys: Vec<_> = calendar.imports.iter().map(|import| feed_key(&import.unit, &import.url)).collect();
    if let Some(gone) = here.progress.feeds.keys().find(|key| !keys.contains(key)).cloned() {
        let state = here.progress.feeds.remove(&gone).unwrap_or_default();
        let unit = gone.split('/').next().and_then(|unit| unit.parse::<UnitId>().ok());
        let today = today(&property, here.view);
        let version = here.now.unsigned_abs();
        let standing = state.known.iter().filter(|known| known.until > today);
        let blocks =
            unit.map(|unit| standing.map(|k| feed_block(&unit, version, k, true)).collect()).unwrap_or_default();
        let again = Some(asked.clone());
        return Ok(here.done("feed-removed", Outbox { again, blocks, ..Outbox::default() }));
    }
    let limit = version.min(here.now);
    let at = |key: &String| here.progress.feeds.get(key).map_or(0, |feed| feed.at);
    let due = calendar.imports.iter().zip(&keys).filter(|(_, key)| at(key) < limit).min_by_key(|(_, key)| at(key));
    let Some((import, key)) = due else { return next_round(here, calendar.minutes) };
    // What we tell that platform is read before the call, so that the answer is judged at once.
    let (from, until) = (today(&property, here.view), horizon(today(&property, here.view)));
    read_all(calendar_keys(here.view, &import.unit, &[(from, until)]), here.view)?;
    let claim = claim(rules, event, here.now);
    let call = Call {
        method: bellhop_outbound::Method::Get,
        url: import.url.clone(),
        headers: vec![("accept".to_owned(), "text/calendar".to_owned())],
        body: None,
        auth: Auth::None,
        limits: bellhop_outbound::Limits { timeout: rules.call_timeout(), body: MOST_BYTES },
    };
    let purpose = Purpose::Poll { unit: import.unit.clone(), feed: key.clone() };
    Ok(here.claimed(claim.clone(), Errand { call, owner: claim.owner, purpose }))
}

/// All feeds were fetched: the timer brings the next round.
fn next_round<P: Rules>(mut here: Here<'_, '_>, minutes: u16) -> Result<Decision<P>, Refusal> {
    if matches!(&here.config.connection, Connection::Calendar(calendar) if calendar.imports.is_empty()) {
        return Ok(here.nothing("no-feeds"));
    }
    let at = (here.now + i64::from(minutes) * 60_000).div_euclid(1000) * 1000;
    here.progress.poll_at = at;
    here.come_back(at, &ChannelSyncRequested { version: at.unsigned_abs(), action: SyncAction::Due })?;
    Ok(here.done("fetched", Outbox::default()))
}

/// A feed was fetched, or was not.
pub fn polled<P: Rules>(
    rules: &P,
    mut here: Here<'_, '_>,
    asked: &ChannelSyncRequested,
    unit: &UnitId,
    key: &str,
    answer: &CallAnswer,
) -> Result<Decision<P>, Refusal> {
    let Some(property) = property(here.view)? else { return Ok(here.nothing("property-unknown")) };
    let today = today(&property, here.view);
    let window = (today, horizon(today));
    read_all(calendar_keys(here.view, unit, &[window]), here.view)?;
    let now = here.now;
    let mut state = here.progress.feeds.get(key).cloned().unwrap_or_default();
    state.known.retain(|block| block.until > today);
    let told = told(&here, unit, &property, &state, window)?;
    let zone = TimeZone::get(&String::from(property.time_zone.clone())).unwrap_or(TimeZone::UTC);
    let known: Vec<_> = state.known.iter().map(known_of).collect();
    let own_domain = &rules.settings().feeds_domain;
    let before = feed::Before { id: key, known: &known, told: &told, own_domain, zone: &zone, today };
    let found = body(answer).and_then(|body| {
        let changes = feed::import(&before, body).map_err(|fault| (fault.code.to_owned(), fault.to_string()))?;
        let kept = feed::apply(&known, &changes);
        if kept.len() > MOST_BLOCKS {
            let found = format!("{} blocks, expected at most {MOST_BLOCKS}", kept.len());
            return Err(("feed-too-many-blocks".to_owned(), found));
        }
        Ok((changes, kept))
    });
    let again = Some(asked.clone());
    let was_broken = state.fault.is_some();
    // Fetched or not, it is not fetched again in this round.
    state.at = now;
    match found {
        Ok((changes, kept)) => {
            state.fault = None;
            state.known =
                kept.into_iter().map(|k| KnownBlock { block: k.block, from: k.from, until: k.until }).collect();
            let blocks = feed::blocks(&changes, now.unsigned_abs());
            let blocks = blocks.into_iter().map(|(lifted, block)| FeedBlock { unit: unit.clone(), lifted, block });
            let blocks = blocks.collect();
            here.progress.feeds.insert(key.to_owned(), state);
            here.progress.told.calls += 1;
            here.progress.told.at = now;
            Ok(here.done("fetched", Outbox { again, blocks, ..Outbox::default() }))
        }
        Err((code, found)) => {
            state.fault = Some(code);
            here.progress.feeds.insert(key.to_owned(), state);
            here.progress.told.failed += 1;
            // Once for each time that it breaks, not with every round.
            let review = (!was_broken).then(|| (Reason::FeedBroken, format!("{unit}: {found}")));
            Ok(here.done("feed-broken", Outbox { again, review, ..Outbox::default() }))
        }
    }
}

fn body(answer: &CallAnswer) -> Result<&str, (String, String)> {
    match answer {
        CallAnswer::Answered(bellhop_outbound::Answer::Answered { status: 200, body, .. }) => Ok(body),
        CallAnswer::Answered(bellhop_outbound::Answer::Answered { status, .. }) => {
            Err(("feed-status".to_owned(), format!("status {status}, expected 200")))
        }
        CallAnswer::Answered(bellhop_outbound::Answer::Refused(fault)) => {
            // The address is a secret of the platform's: what was found may quote it.
            Err((fault.code.to_owned(), format!("{}: expected {}", fault.code, fault.expected)))
        }
        CallAnswer::Answered(bellhop_outbound::Answer::Failed { kind, .. }) => {
            Err((format!("feed-{kind}"), format!("no whole answer ({kind})")))
        }
        CallAnswer::NoSecret(_) | CallAnswer::NotSigned(_) => Err(("feed-status".to_owned(), "not called".to_owned())),
    }
}

/// The nights that our feed tells this platform: all that are taken, but for its own blocks.
fn told(
    here: &Here<'_, '_>,
    unit: &UnitId,
    property: &Property,
    state: &FeedState,
    window: (Date, Date),
) -> Result<Vec<(Date, Date)>, Refusal> {
    let counts = |id: &str| !state.known.iter().any(|known| known.block.as_str() == id);
    let nights = nights_of(unit, property, &[window], counts, here.view)?;
    Ok(nights.into_iter().filter(|range| range.available == 0).map(|range| (range.from, range.until)).collect())
}

fn known_of(block: &KnownBlock) -> bellhop_ical::Known {
    bellhop_ical::Known { block: block.block.clone(), from: block.from, until: block.until }
}

fn feed_block(unit: &UnitId, version: u64, known: &KnownBlock, lifted: bool) -> FeedBlock {
    let block = Block {
        version,
        block: known.block.clone(),
        from: known.from,
        until: known.until,
        source: BlockSource::Feed,
        note: None,
    };
    FeedBlock { unit: unit.clone(), lifted, block }
}
