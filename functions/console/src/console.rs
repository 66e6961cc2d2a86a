//! From a request to what is answered: asset or route, who, how often, whose, what.

use std::sync::{Mutex, PoisonError};

use bellhop_store::Store;
use bellhop_worker::Queues;
use jiff::Timestamp;
use lambda_http::http::Method;
use lambda_http::http::header::AUTHORIZATION;
use lambda_http::{Body, Request, Response};
use matchit::Router;

use crate::auth::{Issuer, NoEntry, Who};
use crate::call::{Call, Reply};
use crate::depths::Depths;
use crate::http::{Outcome, known, respond};
use crate::input::{Input, MOST_BODY};
use crate::limit::Limiter;
use crate::refusal::Refusal;
use crate::routes::{May, ROUTES, Route, Verb};
use crate::{assets, http};

/// All that the console stands on.
pub struct Parts {
    /// The tables.
    pub store: Store,
    /// The queues that acts send to.
    pub queues: Queues,
    /// How much waits in which queue.
    pub depths: Depths,
    /// Who says who people are.
    pub issuer: Issuer,
    /// An argument so that tests can turn it.
    pub clock: fn() -> Timestamp,
}

/// The console.
pub struct Console {
    parts: Parts,
    limiter: Mutex<Limiter>,
    router: Router<&'static str>,
}

/// What the log says of a request, as far as it came.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    pub path: &'static str,
    pub tenant: Option<String>,
    pub who: Option<String>,
}

impl Console {
    /// A console.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let mut router = Router::new();
        for route in ROUTES {
            // Several methods of one path are one entry.
            if let Err(error) = router.insert(route.path, route.path)
                && !matches!(error, matchit::InsertError::Conflict { .. })
            {
                tracing::error!(path = route.path, %error, "route-unusable");
            }
        }
        Self { parts, limiter: Mutex::default(), router }
    }

    /// Answers a request, with one log line: no token, no name, nothing of what is answered.
    pub async fn answer(&self, request: &Request) -> Response<Body> {
        let started = (self.parts.clock)();
        let mut trail = Trail { path: "-", ..Trail::default() };
        let outcome = self.look(request, started, &mut trail).await;
        let discovered = self.parts.issuer.discovered(started).await;
        let response = respond(request, &outcome, &self.parts.issuer.rules().issuer, discovered.as_deref());
        let took = (self.parts.clock)().as_millisecond() - started.as_millisecond();
        http::log(request.method(), &outcome, &trail, response.status().as_u16(), took);
        response
    }

    async fn look(&self, request: &Request, now: Timestamp, trail: &mut Trail) -> Outcome {
        let path = request.uri().path().trim_start_matches('/');
        if !path.starts_with("api/") {
            let Some(asset) = assets::find(path) else { return Outcome::Refused(Refusal::not_found()) };
            trail.path = "assets";
            return match *request.method() {
                Method::GET | Method::HEAD => Outcome::Asset(asset),
                _ => Outcome::Refused(Refusal::method("GET, HEAD")),
            };
        }
        match self.routed(request, path, now, trail).await {
            Ok(reply) => Outcome::Done(reply),
            Err(refusal) => Outcome::Refused(refusal),
        }
    }

    async fn routed(&self, request: &Request, path: &str, now: Timestamp, trail: &mut Trail) -> Result<Reply, Refusal> {
        let found = self.router.at(path).map_err(|_| Refusal::not_found())?;
        trail.path = found.value;
        let route = route(found.value, request.method())?;
        let body: &[u8] = if route.verb == Verb::Get { &[] } else { request.body().as_ref() };
        if body.len() > MOST_BODY {
            return Err(Refusal::too_large(MOST_BODY));
        }
        let who = if route.who == May::Anybody { None } else { Some(self.enter(request, now, trail).await?) };
        let mut call = Call::new(&self.parts, now, known(request.headers()), who.as_ref());
        for (name, value) in found.params.iter() {
            call.take(name, value)?;
            trail.tenant = call.tenant_name().map(str::to_owned);
        }
        if let Some(who) = &who {
            allowed(route.who, who)?;
        }
        (route.run)(&call, Input { query: request.uri().query().unwrap_or_default(), body }).await
    }

    /// Who asks, if that is known, and they did not ask too often.
    async fn enter(&self, request: &Request, now: Timestamp, trail: &mut Trail) -> Result<Who, Refusal> {
        let mut headers = request.headers().get_all(AUTHORIZATION).iter();
        let (header, second) = (headers.next().and_then(|value| value.to_str().ok()), headers.next());
        let token = header.filter(|_| second.is_none()).and_then(|value| value.split_once(' '));
        let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
        let token = token.ok_or_else(|| Refusal::unauthorized(header.map(|_| "scheme")))?;
        let who = self.parts.issuer.who(token, now).await.map_err(|no| match no {
            NoEntry::Denied(denied) => Refusal::unauthorized(Some(denied.0)),
            NoEntry::Unavailable => Refusal::unavailable("The issuer of tokens does not answer."),
        })?;
        let hash = who.hash();
        let quota = self.limiter.lock().unwrap_or_else(PoisonError::into_inner).take(&hash, now.as_millisecond());
        trail.who = Some(hash);
        quota.map_err(Refusal::too_many)?;
        Ok(who)
    }
}

/// The route of a path and a method; HEAD is a GET whose body is not sent.
fn route(path: &str, method: &Method) -> Result<&'static Route, Refusal> {
    let verb = match *method {
        Method::GET | Method::HEAD => Some(Verb::Get),
        Method::POST => Some(Verb::Post),
        _ => None,
    };
    let own = || ROUTES.iter().filter(|route| route.path == path);
    own()
        .find(|route| Some(route.verb) == verb)
        .ok_or_else(|| Refusal::method(&own().map(|route| route.verb.allowed()).collect::<Vec<_>>().join(", ")))
}

fn allowed(may: May, who: &Who) -> Result<(), Refusal> {
    match may {
        May::Decides if !who.may_act() => {
            Err(Refusal::not_allowed("Your role is viewer: you see what waits, and others decide on it."))
        }
        May::Operator if !who.is_operator() => Err(Refusal::not_allowed("This is for operators, who see all tenants.")),
        May::Anybody | May::SignedIn | May::Decides | May::Operator => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_found_at_its_path() {
        let mut router = Router::new();
        for route in ROUTES {
            assert!(matches!(
                router.insert(route.path, route.path),
                Ok(()) | Err(matchit::InsertError::Conflict { .. })
            ));
        }
        for route in ROUTES {
            let path = route.path.replace("{tenant}", "sea").replace("{desk}", "~").replace("{property}", "villa");
            let path = path.replace("{item}", "r0");
            assert_eq!(router.at(&path).map(|found| *found.value).ok(), Some(route.path), "{path}");
        }
    }
}
