//! A minimal HTTP/1.1 client: one connection, one request after the other.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context as _, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// A keep-alive connection.
pub struct Connection {
    stream: TcpStream,
    host: SocketAddr,
    buffer: Vec<u8>,
}

pub struct Answer {
    pub status: u16,
    /// Names are in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Headers and body, in bytes.
    pub on_the_wire: usize,
}

impl Answer {
    /// Empty if the header is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Connection {
    pub async fn open(host: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, host, buffer: Vec::new() })
    }

    /// Connects from the local address `source`.
    pub async fn open_from(source: IpAddr, host: SocketAddr) -> anyhow::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(source, 0))?;
        Ok(Self { stream: socket.connect(host).await?, host, buffer: Vec::new() })
    }

    pub async fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> anyhow::Result<Answer> {
        self.ask("GET", path, headers, "").await
    }

    pub async fn post(&mut self, path: &str, headers: &[(&str, &str)], form: &str) -> anyhow::Result<Answer> {
        let kind = ("content-type", "application/x-www-form-urlencoded");
        self.ask("POST", path, &[&[kind], headers].concat(), form).await
    }

    async fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> anyhow::Result<Answer> {
        self.send(method, path, headers, body).await?;
        let (head, length) = self.head().await?;
        while self.buffer.len() < length {
            self.more().await?;
        }
        let body = self.buffer.drain(..length).collect();
        let (status, headers) = parse(&head)?;
        Ok(Answer { status, headers, body, on_the_wire: head.len() + length })
    }

    /// Sends a request without reading the response.
    pub async fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> anyhow::Result<()> {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
        let request = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n{headers}{length}\r\n{body}", self.host);
        Ok(self.stream.write_all(request.as_bytes()).await?)
    }

    /// Reads until `text` arrives; discards everything up to and including it.
    pub async fn hear(&mut self, text: &str) -> anyhow::Result<()> {
        loop {
            if let Some(at) = find(&self.buffer, text.as_bytes()) {
                self.buffer.drain(..at + text.len());
                // Ten thousand followers stay open for long, so their buffers must be small.
                self.buffer.shrink_to_fit();
                return Ok(());
            }
            self.more().await?;
        }
    }

    /// The headers of the next response, and the length of its body.
    async fn head(&mut self) -> anyhow::Result<(String, usize)> {
        let end = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
        };
        let head = String::from_utf8(self.buffer.drain(..end).collect())?;
        let (status, headers) = parse(&head)?;
        let length = headers.iter().find(|(name, _)| name == "content-length").map(|(_, length)| length.parse());
        match (status, length) {
            (204 | 304, _) => Ok((head, 0)),
            (_, Some(length)) => Ok((head, length?)),
            (_, None) => bail!("an answer without a length: {head}"),
        }
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        let mut piece = [0; 8192];
        match self.stream.read(&mut piece).await? {
            0 => bail!("the server ended the connection"),
            length => self.buffer.extend_from_slice(&piece[..length]),
        }
        Ok(())
    }
}

/// Status and headers.
fn parse(head: &str) -> anyhow::Result<(u16, Vec<(String, String)>)> {
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default();
    let status = first.split(' ').nth(1).context("a status")?.parse().with_context(|| first.to_owned())?;
    let headers = lines.filter_map(|line| line.split_once(": "));
    Ok((status, headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect()))
}

fn find(within: &[u8], what: &[u8]) -> Option<usize> {
    within.windows(what.len()).position(|window| window == what)
}
