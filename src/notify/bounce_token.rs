//! The part of an envelope sender that names the subscriber and the notice of a mail (VERP), so that a bounce leads back
//! to them whatever its text says. Only the holder of the key can make one.

use ring::hmac;
use subtle::ConstantTimeEq as _;

use crate::domain::{NoticeId, SubscriberId};
use crate::format::hex;

/// In bytes. A guess must be right among 2^80, and each costs a mail.
const TAG: usize = 10;
/// Of the part before the `@`, in bytes (RFC 5321, 4.5.3.1.1).
const MAX_LOCAL_PART: usize = 64;

/// `SUBSCRIBER.NOTICE.TAG`. Mail servers may change the case, so ids with capital letters do not come back.
pub fn make_token(key: &[u8; 32], subscriber: &SubscriberId, notice: &NoticeId) -> String {
    let tag = hex(&compute_tag(key, subscriber, notice));
    format!("{subscriber}.{notice}.{tag}")
}

/// The ids, if the key made the token.
pub fn verify_token(key: &[u8; 32], token: &str) -> Option<(SubscriberId, NoticeId)> {
    let mut parts = token.split('.');
    let subscriber = SubscriberId::parse(parts.next()?)?;
    let notice = NoticeId::parse(parts.next()?)?;
    let tag = parts.next()?.to_ascii_lowercase();
    let expected = hex(&compute_tag(key, &subscriber, &notice));
    let is_right = parts.next().is_none() && bool::from(tag.as_bytes().ct_eq(expected.as_bytes()));
    is_right.then_some((subscriber, notice))
}

/// `local+TOKEN@domain`; `None` if that is too long for an address.
pub(super) fn add_token(local_part: &str, domain: &str, token: &str) -> Option<String> {
    let local_part = format!("{local_part}+{token}");
    (local_part.len() <= MAX_LOCAL_PART).then(|| format!("{local_part}@{domain}"))
}

/// The first text of the form of a token between `+` and `@`.
pub(super) fn find_token(text: &str) -> Option<String> {
    let candidates = text.split('+').skip(1).filter_map(|rest| rest.split_once('@')).map(|(token, _)| token);
    candidates.into_iter().find(|token| has_token_form(token)).map(str::to_owned)
}

fn has_token_form(token: &str) -> bool {
    let parts: Vec<&str> = token.split('.').collect();
    let [subscriber, notice, tag] = parts[..] else { return false };
    SubscriberId::parse(subscriber).is_some()
        && NoticeId::parse(notice).is_some()
        && tag.len() == 2 * TAG
        && tag.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn compute_tag(key: &[u8; 32], subscriber: &SubscriberId, notice: &NoticeId) -> [u8; TAG] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let tag = hmac::sign(&key, format!("candor bounce\n{subscriber}\n{notice}").as_bytes());
    std::array::from_fn(|at| tag.as_ref()[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn ids() -> (SubscriberId, NoticeId) {
        (SubscriberId::parse("8sk2m0q1x7aa").unwrap(), NoticeId::parse("n0t1ce000001").unwrap())
    }

    #[test]
    fn token_leads_back_to_its_ids() {
        let (subscriber, notice) = ids();
        let token = make_token(&KEY, &subscriber, &notice);
        assert_eq!(verify_token(&KEY, &token), Some((subscriber, notice)));
        let address = add_token("bounce", "status.example.org", &token).unwrap();
        assert_eq!(find_token(&format!("for <{address}>; Sat")), Some(token.clone()));
        let (tag_start, tag) = token.rsplit_once('.').unwrap();
        assert!(verify_token(&KEY, &format!("{tag_start}.{}", tag.to_uppercase())).is_some());
    }

    #[test]
    fn forged_tokens_are_rejected() {
        let (subscriber, notice) = ids();
        let token = make_token(&KEY, &subscriber, &notice);
        let other = make_token(&KEY, &SubscriberId::parse("another").unwrap(), &notice);
        let tag = other.rsplit_once('.').unwrap().1;
        for forged in [
            format!("{subscriber}.{notice}.{tag}"),
            format!("{subscriber}.{notice}"),
            format!("{subscriber}.{notice}."),
            format!("{token}.x"),
            format!("{token}0"),
            token.replacen('8', "9", 1),
            String::new(),
        ] {
            assert_eq!(verify_token(&KEY, &forged), None, "{forged}");
        }
        assert_eq!(verify_token(&[8; 32], &token), None);
    }

    #[test]
    fn long_ids_make_no_address() {
        let long = SubscriberId::parse(&"a".repeat(40)).unwrap();
        assert_eq!(add_token("bounce", "example.org", &make_token(&KEY, &long, &ids().1)), None);
    }

    #[test]
    fn other_plus_addresses_are_no_tokens() {
        for text in ["", "a+b@example.org", "a+b.c.d@example.org", "+@", "a+x.y.zzzzzzzzzzzzzzzzzzzz@example.org"] {
            assert_eq!(find_token(text), None, "{text}");
        }
    }
}
