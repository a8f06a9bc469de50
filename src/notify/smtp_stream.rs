//! The streams of an SMTP session: one that limits what a server sends, and TLS over it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::Error as SmtpError;
#[expect(deprecated, reason = "lettre has no other way to speak TLS over a stream of ours")]
use lettre::transport::smtp::client::AsyncNetworkStream;
use lettre::transport::smtp::client::{AsyncTokioStream, TlsParameters};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

const STARTTLS: &[u8] = b"STARTTLS\r\n";

/// Fails when more than `limit` bytes are read between two writes, and when a server sends more than one line before
/// TLS begins: lettre would read the rest as an answer inside TLS.
#[derive(Debug)]
pub(super) struct LimitedStream {
    stream: TcpStream,
    limit: usize,
    left: usize,
    begins_tls: bool,
}

impl LimitedStream {
    /// Sends small packets at once: a mail ends with a small write, which would wait for the acknowledgement of the one
    /// before.
    pub(super) fn new(stream: TcpStream, limit: usize) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, limit, left: limit, begins_tls: false })
    }

    fn check_received(&mut self, bytes: &[u8]) -> io::Result<()> {
        let left = self.left.checked_sub(bytes.len());
        self.left = left.ok_or_else(|| io::Error::other("the mail server's response is too long"))?;
        let line = bytes.iter().position(|byte| *byte == b'\n');
        match line {
            Some(end) if self.begins_tls && end + 1 < bytes.len() => {
                Err(io::Error::other("the mail server sent more than one line before TLS"))
            }
            _ => Ok(()),
        }
    }
}

impl AsyncTokioStream for LimitedStream {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}

impl AsyncRead for LimitedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, into))?;
        Poll::Ready(self.check_received(&into.filled()[before..]))
    }
}

impl AsyncWrite for LimitedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.left = self.limit;
        self.begins_tls = bytes == STARTTLS;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// lettre's TLS over a [`LimitedStream`].
#[expect(deprecated, reason = "as above")]
#[derive(Debug)]
pub(super) struct TlsStream(AsyncNetworkStream);

impl TlsStream {
    #[expect(deprecated, reason = "as above")]
    pub(super) async fn handshake(stream: LimitedStream, tls: TlsParameters) -> Result<Self, SmtpError> {
        let mut stream = AsyncNetworkStream::use_existing_tokio1(Box::new(stream));
        stream.upgrade_tls(tls).await?;
        Ok(Self(stream))
    }
}

impl AsyncTokioStream for TlsStream {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.peer_addr()
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = ready!(futures_io::AsyncRead::poll_read(Pin::new(&mut self.0), cx, into.initialize_unfilled()))?;
        into.advance(read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        futures_io::AsyncWrite::poll_write(Pin::new(&mut self.0), cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        futures_io::AsyncWrite::poll_flush(Pin::new(&mut self.0), cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        futures_io::AsyncWrite::poll_close(Pin::new(&mut self.0), cx)
    }
}
