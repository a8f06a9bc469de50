//! Messages of Amazon SNS: their signature, the certificate that made it, and the confirmation of a subscription. Topic
//! and region come from the operator's list: no other topic is accepted, and no other host is asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::Request;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RsaParameters, UnparsedPublicKey,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::server::ParsedCertificate;
use serde::Deserialize;
use url::Url;

use super::{HookError, MAX_AGE, parse_json, ses};
use crate::net::http_client::{HttpClient, ResponseLimits};
use crate::notify::bounce::Bounce;

const LIMITS: ResponseLimits = ResponseLimits { time: Duration::from_secs(10), size: 64 * 1024 };
/// Certificates that are read in [`READS_WINDOW`]; a region has one or two.
const MAX_READS: u32 = 20;
const READS_WINDOW: TimeDelta = TimeDelta::hours(1);

/// The ARN of a topic that the operator allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TopicArn {
    text: String,
    /// The only host that its certificates and confirmations may come from.
    host: String,
}

/// What a message asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum SnsAction {
    Bounces(Vec<Bounce>),
    /// The topic was subscribed to; its subscription is confirmed.
    Confirmed,
    /// Nothing: the end of a subscription.
    Ignored,
}

/// Reads certificates from SNS and confirms subscriptions there.
#[derive(Clone)]
pub enum SnsClient {
    Https {
        client: HttpClient,
        certificates: Arc<Mutex<Certificates>>,
    },
    /// For tests.
    Stored(StoredAnswers),
}

/// Answers by URL, and the URLs that were requested.
#[derive(Clone, Default)]
pub struct StoredAnswers(Arc<Mutex<AnswersAndRequests>>);

type AnswersAndRequests = (BTreeMap<String, String>, Vec<String>);

/// Certificates that were read, by URL.
#[derive(Default)]
pub struct Certificates {
    known: BTreeMap<String, Arc<str>>,
    window: Option<DateTime<Utc>>,
    reads: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SnsMessage {
    #[serde(rename = "Type")]
    kind: String,
    message_id: String,
    topic_arn: String,
    message: String,
    subject: Option<String>,
    timestamp: String,
    token: Option<String>,
    #[serde(rename = "SubscribeURL")]
    subscribe_url: Option<String>,
    signature_version: String,
    signature: String,
    #[serde(rename = "SigningCertURL")]
    certificate_url: String,
}

pub(super) async fn read_message(
    topics: &[TopicArn],
    client: &SnsClient,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<SnsAction, HookError> {
    let message: SnsMessage =
        serde_json::from_slice(body).map_err(|_| HookError::Malformed("The body is not a message of SNS."))?;
    let topic = topics.iter().find(|topic| topic.text == message.topic_arn);
    let topic = topic.ok_or(HookError::Unproven("The topic is not allowed. Add its ARN to --ses-topics."))?;
    let signed_at = DateTime::parse_from_rfc3339(&message.timestamp);
    let signed_at = signed_at.map_err(|_| HookError::Malformed("The timestamp is not a time."))?;
    if (now - signed_at.to_utc()).abs() > MAX_AGE {
        return Err(HookError::Unproven("The message is too old."));
    }
    let certificate_url = topic.certificate_url(&message.certificate_url)?;
    let certificate = client.read_certificate(&certificate_url, now).await?;
    verify_signature(&message, &certificate)?;
    match message.kind.as_str() {
        "Notification" => Ok(SnsAction::Bounces(ses::read_notification(&parse_json(message.message.as_bytes())?))),
        "SubscriptionConfirmation" => {
            let url = topic.confirmation_url(message.subscribe_url.as_deref().unwrap_or_default())?;
            client.request(&url).await?;
            Ok(SnsAction::Confirmed)
        }
        _ => Ok(SnsAction::Ignored),
    }
}

impl TopicArn {
    /// Reads `arn:aws:sns:REGION:ACCOUNT:NAME`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.trim().split(':').collect();
        let ["arn", partition, "sns", region, account, name] = parts[..] else { return None };
        let is_plain = |text: &str| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        let domain = match partition {
            "aws" | "aws-us-gov" => "amazonaws.com",
            "aws-cn" => "amazonaws.com.cn",
            _ => return None,
        };
        let host = format!("sns.{region}.{domain}");
        (is_plain(region) && is_account && is_name).then(|| Self { text: text.trim().to_owned(), host })
    }

    fn certificate_url(&self, text: &str) -> Result<Url, HookError> {
        let url = self.own_url(text).filter(|url| {
            let name = url.path().strip_prefix("/SimpleNotificationService-");
            name.is_some_and(|name| name.ends_with(".pem") && !name.contains(['/', '%'])) && url.query().is_none()
        });
        url.ok_or(HookError::Unproven("The certificate is not of SNS in the topic's region."))
    }

    fn confirmation_url(&self, text: &str) -> Result<Url, HookError> {
        let is_confirmation = |url: &Url| {
            let value = |wanted: &str| {
                let mut values = url.query_pairs().filter(|(name, _)| name == wanted).map(|(_, value)| value);
                values.next().filter(|_| values.next().is_none())
            };
            let is_own_topic = value("TopicArn").is_some_and(|topic| topic == self.text.as_str());
            url.path() == "/" && is_own_topic && value("Action").is_some_and(|action| action == "ConfirmSubscription")
        };
        self.own_url(text).filter(is_confirmation).ok_or(HookError::Unproven("The confirmation is not of this topic."))
    }

    fn own_url(&self, text: &str) -> Option<Url> {
        let url = Url::parse(text).ok()?;
        let is_own = url.scheme() == "https" && url.host_str() == Some(&self.host) && url.port().is_none();
        (is_own && url.username().is_empty() && url.password().is_none()).then_some(url)
    }
}

impl SnsClient {
    /// # Errors
    /// There are no trusted root certificates.
    pub fn https() -> anyhow::Result<Self> {
        Ok(Self::Https { client: HttpClient::new([], LIMITS)?, certificates: Arc::default() })
    }

