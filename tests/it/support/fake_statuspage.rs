//! A status page on loopback with the answers that a test sets.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

#[derive(Clone, Debug)]
pub enum FakeResponse {
    Text(String),
    Status(u16, &'static str),
    /// A document of this many bytes, which exceeds the limit.
    Long(usize),
    /// A document that never ends.
    Drip,
}

pub type Answer = fn(&str) -> FakeResponse;

pub struct FakeStatuspage {
    pub url: Url,
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    /// By path and query: answers are given in turn, the last one repeatedly.
    answers: Mutex<HashMap<String, Vec<FakeResponse>>>,
    /// The answer to all other paths.
    otherwise: Mutex<Option<Answer>>,
    asked: Mutex<Vec<String>>,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
}

impl FakeStatuspage {
    pub fn new() -> Self {
        Self::at("127.0.0.1")
    }

    /// It runs on its own thread, so that a test can block while it waits for a program that sends requests.
    pub fn at(address: &str) -> Self {
        let listener = std::net::TcpListener::bind((address, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let inner = Arc::new(Inner::default());
        let serving = inner.clone();
        std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, serving.clone()));
                }
            });
        });
        Self { url, inner }
    }

    /// Answers `path` with these in turn.
    pub fn respond(&self, path: &str, answers: Vec<FakeResponse>) {
        self.inner.answers.lock().unwrap().insert(path.to_owned(), answers);
    }

    pub fn serve_document(&self, path: &str, document: impl ToString) {
        self.respond(path, vec![FakeResponse::Text(document.to_string())]);
    }

    pub fn respond_otherwise(&self, answer: Answer) {
        *self.inner.otherwise.lock().unwrap() = Some(answer);
    }

    /// The requests since the last call, each with its token.
    pub fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.inner.asked.lock().unwrap())
    }

    pub fn max_concurrent(&self) -> usize {
        self.inner.most_at_once.load(Ordering::SeqCst)
    }
}

async fn serve(mut stream: TcpStream, inner: Arc<Inner>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap().to_owned();
    let token = head.lines().find_map(|line| line.strip_prefix("authorization: ")).unwrap_or_default();
    inner.asked.lock().unwrap().push(format!("{path} {token}").trim_end().to_owned());
    let now = inner.at_once.fetch_add(1, Ordering::SeqCst) + 1;
    inner.most_at_once.fetch_max(now, Ordering::SeqCst);
    let answer = next(&inner, &path);
    // The client may have disconnected.
    let _ = answer_with(&mut stream, answer).await;
    inner.at_once.fetch_sub(1, Ordering::SeqCst);
}

fn next(inner: &Inner, path: &str) -> FakeResponse {
    let mut answers = inner.answers.lock().unwrap();
    match answers.get_mut(path) {
        Some(all) if all.len() > 1 => all.remove(0),
        Some(all) => all[0].clone(),
        None => inner.otherwise.lock().unwrap().map_or(FakeResponse::Status(404, ""), |answer| answer(path)),
    }
}

async fn answer_with(stream: &mut TcpStream, answer: FakeResponse) -> std::io::Result<()> {
    let head = |status: u16, length: usize, header: &str| {
        let header = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
        format!("HTTP/1.1 {status} X\r\n{header}content-length: {length}\r\nconnection: close\r\n\r\n")
    };
    match answer {
        FakeResponse::Text(text) => stream.write_all((head(200, text.len(), "") + &text).as_bytes()).await,
        FakeResponse::Status(status, header) => stream.write_all(head(status, 0, header).as_bytes()).await,
        FakeResponse::Long(length) => {
            stream.write_all(head(200, length, "").as_bytes()).await?;
            let piece = vec![b' '; 64 * 1024];
            for _ in 0..length / piece.len() {
                stream.write_all(&piece).await?;
            }
            Ok(())
        }
        FakeResponse::Drip => {
            stream.write_all(head(200, 1000, "").as_bytes()).await?;
            loop {
                stream.write_all(b" ").await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}
