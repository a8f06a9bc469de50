//! What a receiver thinks of our mail: the DNS records of the sender and the mail server's TLS.

use futures_util::future::join_all;

use super::Mailer;
use super::dkim::DkimSigner;
use super::mail_failure::bound_words;
use crate::net::dns::{DnsFailure, DnsResolver, MailExchange};

/// A receiver gives up after so many (RFC 7208, 4.6.4).
const MAX_SPF_LOOKUPS: usize = 10;
/// A receiver asks so many parents of a domain for a DMARC record.
const MAX_DMARC_LOOKUPS: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Good,
    Notice,
    Problem,
}

/// One result of the check, in sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub level: Level,
    pub found: String,
    /// What a receiver thinks of it.
    pub meaning: String,
    /// What to do, unless it is good.
    pub advice: Option<String>,
}

/// The part of an SPF record that a receiver looks up further.
#[derive(Debug, PartialEq, Eq)]
struct SpfTerms {
    lookups: usize,
    /// Domains whose records count too.
    included: Vec<String>,
}

impl Finding {
    fn good(found: String, meaning: &str) -> Self {
        Self { level: Level::Good, found, meaning: meaning.to_owned(), advice: None }
    }

    fn notice(found: String, meaning: &str, advice: String) -> Self {
        Self { level: Level::Notice, found, meaning: meaning.to_owned(), advice: Some(advice) }
    }

    fn problem(found: String, meaning: &str, advice: String) -> Self {
        Self { level: Level::Problem, found, meaning: meaning.to_owned(), advice: Some(advice) }
    }

    fn of_failure(what: &str, failure: &DnsFailure) -> Self {
        Self::problem(
            format!("{what}: {}.", bound_words(&failure.to_string())),
            "Candor could not check it.",
            "Try again, or ask another DNS server with --dns-server.".to_owned(),
        )
    }
}

/// Checks mail server, MX, SPF, DKIM and DMARC, in this order.
pub async fn check_sender(mailer: &Mailer, dns: &DnsResolver) -> Vec<Finding> {
    let mut domains = vec![mailer.envelope_domain()];
    if mailer.from_domain() != mailer.envelope_domain() {
        domains.push(mailer.from_domain());
    }
    let (server, exchanges, spf, dkim, dmarc) = tokio::join!(
        check_server(mailer),
        join_all(domains.into_iter().map(|domain| check_mx(dns, domain))),
        check_spf(dns, mailer.envelope_domain()),
        check_dkim(dns, mailer),
        check_dmarc(dns, mailer),
    );
    std::iter::once(server).chain(exchanges).chain([spf, dkim, dmarc]).collect()
}

async fn check_server(mailer: &Mailer) -> Finding {
    match mailer.pool().test_connection().await {
        Ok(true) => Finding::good(
            "Mail server: connected, encrypted, login accepted.".to_owned(),
            "Mail and password travel encrypted to it.",
        ),
        Ok(false) => Finding::notice(
            "Mail server: connected, not encrypted.".to_owned(),
            "Mail and password travel in clear text to it; this is fine on the same machine only.",
            "Use smtps:// or ?tls=required in --smtp-url.".to_owned(),
        ),
        Err(failure) => Finding::problem(
            format!("Mail server: {failure}."),
            "No mail leaves.",
            "Correct --smtp-url, or ask the operator of the mail server.".to_owned(),
        ),
    }
}

async fn check_mx(dns: &DnsResolver, domain: &str) -> Finding {
    match dns.mx(domain).await {
        Err(failure) => Finding::of_failure(&format!("MX of {domain}"), &failure),
        Ok(records) if records.is_empty() => match dns.has_address(domain).await {
            Err(failure) => Finding::of_failure(&format!("MX of {domain}"), &failure),
            Ok(has_address) => judge_missing_mx(domain, has_address),
        },
        Ok(records) => judge_mx(domain, &records),
    }
}

