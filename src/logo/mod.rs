//! Makes a harmless logo from an uploaded image: an SVG is rebuilt from an allow-list, a PNG or WebP is decoded within
//! bounds, scaled down and encoded again. Nothing of the upload is kept as it came.

mod raster;
mod svg;

use sha2::{Digest as _, Sha256};

use crate::domain::brand::{Logo, LogoFormat};

/// Largest upload, in bytes.
pub const MAX_UPLOAD: usize = 512 * 1024;
/// Largest logo that pages carry or load, in bytes.
pub const MAX_LOGO: usize = 64 * 1024;
/// A logo is at most this many times as wide as high, and as high as wide.
const MAX_RATIO: f64 = 12.0;
const TOO_LONG_SHAPE: &str = "The logo is too long: at most 12 times as wide as high.";

/// # Errors
/// What is wrong with the image, for the owner.
pub fn sanitize_logo(upload: &[u8]) -> Result<Logo, String> {
    if upload.len() > MAX_UPLOAD {
        return Err(format!("The file is too large: at most {} KB.", MAX_UPLOAD / 1024));
    }
    let is_svg = upload.trim_ascii_start().strip_prefix(b"\xef\xbb\xbf").unwrap_or(upload).trim_ascii_start();
    let (format, (width, height), bytes) = if is_svg.starts_with(b"<") {
        let (size, text) = svg::rebuild(is_svg)?;
        (LogoFormat::Svg, size, text.into_bytes())
    } else {
        raster::encode_again(upload)?
    };
    if bytes.len() > MAX_LOGO {
        return Err(format!("The logo is too detailed: at most {} KB after compression.", MAX_LOGO / 1024));
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
    }
}
