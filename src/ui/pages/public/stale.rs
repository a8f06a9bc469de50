//! The notice that a page may be out of date.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use crate::format::time;
use crate::ui::time::Time;

pub fn stale_notice(at: DateTime<Utc>, zone: Tz) -> String {
    crate::ui::render_fragment(|| {
        view! {
            <div class="stale tint tone-minor" role="status">
                <svg class="i" viewBox="0 0 24 24" aria-hidden="true">
                    <path class="k" d="M12 3 22 21H2z"></path>
                    <path class="g" d="M12 9.5v5M12 18v.2"></path>
                </svg>
                <p>
                    "Last updated at "<Time at=at words=time::format_full(at, zone) />
                    ". Live data is temporarily unavailable, so this page may be out of date."
                </p>
            </div>
        }
    })
}
