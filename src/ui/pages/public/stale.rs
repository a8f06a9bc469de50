//! The notice that a page may be out of date.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use crate::format::time;
use crate::ui::time::Time;

pub fn stale_notice(at: DateTime<Utc>, zone: Tz) -> String {
    crate::ui::render_fragment(|| {
        view! {
            <p class="stale" role="status">
                "Last updated at "<Time at=at words=time::format_full(at, zone) />
                ". Live data is temporarily unavailable, so this page may be out of date."
            </p>
        }
    })
}
