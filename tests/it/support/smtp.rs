//! An SMTP server on its own port that accepts mail, or rejects it on request.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

#[derive(Clone, Debug)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    pub data: String,
}

impl Mail {
    pub fn header(&self, name: &str) -> String {
        let begin = format!("{name}: ");
        let head = self.data.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ");
        head.split("\r\n").find_map(|line| line.strip_prefix(&begin)).unwrap_or_default().to_owned()
    }

    /// The body without the soft line breaks of quoted-printable.
    pub fn text(&self) -> String {
        let body = self.data.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
        body.replace("=\r\n", "").replace("=3D", "=").replace("\r\n", "\n")
    }
}

#[derive(Clone)]
pub struct FakeSmtpServer {
    pub url: String,
    mails: Arc<Mutex<Vec<Mail>>>,
    /// The credentials of the clients, still encoded.
    logins: Arc<Mutex<Vec<String>>>,
    /// Replies with which the next mails are rejected.
    refusals: Arc<Mutex<VecDeque<&'static str>>>,
}

impl FakeSmtpServer {
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let sink = Self { url, mails: Arc::default(), logins: Arc::default(), refusals: Arc::default() };
        let serving = sink.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let sink = serving.clone();
                tokio::spawn(async move { sink.talk(stream).await });
            }
        });
        sink
    }

    pub fn reject_next_mail(&self, reply: &'static str) {
        self.refusals.lock().unwrap().push_back(reply);
    }

    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }

    pub fn logins(&self) -> Vec<String> {
        self.logins.lock().unwrap().clone()
    }

    async fn talk(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 sink\r\n").await?;
        let (mut from, mut to) = (String::new(), Vec::new());
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let (verb, rest) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
            let reply = match verb.to_ascii_uppercase().as_str() {
                "EHLO" => "250-sink\r\n250 AUTH PLAIN",
                "RSET" | "NOOP" => "250 sink",
                "AUTH" => {
                    self.logins.lock().unwrap().push(rest.trim_start_matches("PLAIN ").to_owned());
                    "235 welcome"
                }
                "MAIL" => {
                    from = rest.to_owned();
                    self.refusals.lock().unwrap().pop_front().unwrap_or("250 go on")
                }
                "RCPT" => {
                    to.push(rest.to_owned());
                    "250 go on"
                }
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await?;
                    let data = read_data(&mut stream).await?;
                    let mail = Mail { from: std::mem::take(&mut from), to: std::mem::take(&mut to), data };
                    self.mails.lock().unwrap().push(mail);
                    "250 taken"
                }
                "QUIT" => {
                    stream.write_all(b"221 bye\r\n").await?;
                    return Ok(());
                }
                _ => "502 what",
            };
            stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
        }
    }
}

/// Reads DATA up to the line with a single dot and removes the dots that were added to other lines (RFC 5321, 4.5.2).
async fn read_data(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut data = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 || line == ".\r\n" {
            return Ok(data);
        }
        data += line.strip_prefix('.').unwrap_or(&line);
    }
}
