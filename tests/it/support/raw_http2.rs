//! A client of HTTP/2 that writes every frame itself, and so can say what no polite client would.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::server::Server;

/// What a connection begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How long a test waits for what should come soon.
const PATIENCE: Duration = Duration::from_secs(15);

/// The kinds of frames, by their number.
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

/// The last frame of a stream; of a PING or SETTINGS frame, that it is an answer.
pub const END: u8 = 1;
/// The last frame of a head.
pub const HEAD_ENDS: u8 = 4;

/// What a server may say for its ending something.
pub mod reason {
    pub const NONE: u32 = 0;
    pub const REFUSED: u32 = 7;
    pub const ENHANCE_YOUR_CALM: u32 = 11;
}

/// One frame.
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

    /// The whole head of a request without a body.
    pub fn asking(stream: u32, head: &[(&str, &str)]) -> Self {
        Self::new(kind::HEADERS, END | HEAD_ENDS, stream, packed(head))
    }

    /// As it travels.
    pub fn bytes(&self) -> Vec<u8> {
        let length = u32::try_from(self.load.len()).unwrap().to_be_bytes();
        [&length[1..], &[self.kind, self.flags], &self.stream.to_be_bytes(), &self.load].concat()
    }

    /// The reason a RESET or GO_AWAY frame gives.
    pub fn reason(&self) -> u32 {
        let from = if self.kind == kind::GO_AWAY { 4 } else { 0 };
        u32::from_be_bytes(self.load[from..from + 4].try_into().unwrap())
    }

    /// The status an answer begins with, if it is one of those with a number of their own in HPACK.
    pub fn status(&self) -> Option<u16> {
        const NUMBERED: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];
        let number = self.load.first().filter(|_| self.kind == kind::HEADERS)?;
        NUMBERED.get(usize::from(number.checked_sub(0x88)?)).copied()
    }
}

/// Header fields as HPACK has them where nothing is packed.
pub fn packed(head: &[(&str, &str)]) -> Vec<u8> {
    head.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

/// A text as HPACK has it where it is not packed: its length, of which the first seven bits stand alone, and its bytes.
pub fn text(text: &str) -> Vec<u8> {
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

/// A connection.
pub struct RawHttp2 {
    stream: TcpStream,
    heard: Vec<u8>,
    /// How the server is named.
    pub host: String,
}

impl RawHttp2 {
    /// A connection on which the preface and these settings were said.
    pub async fn open(server: &Server, settings: &[u8]) -> Self {
        Self::over(server.connect().await.stream, server, settings).await
    }

    /// The same over a connection that is there.
    pub async fn over(stream: TcpStream, server: &Server, settings: &[u8]) -> Self {
        let mut frames = Self::heard_by(stream, server);
        frames.say(PREFACE).await;
        frames.send(&Frame::new(kind::SETTINGS, 0, 0, settings)).await;
        frames
    }

    /// A connection on which nothing was said yet, or what the test has said.
    pub fn heard_by(stream: TcpStream, server: &Server) -> Self {
        Self { stream, heard: Vec::new(), host: server.address.to_string() }
    }

    /// The head of a GET request for `path`, with `more` after it.
    pub fn get<'a>(&'a self, path: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let head = [(":method", "GET"), (":scheme", "http"), (":path", path), (":authority", &self.host)];
        [&head, more].concat()
    }

    /// Asks for `path` on the stream of this number.
    pub async fn ask(&mut self, stream: u32, path: &str) {
        let asking = Frame::asking(stream, &self.get(path, &[]));
        self.send(&asking).await;
    }

    /// Sends a frame. A server that has closed already is no failure.
    pub async fn send(&mut self, frame: &Frame) {
        self.say(&frame.bytes()).await;
    }

    /// Sends these bytes.
    pub async fn say(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// Sends these bytes again and again until the server has had enough, and reads nothing.
    pub async fn flood(&mut self, bytes: &[u8]) {
        while self.stream.write_all(bytes).await.is_ok() {}
    }

    /// The next frame, none once the server has closed. PINGs and SETTINGS are answered.
    pub async fn next(&mut self) -> Option<Frame> {
        let frame = timeout(PATIENCE, self.read()).await.expect("the connection is open and silent")?;
        if [kind::PING, kind::SETTINGS].contains(&frame.kind) && frame.flags & END == 0 {
            let load = if frame.kind == kind::PING { frame.load.clone() } else { Vec::new() };
            self.send(&Frame::new(frame.kind, END, 0, load)).await;
        }
        Some(frame)
    }

    /// The next frame of this kind on this stream; none if the server closes first.
    pub async fn hear(&mut self, kind: u8, stream: u32) -> Option<Frame> {
        loop {
            let frame = self.next().await?;
            if (frame.kind, frame.stream) == (kind, stream) {
                return Some(frame);
            }
        }
    }

    /// What becomes of a stream: its head, or that it or the whole connection was ended.
    pub async fn fate(&mut self, stream: u32) -> StreamEnd {
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

    /// All there is to hear until the server closes.
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
            if let Some(frame) = self.whole() {
                return Some(frame);
            }
            // A server that closes while we still speak is heard as an error.
            match self.stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return None,
                Ok(read) => self.heard.extend(&buffer[..read]),
            }
        }
    }

    /// The first frame of what was heard, if it is whole.
    fn whole(&mut self) -> Option<Frame> {
        let head: [u8; 9] = self.heard.get(..9)?.try_into().unwrap();
        let end = 9 + usize::from(head[0]) * 65_536 + usize::from(head[1]) * 256 + usize::from(head[2]);
        let load = self.heard.get(9..end)?.to_vec();
        self.heard.drain(..end);
        Some(Frame::new(head[3], head[4], u32::from_be_bytes(head[5..].try_into().unwrap()), load))
    }
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEnd {
    /// It was answered with this status, if it has a number in HPACK.
    Answered(Option<u16>),
    /// It or the connection was ended for this reason.
    Ended(u32),
    /// The connection was closed without a word.
    Cut,
}