    async fn read_certificate(&self, url: &Url, now: DateTime<Utc>) -> Result<Arc<str>, HookError> {
        let Self::Https { certificates, .. } = self else { return Ok(self.request(url).await?.into()) };
        {
            let mut certificates = certificates.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = certificates.known.get(url.as_str()) {
                return Ok(known.clone());
            }
            certificates.count_read(now)?;
        }
        let certificate: Arc<str> = self.request(url).await?.into();
        let mut certificates = certificates.lock().unwrap_or_else(PoisonError::into_inner);
        certificates.known.insert(url.to_string(), certificate.clone());
        Ok(certificate)
    }

    /// The body of a successful answer.
    async fn request(&self, url: &Url) -> Result<String, HookError> {
        let client = match self {
            Self::Https { client, .. } => client,
            Self::Stored(answers) => return answers.request(url),
        };
        let unavailable = |reason: String| HookError::Unavailable(format!("SNS can't be asked right now: {reason}"));
        let request = Request::get(url.as_str()).body(Vec::new());
        let request = request.map_err(|error| unavailable(error.to_string()))?;
        let answer = client.send(request).await.map_err(|error| unavailable(error.to_string()))?;
        if !answer.status().is_success() {
            return Err(unavailable(format!("it answered {}", answer.status().as_u16())));
        }
        Ok(String::from_utf8_lossy(answer.body()).into_owned())
    }
}

impl StoredAnswers {
    pub fn with_answer(self, url: &str, body: &str) -> Self {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.insert(url.to_owned(), body.to_owned());
        self
    }

