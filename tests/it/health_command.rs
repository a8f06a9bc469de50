//! `candor health` against real listeners.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use candor::server::connection_limits::ConnectionLimits;
use rcgen::{CertificateParams, KeyPair};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixListener};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::support::TestDb;
use crate::support::server::Server;

const WELL: &str = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nok\n";

/// Exit code, output and error output.
async fn health(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_candor"));
    command.arg("health").args(arguments).env_clear().stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let [text, error] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (output.status.code(), text, error)
}

/// Reads a request and sends `answer`.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &str) {
    let mut request = [0; 4096];
    let _ = stream.read(&mut request).await;
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

#[apply(on_both_databases!)]
async fn running_server_is_well(test: TestDb) {
    let data = tempfile::tempdir().unwrap();
    let server = Server::published(&test.url, &test.clock, ConnectionLimits::default(), &data).await;
    let address = server.address.to_string();
    let (code, text, error) = health(&["--listen", &address]).await;
    assert_eq!((code, text), (Some(0), format!("{address} is well.\n")), "{error}");
    let everywhere = format!("0.0.0.0:{}", server.address.port());
    assert_eq!(health(&["--listen", &everywhere]).await.0, Some(0));
    let url = format!("http://{address}/some/path");
    assert_eq!(health(&["--url", &url]).await.0, Some(0));
}

#[tokio::test]
async fn absent_and_unwell_servers_are_failures() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(answer(stream, "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\r\nno page yet\n"));
        }
    });
    let (code, _, error) = health(&["--listen", &address]).await;
    assert_eq!((code, error), (Some(1), format!("{address} answers 503: no page yet\n")));
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let (code, _, error) = health(&["--listen", &free]).await;
    assert!(code == Some(1) && error.contains("Connection refused"), "{error}");
}

#[tokio::test]
async fn silent_server_fails_after_three_seconds() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let begun = Instant::now();
    let (code, _, error) = health(&["--listen", &listener.local_addr().unwrap().to_string()]).await;
    assert_eq!(code, Some(1), "{error}");
    assert!((Duration::from_secs(3)..Duration::from_secs(15)).contains(&begun.elapsed()), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn server_on_a_unix_socket_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("candor.sock");
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move { answer(listener.accept().await.unwrap().0, WELL).await });
    let (code, text, error) = health(&["--listen", &format!("unix:{}", path.display())]).await;
    assert_eq!(code, Some(0), "{error}");
    assert!(text.starts_with("unix:/"), "{text}");
}

#[tokio::test]
async fn server_with_tls_is_asked_whatever_its_certificate() {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["status.example.org".to_owned()]).unwrap().self_signed(&key).unwrap();
    let private = key.serialize_der().try_into().unwrap();
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![certificate.der().clone()], private).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                answer(stream, WELL).await;
            }
        }
    });
    let (code, _, error) = health(&["--listen", &address]).await;
    assert_eq!(code, Some(0), "{error}");
    let (code, _, error) = health(&["--url", &format!("https://{address}")]).await;
    assert!(code == Some(1) && error.contains("certificate"), "a URL is asked as visitors do: {error}");
}
