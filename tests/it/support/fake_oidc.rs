//! An identity provider on its own port; a test makes it answer correctly or maliciously.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use candor::clock::Clock;
use candor::domain::oidc_roles::ProviderFactor;
use candor::oidc::{Provider, ProviderSettings};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use url::Url;

use super::app::ORIGIN;

/// Candor's client id and client secret.
pub const CLIENT: &str = "candor";
pub const SECRET: &str = "a secret between the two";

#[derive(Clone, Debug)]
pub struct Person {
    pub subject: String,
    pub email: String,
    pub verified: bool,
    pub groups: Vec<&'static str>,
    pub methods: Vec<&'static str>,
}

impl Person {
    /// A person with the address NAME@example.org, in `groups`.
    pub fn named(name: &str, groups: &[&'static str]) -> Self {
        let email = format!("{}@example.org", name.to_lowercase());
        Self { subject: format!("sub-{name}"), email, verified: true, groups: groups.to_vec(), methods: vec!["pwd"] }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signing {
    #[default]
    Ours,
    /// A key that is not in the provider's key set, with the id of one that is.
    Strangers,
    /// "alg": "none".
    Nothing,
    /// HS256 with the provider's published public key.
    PublicKey,
    /// HS256 with the client secret.
    ClientSecret,
}

type TokenChange = Arc<dyn Fn(&mut Value) + Send + Sync>;

#[derive(Clone)]
pub struct FakeProvider {
    pub url: String,
    clock: Clock,
    known: Arc<Mutex<Known>>,
}

struct Known {
    key: SigningKey,
    key_id: u32,
    signing: Signing,
    change: TokenChange,
    /// Whether the token contains address and groups; otherwise only the userinfo document does.
    claims_in_token: bool,
    grants: HashMap<String, Grant>,
    /// How many codes were exchanged or rejected.
    code_exchanges: usize,
    issued_tokens: Vec<String>,
    access_tokens: HashMap<String, Person>,
}

struct Grant {
    person: Person,
    nonce: String,
    challenge: String,
    redirect: String,
}

impl FakeProvider {
    pub async fn open(clock: &Clock) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let known = Known {
            key: new_key(),
            key_id: 1,
            signing: Signing::Ours,
            change: Arc::new(|_| ()),
            claims_in_token: true,
            grants: HashMap::new(),
            code_exchanges: 0,
            issued_tokens: Vec::new(),
            access_tokens: HashMap::new(),
        };
        let issuer = Self { url, clock: clock.clone(), known: Arc::new(Mutex::new(known)) };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .route("/person", get(person))
            .with_state(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        issuer
    }

    /// Candor's settings for this provider.
    pub fn settings(&self) -> ProviderSettings {
        let rules = ["domain:example.org=viewer", "group:writers=publisher", "group:owners=owner"];
        ProviderSettings {
            issuer: self.url.clone(),
            client_id: CLIENT.into(),
            client_secret: Some(SECRET.into()),
            name: "Harbour ID".into(),
            rules: rules.iter().map(|rule| rule.parse().unwrap()).collect(),
            groups_claim: "groups".into(),
            scopes: vec!["groups".into()],
            second_factor: ProviderFactor::ByClaims,
        }
    }

    /// Candor's client of this provider.
    pub fn provider(&self) -> Provider {
        Provider::new(self.settings(), ORIGIN).unwrap()
    }

    /// The person logs in at `address`; returns what the browser brings back.
    pub fn authorize(&self, address: &str, person: &Person) -> Answer {
        let asked: HashMap<String, String> = Url::parse(address).unwrap().query_pairs().into_owned().collect();
        assert!(address.starts_with(&format!("{}/authorize?", self.url)), "{address}");
        assert_eq!((&*asked["response_type"], &*asked["client_id"]), ("code", CLIENT));
        assert_eq!(asked["code_challenge_method"], "S256");
        assert_eq!(asked["scope"], "openid email profile groups");
        let code = candor::credentials::secret_token::fresh_token();
        let grant = Grant {
            person: person.clone(),
            nonce: asked["nonce"].clone(),
            challenge: asked["code_challenge"].clone(),
            redirect: asked["redirect_uri"].clone(),
        };
        self.known.lock().unwrap().grants.insert(code.clone(), grant);
        Answer { code, state: asked["state"].clone(), issuer: self.url.clone() }
    }

    pub fn token_requests(&self) -> usize {
        self.known.lock().unwrap().code_exchanges
    }

    /// Every issued token, both access and id tokens.
    pub fn issued_tokens(&self) -> Vec<String> {
        self.known.lock().unwrap().issued_tokens.clone()
    }

    pub fn sign_with(&self, signing: Signing) {
        self.known.lock().unwrap().signing = signing;
    }

    pub fn change_claims(&self, change: impl Fn(&mut Value) + Send + Sync + 'static) {
        self.known.lock().unwrap().change = Arc::new(change);
    }

    pub fn omit_claims_from_token(&self) {
        self.known.lock().unwrap().claims_in_token = false;
    }

    pub fn rotate_key(&self) {
        let mut known = self.known.lock().unwrap();
        known.key = new_key();
        known.key_id += 1;
    }
}

/// The parameters of the redirect back to Candor.
#[derive(Clone, Debug)]
pub struct Answer {
    pub code: String,
    pub state: String,
    pub issuer: String,
}

impl Answer {
    pub fn address(&self) -> String {
        let pairs = [("code", &self.code), ("state", &self.state), ("iss", &self.issuer)];
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        format!("/login/oidc/callback?{query}")
    }
}

async fn discovery(State(issuer): State<FakeProvider>) -> Json<Value> {
    let at = |path: &str| format!("{}/{path}", issuer.url);
    Json(json!({
        "issuer": issuer.url,
        "authorization_endpoint": at("authorize"),
        "token_endpoint": at("token"),
        "userinfo_endpoint": at("person"),
        "jwks_uri": at("keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

async fn keys(State(issuer): State<FakeProvider>) -> Json<Value> {
    let known = issuer.known.lock().unwrap();
    Json(json!({ "keys": [public_key(&known.key, known.key_id)] }))
}

async fn token(
    State(issuer): State<FakeProvider>,
    headers: HeaderMap,
    Form(asked): Form<HashMap<String, String>>,
) -> Response {
    let refuse = || (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))).into_response();
    assert!(headers["authorization"].to_str().unwrap().starts_with("Basic "));
    let now = issuer.clock.now().timestamp();
    let mut known = issuer.known.lock().unwrap();
    known.code_exchanges += 1;
    let Some(grant) = known.grants.remove(&asked["code"]) else { return refuse() };
    let challenge = encode(&Sha256::digest(&asked["code_verifier"]));
    if challenge != grant.challenge || asked["redirect_uri"] != grant.redirect {
        return refuse();
    }
    let access = candor::credentials::secret_token::fresh_token();
    let person = grant.person;
    let mut claims = json!({
        "iss": issuer.url, "sub": person.subject, "aud": CLIENT, "nonce": grant.nonce,
        "iat": now, "exp": now + 300, "auth_time": now, "amr": person.methods,
        "at_hash": encode(&Sha256::digest(&access)[..16]),
    });
    if known.claims_in_token {
        for (name, value) in person_claims(&person).as_object().unwrap() {
            claims[name] = value.clone();
        }
    }
    (known.change.clone())(&mut claims);
    let signed = known.sign(&claims);
    known.issued_tokens.extend([access.clone(), signed.clone()]);
    known.access_tokens.insert(access.clone(), person);
    Json(json!({ "access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": signed }))
        .into_response()
}

async fn person(State(issuer): State<FakeProvider>, headers: HeaderMap) -> Response {
    let token = headers["authorization"].to_str().unwrap().strip_prefix("Bearer ").unwrap();
    match issuer.known.lock().unwrap().access_tokens.get(token) {
        Some(person) => Json(person_claims(person)).into_response(),
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}

fn person_claims(person: &Person) -> Value {
    json!({
        "sub": person.subject, "email": person.email, "email_verified": person.verified,
        "name": person.subject.trim_start_matches("sub-"), "groups": person.groups,
    })
}

impl Known {
    fn sign(&self, claims: &Value) -> String {
        let (algorithm, by) = match self.signing {
            Signing::Ours | Signing::Strangers => ("ES256", json!(self.key_id.to_string())),
            Signing::Nothing => ("none", Value::Null),
            Signing::PublicKey | Signing::ClientSecret => ("HS256", Value::Null),
        };
        let mut head = json!({ "alg": algorithm, "typ": "JWT" });
        if !by.is_null() {
            head["kid"] = by;
        }
        let text = format!("{}.{}", encode(head.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
        let by_key = |key: &SigningKey| -> Vec<u8> {
            let signature: Signature = key.sign(text.as_bytes());
            signature.to_bytes().to_vec()
        };
        let signature = match self.signing {
            Signing::Ours => by_key(&self.key),
            Signing::Strangers => by_key(&new_key()),
            Signing::Nothing => Vec::new(),
            Signing::PublicKey => hmac(public_key(&self.key, self.key_id).to_string().as_bytes(), text.as_bytes()),
            Signing::ClientSecret => hmac(SECRET.as_bytes(), text.as_bytes()),
        };
        format!("{text}.{}", encode(&signature))
    }
}

fn new_key() -> SigningKey {
    SigningKey::from_slice(&candor::credentials::random_bytes::<32>()).expect("a key")
}

fn public_key(key: &SigningKey, id: u32) -> Value {
    let point = key.verifying_key().to_sec1_point(false);
    let (x, y) = (encode(point.x().expect("x")), encode(point.y().expect("y")));
    json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": id.to_string(), "x": x, "y": y })
}

/// HMAC with SHA-256 (RFC 2104).
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let key = if key.len() > 64 { Sha256::digest(key).to_vec() } else { key.to_vec() };
    let padded = |pad: u8| -> Vec<u8> { (0..64).map(|i| key.get(i).copied().unwrap_or(0) ^ pad).collect() };
    let inner = Sha256::digest([&padded(0x36), text].concat());
    Sha256::digest([&padded(0x5c)[..], &inner].concat()).to_vec()
}

fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
