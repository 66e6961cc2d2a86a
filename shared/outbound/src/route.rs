//! From an address to the machines that may be connected to.

use std::net::{IpAddr, SocketAddr};

use url::Host;

use crate::network::Network;
use crate::{Answer, GuardedUrl, Policy, UrlFault, address, host};

/// A name with more addresses is called at the first of them.
const MOST_ADDRESSES: usize = 4;

/// Checked addresses, one at least. There is no other way to a connection than through one of these.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Route(Vec<SocketAddr>);

impl Route {
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.0
    }

    /// Resolves once and checks every address of the answer, also those that are not used: a name that mixes public and
    /// private addresses is refused whole.
    pub(crate) async fn find(url: &GuardedUrl, policy: Policy, network: &dyn Network) -> Result<Self, Answer> {
        url.check(policy).map_err(Answer::Refused)?;
        let Some(named) = url.url().host() else {
            return Err(Answer::failed("resolve", "no host"));
        };
        let addresses = match named {
            Host::Ipv4(ip) => vec![IpAddr::V4(ip)],
            Host::Ipv6(ip) => vec![IpAddr::V6(ip)],
            Host::Domain(name) => network.resolve(name).await.map_err(|error| unresolved(name, &error))?,
        };
        let local = policy.local && host::is_loopback(&named);
        let allowed = |ip: IpAddr| if local { ip.is_loopback() } else { address::is_public(ip) };
        if let Some(refused) = addresses.iter().find(|ip| !allowed(**ip)) {
            let found = format!("{named}, which is {refused}");
            let expected = "a name, all of whose addresses are on the public internet";
            return Err(Answer::Refused(UrlFault::new("url-resolves-private", found, expected)));
        }
        if addresses.is_empty() {
            return Err(Answer::Refused(unresolvable(&named.to_string())));
        }
        Ok(Self(addresses.into_iter().take(MOST_ADDRESSES).map(|ip| SocketAddr::new(ip, url.port())).collect()))
    }
}

fn unresolvable(name: &str) -> UrlFault {
    UrlFault::new("url-unresolvable", name, "a name that DNS knows")
}

/// That there is no such name is told from "no answer" by the text alone: `std` keeps no code of `getaddrinfo`. What
/// cannot be told is no answer, which another attempt may mend.
fn unresolved(name: &str, error: &std::io::Error) -> Answer {
    let text = error.to_string();
    // EAI_NONAME and EAI_NODATA of glibc; musl and macOS.
    let unknown = [
        "Name or service not known",
        "No address associated with hostname",
        "Name does not resolve",
        "nodename nor servname",
    ];
    if unknown.iter().any(|part| text.contains(part)) {
        Answer::Refused(unresolvable(name))
    } else {
        Answer::failed("resolve", format_args!("{name}: {text}"))
    }
}
