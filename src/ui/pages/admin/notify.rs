//! The switch that decides whether an update notifies subscribers, and the button that says how many it reaches.

use leptos::prelude::*;

use crate::domain::subscriber::{NotifySwitch, Reach};
use crate::format::number::group_thousands;
use crate::ui::admin_layout::AdminContext;
use crate::ui::form::{ButtonStyle, Hidden};

/// `1,204`, or `up to 1,204`; `None` without subscribers.
fn reach_words(reach: &Reach) -> Option<String> {
    let count = group_thousands(reach.count);
    (reach.count > 0).then(|| if reach.is_limit { format!("up to {count}") } else { count })
}

fn subscribers_noun(reach: &Reach) -> &'static str {
    if reach.count == 1 { "subscriber" } else { "subscribers" }
}

/// The switch; `id` distinguishes several on one page.
pub fn notify_switch(shell: &AdminContext, id: &'static str) -> AnyView {
    let NotifySwitch { is_on, reach } = &shell.notify;
    let channels: Vec<&str> = reach.channels.iter().map(|channel| channel.words()).collect();
    let (words, hint) = match reach_words(reach) {
        Some(count) => (format!("Notify {} {}", count, subscribers_noun(reach)), channels.join(", ")),
        None => ("Notify subscribers".to_owned(), "No subscribers yet.".to_owned()),
    };
    let hint_id = format!("{id}-hint");
    view! {
        <div class="notify">
            <Hidden name="notify_switch" value="1"/>
            <label class="check switch" for=id>
                <input type="checkbox" id=id name="notify" value="1" checked=*is_on aria-describedby=hint_id.clone()/>
                <span>{words}</span>
            </label>
            <p class="hint" id=hint_id>{hint}</p>
        </div>
    }
    .into_any()
}

/// The button that publishes. CSS hides the number while the switch is off.
pub fn publish_button(words: &str, shell: &AdminContext, weight: ButtonStyle, keys: Option<&'static str>) -> AnyView {
    let (words, reach) = (words.to_owned(), reach_span(shell));
    view! { <button type="submit" class=weight.class() data-keys=keys><span>{words}{reach}</span></button> }.into_any()
}

/// ` and notify 1,204 subscribers`, the end of a button's text.
pub fn reach_span(shell: &AdminContext) -> Option<AnyView> {
    let reach = &shell.notify.reach;
    let words = format!(" and notify {} {}", reach_words(reach)?, subscribers_noun(reach));
    Some(view! { <span class="reach">{words}</span> }.into_any())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_of_a_reach_is_named_as_one() {
        let reach = |count, is_limit| reach_words(&Reach { count, is_limit, channels: Vec::new() });
        assert_eq!(reach(1204, false).as_deref(), Some("1,204"));
        assert_eq!(reach(1_234_567, true).as_deref(), Some("up to 1,234,567"));
        assert_eq!(reach(0, true), None);
    }
}
