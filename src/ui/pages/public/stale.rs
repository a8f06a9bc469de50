//! What a page says when nobody could confirm it for a while.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use crate::format::time;
use crate::ui::time::Time;

/// The notice that a page put together at `at` may no longer be true.
pub fn last_confirmed(at: DateTime<Utc>, zone: Tz) -> String {
    crate::ui::fragment(|| {
        view! {
            <p class="stale" role="status">
                "Last confirmed at "<Time at=at words=time::full(at, zone) />
                ". We can't reach our own records at this moment; what follows may have changed since."
            </p>
        }
    })
}
