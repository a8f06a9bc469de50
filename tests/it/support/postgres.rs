//! PostgreSQL for the tests: the server at TEST_POSTGRES_URL, or a temporary cluster from this machine's binaries that
//! lives as long as the test process.

use std::io::{Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

use candor::db::Db;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tempfile::TempDir;

/// Creates a cluster in the folder $1 with the binaries in $2, prints `ready`, and obeys `stop` and `start` until the
/// test process closes the pipe; then it stops and removes the cluster. PostgreSQL refuses to run as root, so root
/// becomes the user `postgres`. Syncing is off, because the data is temporary.
const CLUSTER: &str = r#"
home=$1 bin=$2
as_postgres() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
cd "$home" || exit 1
if [ "$(id -u)" = 0 ]; then chown postgres "$home" || exit 1; fi
settings="-k $home -h '' -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=400"
control() { as_postgres "$bin/pg_ctl" -D "$home/data" "$@" >>"$home/log" 2>&1 </dev/null; }
start() { control -o "$settings" -l "$home/server.log" -w -t 60 start && echo ready; }
as_postgres "$bin/initdb" -D "$home/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$home/log" 2>&1 </dev/null &&
  start || { cat "$home/log" "$home/server.log" >&2; rm -rf "$home"; exit 1; }
while read -r word; do
  case $word in
    stop) control -m fast stop && echo stopped ;;
    start) start ;;
  esac
done
control -m immediate stop
rm -rf "$home"
"#;

/// Runs PgBouncer in transaction mode in the folder $1 before the server whose socket is in $2, until the test process
/// closes the pipe.
const POOLER: &str = r#"
home=$1
printf '%s\n' '[databases]' "* = host=$2 user=postgres" '[pgbouncer]' 'listen_addr =' 'listen_port = 5432' \
  "unix_socket_dir = $home" 'auth_type = any' 'pool_mode = transaction' 'default_pool_size = 4' 'max_client_conn = 2000' \
  'server_idle_timeout = 5' "logfile = $home/log" >"$home/pooler.ini"
chmod 755 "$home"
PATH=$PATH:/usr/sbin
if [ "$(id -u)" = 0 ]; then
  chown -R postgres "$home"
  setpriv --reuid postgres --clear-groups pgbouncer -q "$home/pooler.ini" &
else
  pgbouncer -q "$home/pooler.ini" &
fi
pooler=$!
until [ -S "$home/.s.PGSQL.5432" ]; do kill -0 $pooler || exit 1; sleep 0.1; done
echo ready
cat >/dev/null
kill $pooler
rm -rf "$home"
"#;

/// The database that is copied for each test.
const TEMPLATE: &str = "candor_template";

pub struct Database {
    pub url: String,
    name: String,
}

impl Database {
    /// A migrated, empty database; none if there is no server.
    pub async fn migrated() -> Option<Self> {
        let server = server()?;
        if server.has_template {
            return Some(Self::create(server, &format!(" template {TEMPLATE} strategy file_copy")).await);
        }
        let database = Self::create(server, "").await;
        migrate(&database.url).await;
        Some(database)
    }

    /// A database without tables; none if there is no server.
    #[allow(dead_code, reason = "only the tests of migrations begin with nothing")]
    pub async fn empty() -> Option<Self> {
        Some(Self::create(server()?, "").await)
    }

    pub fn dump_if_failing(&self) {
        if let Some(bin) = binaries() {
            super::failure::dump_postgres(&bin, &self.url);
        }
    }

    async fn create(server: &'static Server, options: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("candor_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        server.run(&format!("create database {name}{options}")).await;
        Self { url: server.client_address(&name), name }
    }
}

impl Drop for Database {
    /// Only a shared server needs this; our own cluster is removed as a whole.
    fn drop(&mut self) {
        let Some(server) = SERVER.get().and_then(Option::as_ref).filter(|server| !server.has_template) else { return };
        let drop = format!("drop database if exists {} with (force)", self.name);
        // A runtime can't be entered within a runtime, and a test may be dropped in one.
        let _ = std::thread::spawn(move || runtime().block_on(server.run(&drop))).join();
    }
}

static SERVER: OnceLock<Option<Server>> = OnceLock::new();

struct Server {
    /// The server's address, with `{}` for the database name.
    url: url::Url,
    /// Whether it is our own cluster, with a migrated database to copy.
    has_template: bool,
    /// The address of a pooler before it, if the tests run through one.
    pooled: Option<(url::Url, Child)>,
    /// The script of our own cluster, which runs until this end of its pipe closes.
    _script: Option<Child>,
}

impl Server {
    fn address(&self, database: &str) -> String {
        let mut url = self.url.clone();
        url.set_path(database);
        url.into()
    }

    /// Where the tests connect.
    fn client_address(&self, database: &str) -> String {
        let Some((pooled, _)) = &self.pooled else { return self.address(database) };
        let mut url = pooled.clone();
        url.set_path(database);
        url.into()
    }

    async fn run(&self, statement: &str) {
        let mut connection = PgConnection::connect(self.url.as_str()).await.expect("a connection to PostgreSQL");
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.expect(statement);
        connection.close().await.expect("the connection ends");
    }
}