    pub fn requests(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    fn request(&self, url: &Url) -> Result<String, HookError> {
        let mut stored = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stored.1.push(url.to_string());
        stored.0.get(url.as_str()).cloned().ok_or_else(|| HookError::Unavailable("no answer is stored".to_owned()))
    }
}

impl Certificates {
    fn count_read(&mut self, now: DateTime<Utc>) -> Result<(), HookError> {
        if self.window.is_none_or(|since| (now - since).abs() >= READS_WINDOW) {
            *self = Self { window: Some(now), ..Self::default() };
        }
        self.reads += 1;
        if self.reads > MAX_READS {
            return Err(HookError::Unavailable("too many certificates were read within an hour".to_owned()));
        }
        Ok(())
    }
}

/// The signed text has the fields of a message in alphabetical order, a name and a value per line.
fn signed_text(message: &SnsMessage) -> String {
    let is_notification = message.kind == "Notification";
    let fields = [
        ("Message", Some(message.message.as_str())),
        ("MessageId", Some(message.message_id.as_str())),
        ("Subject", message.subject.as_deref().filter(|_| is_notification)),
        ("SubscribeURL", message.subscribe_url.as_deref().filter(|_| !is_notification)),
        ("Timestamp", Some(message.timestamp.as_str())),
        ("Token", message.token.as_deref().filter(|_| !is_notification)),
        ("TopicArn", Some(message.topic_arn.as_str())),
        ("Type", Some(message.kind.as_str())),
    ];
    let present = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
    present.map(|(name, value)| format!("{name}\n{value}\n")).collect()
}

fn verify_signature(message: &SnsMessage, certificate: &str) -> Result<(), HookError> {
    let algorithm: &'static RsaParameters = match message.signature_version.as_str() {
        "1" => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
        "2" => &RSA_PKCS1_2048_8192_SHA256,
        _ => return Err(HookError::Unproven("The signature is of an unknown version.")),
    };
    let wrong = HookError::Unproven("The signature is wrong.");
    let signature = BASE64_STANDARD.decode(&message.signature).map_err(|_| wrong.clone())?;
    let key = read_rsa_key(certificate).ok_or(HookError::Unproven("The certificate can't be read."))?;
    let key = UnparsedPublicKey::new(algorithm, key);
    key.verify(signed_text(message).as_bytes(), &signature).map_err(|_| wrong)
}

/// The RSA public key (RFC 8017) of a certificate in PEM.
fn read_rsa_key(certificate: &str) -> Option<Vec<u8>> {
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).ok()?;
    let key_info = ParsedCertificate::try_from(&certificate).ok()?.subject_public_key_info();
    // SEQUENCE { algorithm SEQUENCE, BIT STRING without unused bits }
    let (0x30, content, _) = split_der(key_info.as_ref())? else { return None };
    let (0x30, _, rest) = split_der(content)? else { return None };
    let (0x03, bits, _) = split_der(rest)? else { return None };
    bits.strip_prefix(&[0]).map(<[u8]>::to_vec)
}