fn judge_missing_mx(domain: &str, has_address: bool) -> Finding {
    let found = format!("MX of {domain}: none.");
    let advice = format!("Publish an MX record for {domain} that names its mail server.");
    if has_address {
        Finding::notice(found, "Bounces and replies go to the address of the domain itself.", advice)
    } else {
        Finding::problem(found, "Bounces and replies can't be delivered; many receivers reject such senders.", advice)
    }
}

fn judge_mx(domain: &str, records: &[MailExchange]) -> Finding {
    let hosts: Vec<&str> = records.iter().map(|record| record.host.as_str()).collect();
    if hosts == [""] {
        return Finding::problem(
            format!("MX of {domain}: a null MX."),
            "The domain says that it receives no mail, so receivers reject it as a sender.",
            "Send from a domain that receives mail.".to_owned(),
        );
    }
    let found = format!("MX of {domain}: {}.", bound_words(&hosts.join(", ")));
    Finding::good(found, "Bounces and replies can be delivered.")
}

async fn check_spf(dns: &DnsResolver, domain: &str) -> Finding {
    let records = match dns.txt(domain).await {
        Ok(records) => records,
        Err(failure) => return Finding::of_failure(&format!("SPF of {domain}"), &failure),
    };
    let records = select_records(&records, "v=spf1");
    let mut lookups = 0;
    let mut open: Vec<String> = records.first().into_iter().flat_map(|record| vec![(*record).to_owned()]).collect();
    while let Some(record) = open.pop().filter(|_| lookups <= MAX_SPF_LOOKUPS) {
        let terms = parse_spf(&record);
        lookups += terms.lookups;
        for included in terms.included.iter().take(MAX_SPF_LOOKUPS) {
            match dns.txt(included).await {
                Ok(records) => open.extend(select_records(&records, "v=spf1").iter().map(|it| (*it).to_owned())),
                Err(failure) => return Finding::of_failure(&format!("SPF of {domain}"), &failure),
            }
        }
    }
    judge_spf(domain, &records, lookups)
}

fn judge_spf(domain: &str, records: &[&str], lookups: usize) -> Finding {
    let (found, record) = match records {
        [] => {
            return Finding::problem(
                format!("SPF of {domain}: none."),
                "Receivers can't tell that the mail server may send for the domain; Gmail, Yahoo and Outlook reject it.",
                format!("Publish at {domain}: TXT \"v=spf1 include:YOUR-RELAY ~all\", as your relay documents."),
            );
        }
        [record] => (format!("SPF of {domain}: {}.", bound_words(record)), *record),
        _ => {
            return Finding::problem(
                format!("SPF of {domain}: {} records.", records.len()),
                "Receivers treat several records as an error and ignore all.",
                "Merge them into one record.".to_owned(),
            );
        }
    };
    if lookups > MAX_SPF_LOOKUPS {
        let meaning = "It needs more than 10 DNS lookups, so receivers treat it as an error.";
        return Finding::problem(found, meaning, "Remove includes that are not needed.".to_owned());
    }
    if record.split_whitespace().any(|term| matches!(term.to_ascii_lowercase().as_str(), "+all" | "all")) {
        let meaning = "It lets every server send for the domain, so receivers trust it little.";
        return Finding::problem(found, meaning, "End the record with ~all or -all.".to_owned());
    }
    Finding::good(found, "Receivers can check the sending server. Make sure that the record includes your relay.")
}

fn parse_spf(record: &str) -> SpfTerms {
    let mut terms = SpfTerms { lookups: 0, included: Vec::new() };
    for term in record.split_whitespace().skip(1) {
        let term = term.trim_start_matches(['+', '-', '~', '?']).to_ascii_lowercase();
        let included = term.strip_prefix("include:").or_else(|| term.strip_prefix("redirect="));
        let mechanism = term.split([':', '/']).next().unwrap_or_default();
        if included.is_some() || matches!(mechanism, "a" | "mx" | "ptr" | "exists") {
            terms.lookups += 1;
        }
        // A macro depends on the mail.
        terms.included.extend(included.filter(|domain| !domain.contains('%')).map(str::to_owned));
    }
    terms
}

