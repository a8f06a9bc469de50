//! A manager who posts updates with the form and measures when visitors see them.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use candor::clock::Clock;
use candor::db::sessions::{self, Session};
use candor::db::{self, Db, incidents, managers};
use candor::domain::forms::NewManager;
use candor::domain::{Incident, IncidentId, Role};
use candor::web;

use crate::client::Connection;

/// The publishing time above which the bench fails.
const PATIENCE: Duration = Duration::from_secs(10);

pub struct PublishingBench {
    db: Db,
    cookie: String,
    address: SocketAddr,
    incident: IncidentId,
    posted: usize,
    stirred: bool,
}

impl PublishingBench {
    /// Creates a manager with a session in the database of the server at `address`, without the login form.
    pub async fn log_in(db: &Db, address: SocketAddr, clock: &Clock) -> anyhow::Result<Self> {
        let now = clock.now();
        let id = tower_sessions::session::Id(i128::from_be_bytes(candor::credentials::random_bytes()));
        let mut tx = db.write().await?;
        let email = format!("{id}@tidewater.example");
        let new = NewManager { email, name: "Bench".into(), role: Role::Publisher };
        let manager = managers::create(&mut tx, new, None, now).await?;
        let session = Session {
            id_hash: web::access::session::hash_id(id),
            manager_id: Some(manager.id.to_string()),
            data: serde_json::json!({ "manager": manager.id }).to_string(),
            address: "127.0.0.1".into(),
            user_agent: "bench".into(),
            created_at: now,
            last_seen_at: now,
        };
        sessions::insert(&mut tx, &session).await?;
        let open = incidents::list_open(&mut tx).await?;
        tx.commit_unaudited().await?;
        let incident = open.first().context("the sample has an open incident")?.id.clone();
        Ok(Self { db: db.clone(), cookie: format!("sid={id}"), address, incident, posted: 0, stirred: false })
    }

    /// Posts an update; returns the time from sending the form until `/` shows it.
    pub async fn publish(&mut self) -> anyhow::Result<Duration> {
        let incident = self.incident().await?;
        self.posted += 1;
        let text = format!("Rebuilt strip number {:06}", self.posted);
        let body = text.replace(' ', "+");
        let form = format!("phase=identified&version={}&body={body}", incident.version);
        let (mut manager, mut visitor) = (Connection::open(self.address).await?, Connection::open(self.address).await?);
        let begun = Instant::now();
        self.post(&mut manager, "updates", &form).await?;
        while !visitor.get("/", &[]).await?.text().contains(&text) {
            ensure!(begun.elapsed() < PATIENCE, "what was posted does not show");
        }
        Ok(begun.elapsed())
    }

    /// Posts an update and deletes it at the next call.
    pub async fn change(&mut self) -> anyhow::Result<()> {
        if std::mem::take(&mut self.stirred) {
            return self.take_back().await;
        }
        self.stirred = true;
        self.publish().await.map(drop)
    }

    /// Deletes the newest update, so that the page does not grow with every round.
    pub async fn take_back(&self) -> anyhow::Result<()> {
        let incident = self.incident().await?;
        let newest = incident.newest_update().context("an update")?;
        let mut manager = Connection::open(self.address).await?;
        let form = format!("version={}", newest.version);
        self.post(&mut manager, &format!("updates/{}/deletion", newest.id), &form).await
    }

    async fn post(&self, manager: &mut Connection, what: &str, form: &str) -> anyhow::Result<()> {
        let path = format!("/admin/incidents/{}/{what}", self.incident);
        let headers = [("cookie", self.cookie.as_str()), ("sec-fetch-site", "same-origin")];
        let answer = manager.post(&path, &headers, form).await?;
        ensure!(answer.status == 303, "{path}: {} {}", answer.status, answer.text());
        Ok(())
    }

    async fn incident(&self) -> db::Result<Incident> {
        incidents::find(&mut self.db.read().await?, &self.incident).await
    }
}
