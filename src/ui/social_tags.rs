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
        view! {
            <meta property="og:image" content=format!("{}{path}", base_url.trim_end_matches('/')) />
            <meta property="og:image:type" content="image/png" />
            <meta property="og:image:width" content=PICTURE_WIDTH.to_string() />
            <meta property="og:image:height" content=PICTURE_HEIGHT.to_string() />
            <meta property="og:image:alt" content=alt />
        }
    });
    view! {
        <meta property="og:type" content="website" />
        <meta property="og:site_name" content=site_name />
        <meta property="og:title" content=title />
        <meta property="og:description" content=description />
        <meta property="og:url" content=url />
        {picture}
        <meta name="twitter:card" content=card />
    }
    .into_any()
}