/// Tag, content and what follows the first value of DER.
fn split_der(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 | 0x82 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message that `openssl dgst -sha1` signed with the key of the certificate beside it.
    const OLD_MESSAGE: &str = include_str!("../../../tests/it/fixtures/sns/message-v1.json");
    const CERTIFICATE: &str = include_str!("../../../tests/it/fixtures/sns/certificate.pem");
    const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:bounces";

    fn topic() -> TopicArn {
        TopicArn::parse(TOPIC).unwrap()
    }

    #[test]
    fn topics_name_their_host() {
        assert_eq!(topic().host, "sns.eu-west-1.amazonaws.com");
        let china = TopicArn::parse("arn:aws-cn:sns:cn-north-1:123456789012:bounces").unwrap();
        assert_eq!(china.host, "sns.cn-north-1.amazonaws.com.cn");
        for wrong in [
            "",
            "arn:aws:sqs:eu-west-1:123456789012:bounces",
            "arn:aws:sns:eu-west-1:123456789012",
            "arn:aws:sns:eu-west-1:12345:bounces",
            "arn:aws:sns:evil.example/:123456789012:bounces",
            "arn:evil:sns:eu-west-1:123456789012:bounces",
            "arn:aws:sns:eu-west-1:123456789012:*",
        ] {
            assert_eq!(TopicArn::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn certificates_come_from_the_region_of_the_topic() {
        let right = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a1b.pem";
        assert!(topic().certificate_url(right).is_ok());
        for wrong in [
            "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a1b.pem",
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0a1b.pem",
            "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-0a1b.pem",
            "https://evil.example/sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a1b.pem",
            "https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-0a1b.pem",
            "https://x@sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a1b.pem",
            "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-0a1b.pem",
            "https://sns.eu-west-1.amazonaws.com/other.pem",
            "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-/../x.pem",
            "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a1b.pem?x=1",
            "https://s3.amazonaws.com/SimpleNotificationService-0a1b.pem",
            "",
        ] {
            assert!(topic().certificate_url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_the_own_topic_is_confirmed() {
        let url = |host: &str, query: &str| format!("https://{host}/?{query}");
        let query = format!("Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336");
        assert!(topic().confirmation_url(&url("sns.eu-west-1.amazonaws.com", &query)).is_ok());
        for (host, query) in [
            ("evil.example", query.clone()),
            ("sns.us-east-1.amazonaws.com", query.clone()),
            ("sns.eu-west-1.amazonaws.com", query.replace("Confirm", "Un")),
            ("sns.eu-west-1.amazonaws.com", query.replace("bounces", "others")),
            ("sns.eu-west-1.amazonaws.com", format!("{query}&TopicArn=arn:aws:sns:eu-west-1:210987654321:others")),
            ("sns.eu-west-1.amazonaws.com", format!("{query}&Action=Unsubscribe")),
        ] {
            assert!(topic().confirmation_url(&url(host, &query)).is_err(), "{host} {query}");
        }
    }

    #[tokio::test]
    async fn signature_of_version_1_is_verified() {
        let now = "2026-11-20T12:30:00Z".parse().unwrap();
        let url = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a1b.pem";
        let client = SnsClient::Stored(StoredAnswers::default().with_answer(url, CERTIFICATE));
        let read = async |text: &str| read_message(&[topic()], &client, text.as_bytes(), now).await;
        let SnsAction::Bounces(bounces) = read(OLD_MESSAGE).await.unwrap() else { panic!("no bounces") };
        assert_eq!(bounces[0].recipient.as_deref(), Some("ines@example.org"));
        let wrong = Err(HookError::Unproven("The signature is wrong."));
        assert_eq!(read(&OLD_MESSAGE.replace("ines@", "rui@")).await, wrong);
        assert_eq!(
            read(&OLD_MESSAGE.replace("\"SignatureVersion\": \"1\"", "\"SignatureVersion\": \"2\"")).await,
            wrong
        );
        assert!(read(&OLD_MESSAGE.replace(":bounces", ":others")).await.is_err());
        let late = now + MAX_AGE + MAX_AGE;
        assert!(read_message(&[topic()], &client, OLD_MESSAGE.as_bytes(), late).await.is_err());
    }

    #[test]
    fn reads_of_certificates_are_limited() {
        let (mut certificates, now) = (Certificates::default(), DateTime::UNIX_EPOCH);
        for _ in 0..MAX_READS {
            assert_eq!(certificates.count_read(now), Ok(()));
        }
        assert!(certificates.count_read(now).is_err());
        assert_eq!(certificates.count_read(now + READS_WINDOW), Ok(()));
    }

    #[test]
    fn broken_der_is_rejected() {
        for der in [&[][..], &[0x30], &[0x30, 5, 1], &[0x30, 0x82, 1], &[0x30, 0x84, 0, 0, 0, 1, 0]] {
            assert_eq!(split_der(der), None, "{der:?}");
        }
        assert_eq!(read_rsa_key("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), None);
    }
}
