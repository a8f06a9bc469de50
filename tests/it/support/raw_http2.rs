//! An HTTP/2 client that writes every frame itself, so a test can violate the protocol.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::server::{Connection, Server};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How long a test waits for a frame.
const PATIENCE: Duration = Duration::from_secs(15);

/// Frame types (RFC 9113).
pub mod kind {
    pub const DATA: u8 = 0;
    pub const HEADERS: u8 = 1;
    pub const RESET: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const PING: u8 = 6;
    pub const GO_AWAY: u8 = 7;
    pub const WINDOW: u8 = 8;
    pub const CONTINUATION: u8 = 9;
}

/// END_STREAM; ACK in PING and SETTINGS frames.
pub const END: u8 = 1;
/// END_HEADERS.
pub const HEAD_ENDS: u8 = 4;

/// Error codes of RESET and GO_AWAY.
pub mod reason {
    pub const NONE: u32 = 0;
    pub const REFUSED: u32 = 7;
    pub const ENHANCE_YOUR_CALM: u32 = 11;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub load: Vec<u8>,
}

impl Frame {
    pub fn new(kind: u8, flags: u8, stream: u32, load: impl Into<Vec<u8>>) -> Self {
        Self { kind, flags, stream, load: load.into() }
    }

    /// A HEADERS frame of a complete request without a body.
    pub fn request_frame(stream: u32, head: &[(&str, &str)]) -> Self {
        Self::new(kind::HEADERS, END | HEAD_ENDS, stream, encode_headers(head))
    }

    pub fn bytes(&self) -> Vec<u8> {
        let length = u32::try_from(self.load.len()).unwrap().to_be_bytes();
        [&length[1..], &[self.kind, self.flags], &self.stream.to_be_bytes(), &self.load].concat()
    }

    pub fn reason(&self) -> u32 {
        let from = if self.kind == kind::GO_AWAY { 4 } else { 0 };
        u32::from_be_bytes(self.load[from..from + 4].try_into().unwrap())
    }

    /// The status of a HEADERS frame, if it is one of those in HPACK's static table.
    pub fn status(&self) -> Option<u16> {
        const NUMBERED: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];
        let number = self.load.first().filter(|_| self.kind == kind::HEADERS)?;
        NUMBERED.get(usize::from(number.checked_sub(0x88)?)).copied()
    }
}

/// Header fields as HPACK literals, without Huffman coding or indexing.
pub fn encode_headers(head: &[(&str, &str)]) -> Vec<u8> {
    head.iter().flat_map(|(name, value)| [vec![0], encode_string(name), encode_string(value)].concat()).collect()
}

/// A HPACK string without Huffman coding: its length as an integer with a 7-bit prefix, then its bytes.
pub fn encode_string(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    match u8::try_from(text.len()) {
        Ok(length) if length < 127 => bytes.push(length),
        _ => {
            bytes.push(127);
            let mut rest = text.len() - 127;
            while rest >= 128 {
                bytes.push(u8::try_from(rest % 128).unwrap() | 128);
                rest /= 128;
            }
            bytes.push(u8::try_from(rest).unwrap());
        }
    }
    bytes.extend(text.as_bytes());
    bytes
}

pub struct RawHttp2 {
    stream: Box<dyn Connection>,
    buffered: Vec<u8>,
    /// The value of `:authority`.
    pub host: String,
}

impl RawHttp2 {
    /// Connects and sends the preface and these settings.
    pub async fn open(server: &Server, settings: &[u8]) -> Self {
        Self::over(server.connect_http2().await, server, settings).await
    }

    /// Sends the preface and these settings on an existing connection.
    pub async fn over(stream: Box<dyn Connection>, server: &Server, settings: &[u8]) -> Self {
        let mut frames = Self::from_stream(stream, server);
        frames.send_raw(PREFACE).await;
        frames.send(&Frame::new(kind::SETTINGS, 0, 0, settings)).await;
        frames
    }

    /// Reads frames from a connection on which the test sends the preface itself.
    pub fn from_stream(stream: Box<dyn Connection>, server: &Server) -> Self {
        Self { stream, buffered: Vec::new(), host: server.address.to_string() }
    }

    pub fn get<'a>(&'a self, path: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let head = [(":method", "GET"), (":scheme", "https"), (":path", path), (":authority", &self.host)];
        [&head, more].concat()
    }

    pub async fn send_get(&mut self, stream: u32, path: &str) {
        let asking = Frame::request_frame(stream, &self.get(path, &[]));
        self.send(&asking).await;
    }

    /// Ignores errors: the server may have closed the connection.
    pub async fn send(&mut self, frame: &Frame) {
        self.send_raw(&frame.bytes()).await;
    }

    pub async fn send_raw(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// Sends these bytes repeatedly until the server closes the connection, without reading.
    pub async fn flood(&mut self, bytes: &[u8]) {
        while self.stream.write_all(bytes).await.is_ok() {}
    }

    /// The next frame; none once the server has closed. PINGs and SETTINGS are acknowledged.
    pub async fn next(&mut self) -> Option<Frame> {
        let frame = timeout(PATIENCE, self.read()).await.expect("the connection is open and silent")?;
        if [kind::PING, kind::SETTINGS].contains(&frame.kind) && frame.flags & END == 0 {
            let load = if frame.kind == kind::PING { frame.load.clone() } else { Vec::new() };
            self.send(&Frame::new(frame.kind, END, 0, load)).await;
        }
        Some(frame)
    }

    /// The next frame of this type on this stream; none if the server closes first.
    pub async fn wait_for(&mut self, kind: u8, stream: u32) -> Option<Frame> {
        loop {
            let frame = self.next().await?;
            if (frame.kind, frame.stream) == (kind, stream) {
                return Some(frame);
            }
        }
    }

    /// The outcome of a stream: its status, or the error that ended the stream or the connection.
    pub async fn outcome(&mut self, stream: u32) -> StreamEnd {
        while let Some(frame) = self.next().await {
            match frame.kind {
                kind::HEADERS if frame.stream == stream => return StreamEnd::Answered(frame.status()),
                kind::RESET if frame.stream == stream => return StreamEnd::Ended(frame.reason()),
                kind::GO_AWAY => return StreamEnd::Ended(frame.reason()),
                _ => {}
            }
        }
        StreamEnd::Cut
    }

    pub async fn rest(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = self.next().await {
            frames.push(frame);
        }
        frames
    }

    async fn read(&mut self) -> Option<Frame> {
        let mut buffer = [0; 4096];
        loop {
            if let Some(frame) = self.parse_frame() {
                return Some(frame);
            }
            // If the server closes while we still write, reading fails.
            match self.stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return None,
                Ok(read) => self.buffered.extend(&buffer[..read]),
            }
        }
    }

    /// The first complete frame in the buffer.
    fn parse_frame(&mut self) -> Option<Frame> {
        let head: [u8; 9] = self.buffered.get(..9)?.try_into().unwrap();
        let end = 9 + usize::from(head[0]) * 65_536 + usize::from(head[1]) * 256 + usize::from(head[2]);
        let load = self.buffered.get(9..end)?.to_vec();
        self.buffered.drain(..end);
        Some(Frame::new(head[3], head[4], u32::from_be_bytes(head[5..].try_into().unwrap()), load))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEnd {
    /// With the status, if it is in HPACK's static table.
    Answered(Option<u16>),
    Ended(u32),
    /// The connection was closed without an error code.
    Cut,
}
