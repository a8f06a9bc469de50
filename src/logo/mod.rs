//! Makes a harmless logo or favicon from an uploaded image: an SVG is rebuilt from an allow-list, a PNG or WebP is decoded within
//! bounds, scaled down and encoded again. Nothing of the upload is kept as it came.

mod raster;
mod svg;

use sha2::{Digest as _, Sha256};

use crate::domain::brand::{Logo, LogoFormat};
use raster::EncodedImage;

/// Largest upload, in bytes.
pub const MAX_UPLOAD: usize = 512 * 1024;
/// Largest logo that pages carry or load, in bytes.
pub const MAX_LOGO: usize = 64 * 1024;
/// Largest upload of a favicon, and largest favicon, in bytes.
pub const MAX_FAVICON_UPLOAD: usize = 128 * 1024;
pub const MAX_FAVICON: usize = 16 * 1024;
/// A logo is at most this many times as wide as high, and as high as wide.
const MAX_RATIO: f64 = 12.0;
const NOT_SQUARE: &str = "The favicon must be as wide as high.";
const TOO_LONG_SHAPE: &str = "The logo is too long: at most 12 times as wide as high.";

/// # Errors
/// What is wrong with the image, for the owner.
pub fn sanitize_logo(upload: &[u8]) -> Result<Logo, String> {
    sanitize_image(upload, (MAX_UPLOAD, MAX_LOGO), raster::encode_again)
}

/// As [`sanitize_logo`], for a square icon: an SVG or, because not every browser shows a WebP in its tab, a PNG.
///
/// # Errors
/// What is wrong with the image, for the owner.
pub fn sanitize_favicon(upload: &[u8]) -> Result<Logo, String> {
    let icon = sanitize_image(upload, (MAX_FAVICON_UPLOAD, MAX_FAVICON), raster::encode_icon)?;
    if icon.width == icon.height { Ok(icon) } else { Err(NOT_SQUARE.to_owned()) }
}

fn sanitize_image(
    upload: &[u8],
    (max_upload, max_bytes): (usize, usize),
    encode: fn(&[u8]) -> Result<EncodedImage, String>,
) -> Result<Logo, String> {
    if upload.len() > max_upload {
        return Err(format!("The file is too large: at most {} KB.", max_upload / 1024));
    }
    let is_svg = upload.trim_ascii_start().strip_prefix(b"\xef\xbb\xbf").unwrap_or(upload).trim_ascii_start();
    let (format, (width, height), bytes) = if is_svg.starts_with(b"<") {
        let (size, text) = svg::rebuild(is_svg)?;
        (LogoFormat::Svg, size, text.into_bytes())
    } else {
        encode(upload)?
    };
    if bytes.len() > max_bytes {
        return Err(format!("The image is too detailed: at most {} KB after compression.", max_bytes / 1024));
    }
    let digest = Sha256::digest(&bytes)[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Logo { format, width, height, digest, bytes })
}

fn check_ratio(width: f64, height: f64) -> Result<(), String> {
    let ratio = width / height;
    if (1.0 / MAX_RATIO..=MAX_RATIO).contains(&ratio) { Ok(()) } else { Err(TOO_LONG_SHAPE.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_files_are_refused() {
        for bytes in [&b""[..], b"GIF89a", b"\xff\xd8\xff\xe0", b"hello", b"RIFF....WAVE", b"\x89PNG", b"BM"] {
            assert!(sanitize_logo(bytes).unwrap_err().contains("SVG, PNG or WebP"), "{bytes:?}");
        }
        assert!(sanitize_logo(&vec![b'<'; MAX_UPLOAD + 1]).unwrap_err().contains("too large"));
        assert!(sanitize_favicon(&vec![b'<'; MAX_FAVICON_UPLOAD + 1]).unwrap_err().contains("too large"));
    }

    #[test]
    fn favicon_is_square_and_refused_like_a_logo() {
        let svg = |size: &str, inside: &str| {
            sanitize_favicon(
                format!("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size}\">{inside}</svg>").as_bytes(),
            )
        };
        let shape = "<path d=\"M0 0h9v9z\"/>";
        assert_eq!(svg("9 9", shape).unwrap().format, LogoFormat::Svg);
        assert_eq!(svg("12 9", shape), Err(NOT_SQUARE.to_owned()));
        assert!(svg("9 9", "<script>alert(1)</script>").is_err());
        assert!(svg("9 9", "<image href=\"https://evil.test/x.png\"/>").is_err());
    }
}