async fn check_dkim(dns: &DnsResolver, mailer: &Mailer) -> Finding {
    let Some(signer) = mailer.dkim() else {
        return Finding::notice(
            "DKIM: Candor signs no mail.".to_owned(),
            "Receivers require a signature from the mail server instead. It must cover List-Unsubscribe and \
             List-Unsubscribe-Post.",
            "Nothing, if your relay signs for the domain of --smtp-from. Otherwise set --dkim-selector and \
             --dkim-key-file."
                .to_owned(),
        );
    };
    match dns.txt(&signer.record_name()).await {
        Ok(records) => judge_dkim(signer, &records),
        Err(failure) => Finding::of_failure("DKIM", &failure),
    }
}

fn judge_dkim(signer: &DkimSigner, records: &[String]) -> Finding {
    let name = signer.record_name();
    let keys: Vec<String> = records.iter().filter_map(|record| find_tag(record, "p")).collect();
    let advice = format!("Publish at {name}: TXT \"{}\"", signer.record());
    match keys.as_slice() {
        [] => Finding::problem(
            format!("DKIM: no key at {name}."),
            "Receivers can't verify the signature and treat the mail as unsigned.",
            advice,
        ),
        keys if keys.contains(&signer.public_key()) => Finding::good(
            format!("DKIM: the key at {name} is that of --dkim-key-file."),
            "Receivers can verify the signature, which covers the List-Unsubscribe headers.",
        ),
        _ => Finding::problem(
            format!("DKIM: the key at {name} is another than that of --dkim-key-file."),
            "Receivers find the signature wrong.",
            advice,
        ),
    }
}

async fn check_dmarc(dns: &DnsResolver, mailer: &Mailer) -> Finding {
    let domain = mailer.from_domain();
    let labels: Vec<&str> = domain.split('.').collect();
    // A top-level domain has none for us.
    let parents = (0..labels.len().saturating_sub(1)).map(|from| labels[from..].join("."));
    for parent in parents.take(MAX_DMARC_LOOKUPS) {
        let name = format!("_dmarc.{parent}");
        match dns.txt(&name).await {
            Ok(records) => {
                if let [record, ..] = select_records(&records, "v=dmarc1")[..] {
                    return judge_dmarc(mailer, &name, record);
                }
            }
            Err(failure) => return Finding::of_failure(&format!("DMARC of {domain}"), &failure),
        }
    }
    Finding::problem(
        format!("DMARC of {domain}: none."),
        "Gmail, Yahoo and Outlook reject mail in larger numbers without it.",
        format!("Publish at _dmarc.{domain}: TXT \"v=DMARC1; p=none\""),
    )
}

/// A receiver needs SPF or DKIM for the domain of the From address.
fn judge_dmarc(mailer: &Mailer, name: &str, record: &str) -> Finding {
    let from = mailer.from_domain();
    let is_strict = |tag| find_tag(record, tag).is_some_and(|value| value.eq_ignore_ascii_case("s"));
    let is_signed = mailer.dkim().is_some_and(|signer| is_aligned(signer.domain(), from, is_strict("adkim")));
    let is_sent = is_aligned(mailer.envelope_domain(), from, is_strict("aspf"));
    let found = format!("DMARC at {name}: {}.", bound_words(record));
    if is_signed || is_sent {
        let meaning = "Candor's sender matches the From address, so SPF or DKIM counts for it.";
        return Finding::good(found, meaning);
    }
    Finding::problem(
        found,
        "Neither the bounce address nor the DKIM domain belongs to the domain of the From address, so DMARC fails.",
        format!("Use {from} or a subdomain in --mail-bounce-address or --dkim-domain."),
    )
}

/// Relaxed alignment compares organizational domains; without the list of public suffixes, one domain below the other
/// is certain to be aligned.
fn is_aligned(domain: &str, from: &str, is_strict: bool) -> bool {
    let is_below = |lower: &str, upper: &str| lower.strip_suffix(upper).is_some_and(|rest| rest.ends_with('.'));
    domain == from || !is_strict && (is_below(domain, from) || is_below(from, domain))
}

