//! The one list of what can be asked: requests are routed by it, and `api/openapi.json` is made of it.

use std::pin::Pin;

use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

use crate::api::{account, places, queues, review, stays};
use crate::call::{Answer, Call, Reply};
use crate::input::{Input, Nothing};
use crate::refusal::Refusal;

/// The methods that are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Post,
}

impl Verb {
    /// As `Allow` names them.
    pub(crate) fn allowed(self) -> &'static str {
        match self {
            Self::Get => "GET, HEAD",
            Self::Post => "POST",
        }
    }
}

/// Who may ask. That a tenant or desk in the path is theirs is looked at besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum May {
    /// Without a token.
    Anybody,
    /// Any role.
    SignedIn,
    /// Managers and operators.
    Decides,
    /// Operators.
    Operator,
}

type Answering<'a> = Pin<Box<dyn Future<Output = Result<Reply, Refusal>> + Send + 'a>>;
type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// Something that can be asked.
pub(crate) struct Route {
    pub verb: Verb,
    /// In braces: `tenant`, `property`, `desk`, `item`; see [`Call::take`].
    pub path: &'static str,
    pub who: May,
    pub summary: &'static str,
    pub query: SchemaOf,
    pub body: SchemaOf,
    pub answer: SchemaOf,
    pub run: for<'a> fn(&'a Call<'a>, Input<'a>) -> Answering<'a>,
}

/// A handler takes query and body as types, and answers with one: those that the document shows.
macro_rules! route {
    ($verb:ident $path:literal $who:ident $summary:literal, $handler:path, ($query:ty, $body:ty) -> $answer:ty) => {
        Route {
            verb: Verb::$verb,
            path: $path,
            who: May::$who,
            summary: $summary,
            query: |generator| generator.subschema_for::<$query>(),
            body: |generator| generator.subschema_for::<$body>(),
            answer: |generator| generator.subschema_for::<$answer>(),
            run: |call, input| {
                Box::pin(async move {
                    let (query, body) = (input.query::<$query>()?, input.body::<$body>()?);
                    let answer: Answer<$answer> = $handler(call, query, body).await?;
                    answer.into_reply()
                })
            },
        }
    };
}

/// Everything.
pub(crate) static ROUTES: &[Route] = &[
    route!(Get "api/config" Anybody "How to sign in", account::config, (Nothing, Nothing) -> account::SignInConfig),
    route!(Get "api/openapi.json" Anybody "This document", account::openapi, (Nothing, Nothing) -> Value),
    route!(Get "api/me" SignedIn "Who asks", account::me, (Nothing, Nothing) -> account::Me),
    route!(Get "api/tenants" SignedIn "Tenants that may be seen, with what waits on their desks", places::tenants,
        (places::TenantsQuery, Nothing) -> places::Tenants),
    route!(Get "api/tenants/{tenant}/dashboard" SignedIn "A tenant's properties today", places::dashboard,
        (places::After, Nothing) -> places::TenantDashboard),
    route!(Get "api/tenants/{tenant}/properties/{property}/dashboard" SignedIn "A property today, and its next 90 nights",
        places::property_dashboard, (Nothing, Nothing) -> places::TenantDashboard),
    route!(Get "api/tenants/{tenant}/properties/{property}/calendar" SignedIn "What a property has sold in a month",
        stays::calendar, (stays::MonthQuery, Nothing) -> stays::CalendarMonth),
    route!(Get "api/tenants/{tenant}/properties/{property}/board" SignedIn "Cleanings of some days, and open tasks",
        stays::board, (stays::DaysQuery, Nothing) -> stays::BoardDays),
    route!(Get "api/tenants/{tenant}/properties/{property}/channels" SignedIn "How the channels of a property fare",
        stays::channels, (Nothing, Nothing) -> stays::Channels),
    route!(Get "api/tenants/{tenant}/holds" SignedIn "Lines of events that wait", queues::holds,
        (Nothing, Nothing) -> queues::Holds),
    route!(Get "api/queues" Operator "How much waits in which queue", queues::queues,
        (queues::QueuesQuery, Nothing) -> queues::AllQueues),
    route!(Get "api/desks/{desk}/review" SignedIn "Items that wait for a decision", review::list::list,
        (review::list::ListQuery, Nothing) -> review::list::Items),
    route!(Get "api/desks/{desk}/review/stats" SignedIn "How many items wait, by reason", review::list::stats,
        (Nothing, Nothing) -> review::list::Stats),
    route!(Get "api/desks/{desk}/review/{item}" SignedIn "An item: cause, event, what waits behind it", review::detail::show,
        (Nothing, Nothing) -> review::detail::Detail),
    route!(Post "api/desks/{desk}/review/{item}/retry" Decides "Works the event again as it is", review::acts::retry,
        (Nothing, Nothing) -> review::acts::Done),
    route!(Post "api/desks/{desk}/review/{item}/edit" Decides "Works another body instead", review::acts::edit,
        (Nothing, review::acts::Edit) -> review::acts::Done),
    route!(Post "api/desks/{desk}/review/{item}/discard" Decides "Leaves the event out", review::acts::discard,
        (Nothing, review::acts::Discard) -> review::acts::Done),
    route!(Post "api/desks/{desk}/review/check" SignedIn "What would be refused of a body; nothing is done",
        review::check::check, (Nothing, review::check::Draft) -> review::check::Checked),
    route!(Post "api/desks/{desk}/review/bulk" Decides "Retries or discards the next items of many; call again with `next`",
        review::bulk::bulk, (Nothing, review::bulk::Bulk) -> review::bulk::Progress),
];