/// Starts the server on first use. None if this machine has no PostgreSQL, unless CANDOR_REQUIRE_POSTGRES is set: then
/// it panics.
fn server() -> Option<&'static Server> {
    let server = SERVER.get_or_init(|| match std::env::var("TEST_POSTGRES_URL") {
        Ok(url) => Some(Server {
            url: url.parse().expect("TEST_POSTGRES_URL"),
            has_template: false,
            pooled: None,
            _script: None,
        }),
        Err(_) => binaries().map(|bin| start(&bin)),
    });
    if server.is_none() {
        let required = std::env::var("CANDOR_REQUIRE_POSTGRES").is_ok_and(|value| value == "1");
        assert!(!required, "CANDOR_REQUIRE_POSTGRES is set, but there are no PostgreSQL binaries");
        super::skipped("no PostgreSQL binaries");
    }
    server.as_ref()
}

/// The folder of `initdb` and `pg_ctl`: on the PATH, or the newest one where Debian puts them.
fn binaries() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    versions.sort_by_key(|bin| version(bin));
    let complete = |bin: &PathBuf| ["initdb", "pg_ctl", "postgres"].iter().all(|name| bin.join(name).is_file());
    std::env::split_paths(&path).chain(versions.into_iter().rev()).find(complete)
}

fn version(bin: &Path) -> u32 {
    let name = bin.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    name.and_then(|name| name.parse().ok()).unwrap_or(0)
}

fn start(bin: &Path) -> Server {
    let (url, script) = launch(bin);
    let pooled = std::env::var("CANDOR_TEST_PGBOUNCER").is_ok_and(|value| value == "1").then(|| launch_pooler(&url));
    let server = Server { url, has_template: true, pooled, _script: Some(script) };
    let template = server.address(TEMPLATE);
    let prepare = || async {
        server.run(&format!("create database {TEMPLATE}")).await;
        migrate(&template).await;
    };
    std::thread::scope(|scope| scope.spawn(|| runtime().block_on(prepare())).join()).expect("a migrated database");
    server
}

/// A cluster that one test may stop and start; removed when dropped.
#[allow(dead_code, reason = "only one test needs it")]
pub struct Cluster {
    /// The address of its only database, which is migrated.
    pub url: String,
    script: Mutex<Child>,
}

#[allow(dead_code, reason = "only one test needs it")]
impl Cluster {
    /// None, with a message, if this machine has no PostgreSQL.
    pub async fn start() -> Option<Self> {
        let Some(bin) = binaries() else {
            super::skipped("no PostgreSQL binaries");
            return None;
        };
        let (url, script) = launch(&bin);
        migrate(url.as_str()).await;
        Some(Self { url: url.into(), script: Mutex::new(script) })
    }

    pub fn stop(&self) {
        self.send_command("stop", "stopped\n");
    }

    pub fn start_again(&self) {
        self.send_command("start", "ready\n");
    }

    fn send_command(&self, word: &str, expected: &str) {
        let mut script = self.script.lock().unwrap();
        writeln!(script.stdin.as_mut().expect("a pipe"), "{word}").expect("the script hears");
        assert_eq!(read_line(&mut script), expected);
    }
}

/// One line of the script's output, read byte by byte so that nothing after it is lost.
fn read_line(script: &mut Child) -> String {
    let (mut line, mut byte) = (Vec::new(), [0]);
    let pipe = script.stdout.as_mut().expect("a pipe");
    while !line.ends_with(b"\n") && pipe.read(&mut byte).is_ok_and(|read| read == 1) {
        line.push(byte[0]);
    }
    String::from_utf8(line).expect("text")
}

fn launch(bin: &Path) -> (url::Url, Child) {
    let home: TempDir = tempfile::Builder::new().prefix("candor-pg-").tempdir().expect("a temporary folder");
    let mut child = Command::new("sh")
        .args(["-c", CLUSTER, "cluster"])
        .args([home.path(), bin])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // A separate process group: Ctrl+C ends the tests, and then the script stops the cluster.
        .process_group(0)
        .spawn()
        .expect("sh");
    assert_eq!(read_line(&mut child), "ready\n", "PostgreSQL did not start");
    // The script removes the folder, even if this process is killed.
    let home = home.keep();
    let socket = home.display().to_string().replace('/', "%2F");
    let url = format!("postgres://postgres@localhost/postgres?host={socket}").parse().expect("an address");
    (url, child)
}

/// CANDOR_TEST_PGBOUNCER=1 runs the tests through PgBouncer. Panics if there is none.
fn launch_pooler(server: &url::Url) -> (url::Url, Child) {
    let (_, socket) = server.query_pairs().find(|(name, _)| name == "host").expect("the socket of our own cluster");
    let home = tempfile::Builder::new().prefix("candor-pooler-").tempdir().expect("a temporary folder").keep();
    let mut child = Command::new("sh")
        .args(["-c", POOLER, "pooler"])
        .arg(&home)
        .arg(&*socket)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .expect("sh");
    assert_eq!(read_line(&mut child), "ready\n", "CANDOR_TEST_PGBOUNCER is set, but PgBouncer did not start");
    let socket = home.display().to_string().replace('/', "%2F");
    let url = format!("postgres://postgres@localhost/postgres?host={socket}&statement-cache-capacity=0");
    (url.parse().expect("an address"), child)
}

async fn migrate(url: &str) {
    let db = Db::at(url).expect("an address");
    db.prepare(super::now()).await.expect("migrations");
    db.close().await;
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}