/// The records that begin with this version, which is in lower case.
fn select_records<'a>(records: &'a [String], version: &str) -> Vec<&'a str> {
    let is_version = |record: &&str| {
        let start: String = record.chars().take(version.len()).collect();
        let next = record.chars().nth(version.len());
        start.eq_ignore_ascii_case(version) && next.is_none_or(|c| c == ' ' || c == ';')
    };
    records.iter().map(|record| record.trim()).filter(is_version).collect()
}

/// The value of `tag=value;` without white space.
fn find_tag(record: &str, tag: &str) -> Option<String> {
    let values = record.split(';').filter_map(|part| part.split_once('='));
    let value = values.into_iter().find(|(name, _)| name.trim().eq_ignore_ascii_case(tag))?.1;
    Some(value.split_whitespace().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailer(from: &str) -> Mailer {
        Mailer::new("smtp://127.0.0.1:25", from, "https://status.example.org", &[]).unwrap()
    }

    #[test]
    fn spf_records_are_judged() {
        for (records, lookups, level) in [
            (&[][..], 0, Level::Problem),
            (&["v=spf1 include:_spf.relay.example ~all"], 1, Level::Good),
            (&["v=spf1 include:_spf.relay.example ~all"], 11, Level::Problem),
            (&["v=spf1 ip4:192.0.2.1 -all", "v=spf1 -all"], 0, Level::Problem),
            (&["v=spf1 +all"], 0, Level::Problem),
            (&["v=spf1 mx all"], 1, Level::Problem),
        ] {
            assert_eq!(judge_spf("example.org", records, lookups).level, level, "{records:?}");
        }
    }

    #[test]
    fn spf_lookups_are_counted() {
        let terms = parse_spf("v=spf1 a mx:mail.example.org/24 +ptr exists:%{i}.x.example ip4:192.0.2.0/24 ~all");
        assert_eq!(terms, SpfTerms { lookups: 4, included: Vec::new() });
        let terms = parse_spf("v=spf1 include:A.example ?include:%{d}.b.example redirect=c.example");
        assert_eq!(terms, SpfTerms { lookups: 3, included: vec!["a.example".to_owned(), "c.example".to_owned()] });
    }

    #[test]
    fn records_are_selected_by_version() {
        let records = ["v=spf1 -all", "V=SPF1", "v=spf10 -all", "x v=spf1", "v=spf1;"].map(str::to_owned);
        assert_eq!(select_records(&records, "v=spf1"), ["v=spf1 -all", "V=SPF1", "v=spf1;"]);
    }

    #[test]
    fn dmarc_needs_an_aligned_domain() {
        let judge = |from: &str, bounces: &str, record: &str| {
            let mailer = mailer(from).with_bounce_address(bounces).unwrap();
            judge_dmarc(&mailer, "_dmarc.example.org", record).level
        };
        let relaxed = "v=DMARC1; p=none";
        assert_eq!(judge("status@example.org", "bounce@example.org", relaxed), Level::Good);
        assert_eq!(judge("status@example.org", "bounce@mail.example.org", relaxed), Level::Good);
        assert_eq!(judge("status@example.org", "bounce@badexample.org", relaxed), Level::Problem);
        assert_eq!(judge("status@example.org", "bounce@relay.example", relaxed), Level::Problem);
        assert_eq!(judge("status@example.org", "bounce@mail.example.org", "v=DMARC1;p=none;aspf=s"), Level::Problem);
    }

    #[test]
    fn mail_exchanges_are_judged() {
        let exchange = |host: &str| MailExchange { preference: 10, host: host.to_owned() };
        assert_eq!(judge_mx("example.org", &[exchange("mail.example.org")]).level, Level::Good);
        assert_eq!(judge_mx("example.org", &[exchange("")]).level, Level::Problem);
        assert_eq!(judge_missing_mx("example.org", true).level, Level::Notice);
        assert_eq!(judge_missing_mx("example.org", false).level, Level::Problem);
    }

    #[test]
    fn tags_are_read_without_white_space() {
        assert_eq!(find_tag("v=DKIM1; k=rsa; p=AB CD==", "p").as_deref(), Some("ABCD=="));
        assert_eq!(find_tag("v=DKIM1; sp=x", "p"), None);
    }
}
