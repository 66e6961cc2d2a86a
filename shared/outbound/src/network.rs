//! The machine's network, behind a port, so that tests can be DNS.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;

use tokio::net::TcpStream;

pub(crate) type Pending<'a, T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send + 'a>>;

pub(crate) trait Network: Send + Sync {
    /// All addresses of a name.
    fn resolve<'a>(&'a self, name: &'a str) -> Pending<'a, Vec<IpAddr>>;
    /// A connection to just this address.
    fn connect(&self, to: SocketAddr) -> Pending<'_, TcpStream>;
}

/// The resolver and the TCP of the machine.
pub(crate) struct System;

impl Network for System {
    fn resolve<'a>(&'a self, name: &'a str) -> Pending<'a, Vec<IpAddr>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect()) })
    }

    fn connect(&self, to: SocketAddr) -> Pending<'_, TcpStream> {
        Box::pin(TcpStream::connect(to))
    }
}
