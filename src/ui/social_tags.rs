//! What other programs read to show a link to a page: title, description and picture (Open Graph, Twitter cards).

use leptos::prelude::*;

/// In pixels, as Open Graph recommends.
pub const PICTURE_WIDTH: usize = 1200;
pub const PICTURE_HEIGHT: usize = 630;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SocialPicture {
    /// With the query that changes with the picture.
    pub path: String,
    pub alt: String,
}

#[derive(Clone, Debug)]
pub struct SocialTags {
    pub site_name: String,
    pub title: String,
    pub description: String,
    /// The canonical URL.
    pub url: String,
    /// The URL of the page without a path.
    pub base_url: String,
    pub picture: Option<SocialPicture>,
}

pub fn social_tags(tags: SocialTags) -> AnyView {
    let SocialTags { site_name, title, description, url, base_url, picture } = tags;
    let card = if picture.is_some() { "summary_large_image" } else { "summary" };
    let picture = picture.map(|SocialPicture { path, alt }| {
        vec![
            property("og:image", format!("{}{path}", base_url.trim_end_matches('/'))),
            property("og:image:type", "image/png".to_owned()),
            property("og:image:width", PICTURE_WIDTH.to_string()),
            property("og:image:height", PICTURE_HEIGHT.to_string()),
            property("og:image:alt", alt),
        ]
    });
    view! {
        {property("og:type", "website".to_owned())}
        {property("og:site_name", site_name)}
        {property("og:title", title)}
        {property("og:description", description)}
        {property("og:url", url)}
        {picture}
        <meta name="twitter:card" content=card />
    }
    .into_any()
}

fn property(name: &'static str, content: String) -> AnyView {
    leptos::html::meta().attr("property", name).content(content).into_any()
}
