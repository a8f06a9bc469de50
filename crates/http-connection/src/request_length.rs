//! Finds requests of HTTP/1 with both `Content-Length` and `Transfer-Encoding`. Two servers may disagree where such a
//! request ends (request smuggling; RFC 9112, 6.3), and hyper drops the `Content-Length` without a trace.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use memchr::memchr;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Longest part of a line that is looked at, in bytes: a name and a length are shorter.
const MAX_LINE: usize = 64;

/// Whether a request of this connection had two lengths; the connection's reader sets it.
#[derive(Clone, Debug, Default)]
pub struct AmbiguousLength(Arc<AtomicBool>);

impl AmbiguousLength {
    pub fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A connection whose requests are scanned as they are read.
pub struct ScannedStream<S> {
    stream: S,
    scanner: HeadScanner,
}

impl<S> ScannedStream<S> {
    /// Sets `ambiguous` when such a request is read. The connection must close after a request with
    /// `Transfer-Encoding`: what follows it is not scanned.
    pub fn new(stream: S, ambiguous: AmbiguousLength) -> Self {
        Self { stream, scanner: HeadScanner::new(ambiguous) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ScannedStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buf))?;
        self.scanner.scan(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ScannedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

struct HeadScanner {
    place: Place,
    /// The start of the current line.
    line: [u8; MAX_LINE],
    /// Its length, which may exceed [`MAX_LINE`].
    line_length: usize,
    has_request_line: bool,
    content_length: Option<u64>,
    has_transfer_encoding: bool,
    ambiguous: AmbiguousLength,
}

enum Place {
    Head,
    /// So many bytes of a body follow.
    Body(u64),
    /// Nothing more is scanned.
    End,
}

impl HeadScanner {
    fn new(ambiguous: AmbiguousLength) -> Self {
        Self {
            place: Place::Head,
            line: [0; MAX_LINE],
            line_length: 0,
            has_request_line: false,
            content_length: None,
            has_transfer_encoding: false,
            ambiguous,
        }
    }

    fn scan(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.place {
                Place::Head => match memchr(b'\n', bytes) {
                    Some(end) => {
                        self.end_line(&bytes[..end]);
                        bytes = &bytes[end + 1..];
                    }
                    None => {
                        self.push_to_line(bytes);
                        return;
                    }
                },
                Place::Body(rest) => {
                    let skipped = bytes.len().min(usize::try_from(rest).unwrap_or(usize::MAX));
                    bytes = &bytes[skipped..];
                    let rest = rest - skipped as u64;
                    self.place = if rest == 0 { Place::Head } else { Place::Body(rest) };
                }
                Place::End => return,
            }
        }
    }

    fn push_to_line(&mut self, bytes: &[u8]) {
        let start = self.line_length.min(MAX_LINE);
        let count = bytes.len().min(MAX_LINE - start);
        self.line[start..start + count].copy_from_slice(&bytes[..count]);
        self.line_length += bytes.len();
    }

    /// Reads the line that ends with these bytes.
    fn end_line(&mut self, bytes: &[u8]) {
        if self.line_length == 0 {
            return self.read_line(&bytes[..bytes.len().min(MAX_LINE)], bytes.len() <= MAX_LINE);
        }
        self.push_to_line(bytes);
        let (line, length) = (self.line, self.line_length);
        self.line_length = 0;
        self.read_line(&line[..length.min(MAX_LINE)], length <= MAX_LINE);
    }

    fn read_line(&mut self, line: &[u8], is_whole: bool) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            if self.has_request_line {
                self.end_head();
            }
            return;
        }
        if !self.has_request_line {
            self.has_request_line = true;
            return;
        }
        // Most lines are of other headers.
        if !matches!(line[0], b'c' | b'C' | b't' | b'T') {
            return;
        }
        let Some(colon) = memchr(b':', line) else { return };
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.has_transfer_encoding = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            let digits = value.trim_ascii();
            let length = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            match length.filter(|_| is_whole).and_then(|text| text.parse().ok()) {
                Some(length) => self.content_length = Some(length),
                // The end of this request is unknown, so a later one can't be told from its body.
                None => self.end(true),
            }
        }
    }

    fn end_head(&mut self) {
        self.has_request_line = false;
        let length = self.content_length.take();
        if self.has_transfer_encoding {
            self.end(length.is_some());
        } else {
            self.place = Place::Body(length.unwrap_or_default());
            if length.unwrap_or_default() == 0 {
                self.place = Place::Head;
            }
        }
    }

    fn end(&mut self, is_ambiguous: bool) {
        self.place = Place::End;
        if is_ambiguous {
            self.ambiguous.set();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the last request is ambiguous, however its bytes are split.
    fn is_ambiguous(text: &str) -> bool {
        let scan = |size: usize| {
            let ambiguous = AmbiguousLength::default();
            let mut scanner = HeadScanner::new(ambiguous.clone());
            text.as_bytes().chunks(size).for_each(|part| scanner.scan(part));
            ambiguous.is_set()
        };
        let found = scan(text.len());
        assert!((1..40).all(|size| scan(size) == found), "{text}");
        found
    }

    #[test]
    fn both_lengths_in_one_request_are_found() {
        for lengths in [
            "content-length: 5\r\ntransfer-encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nx: y\r\nContent-Length:5\r\n",
            "TRANSFER-ENCODING:chunked\nCONTENT-LENGTH:\t0 \n",
        ] {
            assert!(is_ambiguous(&format!("POST / HTTP/1.1\r\n{lengths}\r\n0\r\n\r\n")), "{lengths}");
        }
    }

    #[test]
    fn lengths_of_separate_requests_are_not_ambiguous() {
        let chunked = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n";
        let body = "content-length: 5\r\n\r\n";
        assert!(!is_ambiguous(&format!("{chunked}0\r\n\r\n")));
        assert!(!is_ambiguous(&format!("{chunked}{}\r\n{body}", body.len())), "a line of the body");
        let sized = format!("\r\nPATCH /a HTTP/1.1\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        assert!(!is_ambiguous(&format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n{sized}{chunked}", "y".repeat(500))));
        let both = chunked.replace("\r\n\r\n", "\r\ncontent-length: 1\r\n\r\n");
        assert!(is_ambiguous(&format!("{sized}{sized}{both}")));
    }

    #[test]
    fn unreadable_length_makes_the_rest_ambiguous() {
        for length in ["x", "+5", "-1", "5, 5", "", "99999999999999999999", &format!("{}5", " ".repeat(MAX_LINE))] {
            let request = format!("POST / HTTP/1.1\r\ncontent-length: {length}\r\n\r\n");
            assert!(is_ambiguous(&request), "{length}");
        }
    }
}
