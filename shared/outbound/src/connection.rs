//! A connection to a checked address, with or without TLS.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use crate::network::Network;
use crate::route::Route;
use crate::tls::Tls;
use crate::{Answer, GuardedUrl};

pub(crate) enum Connection {
    Plain(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
}

impl Connection {
    /// To the first address that accepts within its share of the time.
    pub(crate) async fn open(
        url: &GuardedUrl,
        route: &Route,
        share: Duration,
        network: &dyn Network,
        tls: &Tls,
        progress: &Progress,
    ) -> Result<Self, Answer> {
        progress.reach(Step::Connect);
        let stream = connect(route, share, network).await.map_err(|error| Answer::failed("connect", error))?;
        // A request is small and goes out whole: nothing is won by waiting for more. Works without it, too.
        stream.set_nodelay(true).ok();
        if url.url().scheme() != "https" {
            return Ok(Self::Plain(stream));
        }
        progress.reach(Step::Handshake);
        let host = url.url().host_str().unwrap_or_default();
        match tls.handshake(host, stream).await {
            Ok(stream) => Ok(Self::Encrypted(Box::new(stream))),
            Err(error) => Err(Answer::failed("tls", error)),
        }
    }
}

async fn connect(route: &Route, share: Duration, network: &dyn Network) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for &address in route.addresses() {
        last = match timeout(share, network.connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => io::Error::new(error.kind(), format!("{address}: {error}")),
            Err(_) => io::Error::new(io::ErrorKind::TimedOut, format!("{address}: no answer within {share:?}")),
        };
    }
    Err(last)
}

/// How far a call got: what to say when its time is over.
#[derive(Debug, Default)]
pub(crate) struct Progress(AtomicU8);

#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    Connect = 1,
    Handshake,
    Send,
    Body,
}

impl Progress {
    pub(crate) fn reach(&self, step: Step) {
        self.0.store(step as u8, Ordering::Relaxed);
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.load(Ordering::Relaxed) {
            0 => "resolving the name",
            1 => "connecting",
            2 => "in the TLS handshake",
            3 => "waiting for the answer",
            _ => "reading the answer's body",
        })
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Encrypted(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Encrypted(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Encrypted(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Encrypted(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
