//! The client.

use std::fmt;
use std::sync::Arc;

use tokio::time::timeout;

use crate::connection::{Connection, Progress};
use crate::network::{Network, System};
use crate::route::Route;
use crate::tls::Tls;
use crate::{Answer, Limits, Policy, Request, exchange};

/// Calls addresses that tenants gave. Clones share what is costly: the roots, and TLS sessions to resume.
///
/// Each call has a connection of its own, so that the address which was checked is the one that is talked to.
#[derive(Clone)]
pub struct Client {
    policy: Policy,
    network: Arc<dyn Network>,
    tls: Arc<Tls>,
}

impl Client {
    /// A client for what this policy admits. Costs nothing: roots are read at the first `https` call.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self { policy, network: Arc::new(System), tls: Arc::default() }
    }

    #[cfg(test)]
    pub(crate) fn on(policy: Policy, network: Arc<dyn Network>, tls: Tls) -> Self {
        Self { policy, network, tls: Arc::new(tls) }
    }

    /// One call: no redirect is followed, nothing is repeated. Needs tokio's time and I/O. When dropped, the connection is
    /// closed; a name's resolution may go on for a while on a thread of tokio's.
    pub async fn send(&self, request: Request, limits: Limits) -> Answer {
        let progress = Progress::default();
        match timeout(limits.timeout, self.call(&request, &limits, &progress)).await {
            Ok(Ok(answer) | Err(answer)) => answer,
            Err(_) => Answer::failed("timeout", format_args!("{:?} over while {progress}", limits.timeout)),
        }
    }

    async fn call(&self, request: &Request, limits: &Limits, progress: &Progress) -> Result<Answer, Answer> {
        let prepared = exchange::prepare(request).map_err(Answer::Refused)?;
        let route = Route::find(&request.url, self.policy, &*self.network).await?;
        // Something remains for the answer, even when no address but the last accepts.
        let shares = u32::try_from(route.addresses().len()).unwrap_or(u32::MAX).saturating_add(1);
        let share = limits.timeout / shares;
        let connection = Connection::open(&request.url, &route, share, &*self.network, &self.tls, progress).await?;
        Ok(exchange::run(prepared, connection, limits, progress).await)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("policy", &self.policy).finish_non_exhaustive()
    }
}
