//! Any input as a code: no code is accepted twice, and only digits are accepted.

#![no_main]

use candor::credentials::totp::matching_step;
use chrono::DateTime;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: ([u8; 20], i64, Option<i64>, &str)| {
    let (secret, second, last, code) = input;
    let Some(now) = DateTime::from_timestamp(second, 0) else { return };
    let Some(step) = matching_step(&secret, code, now, last) else { return };
    assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code:?}");
    assert!(last.is_none_or(|last| step > last), "{code:?} counted twice");
    assert_eq!(matching_step(&secret, code, now, Some(step)).filter(|again| *again <= step), None);
});
