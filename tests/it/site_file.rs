//! The Site file: written atomically even if its writer is killed, and rejected if damaged.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use axum::http::StatusCode;
use candor::publish::{Publisher, Site};
use candor::server::connection_limits::ConnectionLimits;

use crate::support::app::{ORIGIN, TestApp};
use crate::support::server::{Server, until};
use crate::support::{TestDb, fixtures};
use crate::web_hostile::listen;

/// The environment variable with the writer's folder.
const FOLDER: &str = "CANDOR_TEST_STORED";
const KILLS: u32 = 15;

/// The writer process: started by the next test, it stores Sites until it is killed.
#[test]
#[ignore = "the test below starts it as a process of its own"]
fn endless_site_writer() {
    let folder = PathBuf::from(std::env::var_os(FOLDER).expect("the folder"));
    let sites = ["one", "two"].map(|name| Site::read(&folder.join(name)).unwrap());
    println!("\nit begins");
    for site in sites.iter().cycle() {
        site.store(&folder.join("site")).unwrap();
    }
}

/// Starts the writer and waits until it writes.
fn start_writer(folder: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "site_file::endless_site_writer", "--ignored", "--nocapture"]);
    let mut child = command.env(FOLDER, folder).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "it begins"), "the writer begins");
    child
}

/// The temporary files of killed writers.
fn unfinished_files(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(".site-unfinished-")).collect()
}

#[tokio::test]
async fn killed_writer_leaves_a_complete_site() {
    let app = TestApp::new(TestDb::sqlite().await).await;
    let (folder, publisher) = (tempfile::tempdir().unwrap(), &app.publisher);
    let [file, one, two] = ["site", "one", "two"].map(|name| folder.path().join(name));
    publisher.site().store(&one).unwrap();
    publisher.site().store(&file).unwrap();
    let first = publisher.site();
    app.add(&[fixtures::incident("it", app.clock.now())]).await;
    let second = publisher.site();
    second.store(&two).unwrap();
    assert!(first.revision < second.revision);
    let mut torn = 0;
    for time in 1..=KILLS {
        let mut child = start_writer(folder.path());
        std::thread::sleep(Duration::from_micros(731) * time);
        child.kill().unwrap();
        child.wait().unwrap();
        let site = Site::read(&file).expect("a whole Site");
        let written =
            [&first, &second].into_iter().find(|written| written.revision == site.revision).expect("one of them");
        let page = |site: &Site| site.document("/").unwrap().etag(candor::publish::Encoding::Plain).to_owned();
        assert_eq!((page(&site), site.pages().count()), (page(written), written.pages().count()));
        torn = torn.max(unfinished_files(folder.path()).len());
    }
    assert!(torn > 0, "no writer was killed while it wrote");
    // The next start serves the stored Site. It deletes old temporary files and keeps new ones: another process may be
    // writing them.
    let start = || Publisher::new(app.db.clone(), app.clock.clone(), ORIGIN.to_owned(), file.clone());
    assert!(start().site().revision >= first.revision);
    assert_eq!(unfinished_files(folder.path()).len(), torn);
    let long_ago = std::fs::metadata(&file).unwrap().modified().unwrap() - Duration::from_secs(3600);
    for path in unfinished_files(folder.path()) {
        std::fs::File::options().write(true).open(path).unwrap().set_modified(long_ago).unwrap();
    }
    start();
    assert_eq!((unfinished_files(folder.path()), file.exists()), (vec![], true));
}

#[tokio::test]
async fn corrupt_stored_site_is_rejected_and_logged() {
    let app = TestApp::new(TestDb::sqlite().await).await;
    let (log, file) = (listen(), app.site_file());
    let whole = std::fs::read(&file).unwrap();
    let start = || Publisher::new(app.db.clone(), app.clock.clone(), ORIGIN.to_owned(), file.clone());
    assert!(start().site().revision > 0);
    assert_eq!(log.text(), "", "nothing is wrong with it");
    let flipped = (0..64).map(|part| part * (whole.len() - 1) / 63).map(|at| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x20;
        (format!("with another byte {at}"), bytes)
    });
    let cut = [0, 1, 33, whole.len() / 2, whole.len() - 1]
        .map(|length| (format!("{length} bytes"), whole[..length].to_vec()));
    let longer = ("with a byte more".to_owned(), [whole.as_slice(), b"x"].concat());
    let other = ("of another version".to_owned(), [&[5], &whole[1..]].concat());
    for (what, bytes) in flipped.chain(cut).chain([longer, other]) {
        std::fs::write(&file, bytes).unwrap();
        let before = log.text().len();
        assert_eq!(start().site().revision, 0, "a Site {what} is used");
        let lines = log.text().split_off(before);
        assert_eq!(lines.matches("the stored page can't be used").count(), 1, "{what}: {lines}");
    }
    std::fs::remove_file(&file).unwrap();
    let before = log.text().len();
    assert_eq!(start().site().revision, 0);
    assert_eq!(log.text().len(), before, "a first start has nothing to say");
}

#[apply(on_both_databases!)]
async fn start_from_damaged_site_recovers(test: TestDb) {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("site");
    std::fs::write(&file, [7; 5000]).unwrap();
    let server = Server::published(&test.url, &test.clock, ConnectionLimits::default(), &data).await;
    let answer = server.answer("GET / HTTP/1.1\r\nhost: HOST\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with(&format!("HTTP/1.1 {}", StatusCode::OK)), "{answer}");
    until("it is stored", || Site::read(&file).is_ok()).await;
    assert_eq!(Site::read(&file).unwrap().revision, server.state.publisher.site().revision);
}
