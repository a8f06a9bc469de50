//! Decodes a PNG or WebP within bounds, scales it down and encodes it again.

use std::io::Cursor;

use image_webp::{WebPDecoder, WebPEncoder};
use png::{BitDepth, ColorType, Compression, Decoder, Encoder, Limits, Transformations};

use super::check_ratio;
use crate::domain::brand::LogoFormat;

/// Largest side of an upload, in pixels.
const MAX_SIDE: u32 = 2_048;
/// What decoding may allocate, in bytes.
const MAX_MEMORY: usize = 24 << 20;
/// The largest logo, in pixels: three times its size on the page.
const MAX_WIDTH: u32 = 540;
const MAX_HEIGHT: u32 = 90;
/// The largest favicon, in pixels: twice its size in most browsers.
const ICON_SIDE: u32 = 64;

const UNKNOWN: &str = "Upload an SVG, PNG or WebP.";
const ANIMATED: &str = "The image is animated, which is not allowed.";

/// Pixels as RGBA, row by row.
struct Pixels {
    width: u32,
    height: u32,
    rgba: Vec<u8>,
}

/// An image as it is stored: its format, width and height in pixels, and bytes.
pub(super) type EncodedImage = (LogoFormat, (u32, u32), Vec<u8>);

pub(super) fn encode_again(bytes: &[u8]) -> Result<EncodedImage, String> {
    let pixels = read_pixels(bytes, (MAX_WIDTH, MAX_HEIGHT))?;
    let png = encode_png(&pixels).map_err(|error| encoding_failed(&error))?;
    let mut webp = Vec::new();
    WebPEncoder::new(&mut webp)
        .encode(&pixels.rgba, pixels.width, pixels.height, image_webp::ColorType::Rgba8)
        .map_err(|error| encoding_failed(&error))?;
    let size = (pixels.width, pixels.height);
    Ok(if webp.len() < png.len() { (LogoFormat::Webp, size, webp) } else { (LogoFormat::Png, size, png) })
}

/// As [`encode_again`], always as a PNG.
pub(super) fn encode_icon(bytes: &[u8]) -> Result<EncodedImage, String> {
    let pixels = read_pixels(bytes, (ICON_SIDE, ICON_SIDE))?;
    let png = encode_png(&pixels).map_err(|error| encoding_failed(&error))?;
    Ok((LogoFormat::Png, (pixels.width, pixels.height), png))
}

fn encoding_failed(error: &dyn std::fmt::Display) -> String {
    format!("The image can't be encoded: {error}.")
}

/// The pixels of an upload, at most `max` wide and high.
fn read_pixels(bytes: &[u8], max: (u32, u32)) -> Result<Pixels, String> {
    let pixels = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        decode_png(bytes)?
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        decode_webp(bytes)?
    } else {
        return Err(UNKNOWN.to_owned());
    };
    check_ratio(f64::from(pixels.width), f64::from(pixels.height))?;
    Ok(scale_down(pixels, max))
}

fn check_size(width: u32, height: u32) -> Result<(), String> {
    if width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE {
        return Err(format!("The image is too large: at most {MAX_SIDE} pixels wide and high."));
    }
    Ok(())
}

fn decode_png(bytes: &[u8]) -> Result<Pixels, String> {
    let broken = |error: png::DecodingError| format!("The PNG can't be read: {error}.");
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: MAX_MEMORY });
    decoder.set_transformations(Transformations::normalize_to_color8() | Transformations::ALPHA);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let header = decoder.read_header_info().map_err(broken)?;
    check_size(header.width, header.height)?;
    let mut reader = decoder.read_info().map_err(broken)?;
    if reader.info().animation_control().is_some() {
        return Err(ANIMATED.to_owned());
    }
    let size = reader.output_buffer_size().filter(|size| *size <= MAX_MEMORY);
    let mut buffer = vec![0; size.ok_or_else(|| "The image is too large.".to_owned())?];
    let info = reader.next_frame(&mut buffer).map_err(broken)?;
    reader.finish().map_err(broken)?;
    buffer.truncate(info.buffer_size());
    let rgba = match info.color_type {
        ColorType::Rgba => buffer,
        ColorType::GrayscaleAlpha => {
            buffer.chunks_exact(2).flat_map(|pixel| [pixel[0], pixel[0], pixel[0], pixel[1]]).collect()
        }
        _ => return Err("The PNG can't be read: unknown pixels.".to_owned()),
    };
    check_pixels(Pixels { width: info.width, height: info.height, rgba })
}

fn decode_webp(bytes: &[u8]) -> Result<Pixels, String> {
    let broken = |error: image_webp::DecodingError| format!("The WebP can't be read: {error}.");
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(broken)?;
    let (width, height) = decoder.dimensions();
    check_size(width, height)?;
    if decoder.is_animated() {
        return Err(ANIMATED.to_owned());
    }
    decoder.set_memory_limit(MAX_MEMORY);
    let size = decoder.output_buffer_size().filter(|size| *size <= MAX_MEMORY);
    let mut buffer = vec![0; size.ok_or_else(|| "The image is too large.".to_owned())?];
    decoder.read_image(&mut buffer).map_err(broken)?;
    let rgba = if decoder.has_alpha() {
        buffer
    } else {
        buffer.chunks_exact(3).flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 255]).collect()
    };
    check_pixels(Pixels { width, height, rgba })
}

fn check_pixels(pixels: Pixels) -> Result<Pixels, String> {
    let expected = u64::from(pixels.width) * u64::from(pixels.height) * 4;
    if pixels.rgba.len() as u64 == expected { Ok(pixels) } else { Err("The image is incomplete.".to_owned()) }
}

/// Each new pixel is the mean of those it covers, weighted by their alpha.
fn scale_down(pixels: Pixels, (max_width, max_height): (u32, u32)) -> Pixels {
    let shrink = (f64::from(pixels.width) / f64::from(max_width)).max(f64::from(pixels.height) / f64::from(max_height));
    if shrink <= 1.0 {
        return pixels;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "smaller than the upload")]
    let fit = |side: u32| (f64::from(side) / shrink).round().max(1.0) as u32;
    let (width, height) = (fit(pixels.width), fit(pixels.height));
    let mut rgba = Vec::with_capacity(width as usize * height as usize * 4);
    let span = |at: u32, new: u32, old: u32| {
        let from = u64::from(at) * u64::from(old) / u64::from(new);
        let to = (u64::from(at + 1) * u64::from(old)).div_ceil(u64::from(new));
        from as usize..(to as usize).min(old as usize)
    };
    for y in 0..height {
        for x in 0..width {
            let (mut sums, mut alpha, mut count) = ([0_u64; 3], 0_u64, 0_u64);
            for row in span(y, height, pixels.height) {
                for column in span(x, width, pixels.width) {
                    let at = (row * pixels.width as usize + column) * 4;
                    let Some(&[red, green, blue, opacity]) = pixels.rgba.get(at..at + 4) else { continue };
                    for (sum, channel) in sums.iter_mut().zip([red, green, blue]) {
                        *sum += u64::from(channel) * u64::from(opacity);
                    }
                    alpha += u64::from(opacity);
                    count += 1;
                }
            }
            let mean = |sum: u64, of: u64| u8::try_from((sum + of / 2).checked_div(of).unwrap_or(0)).unwrap_or(u8::MAX);
            rgba.extend(sums.map(|sum| mean(sum, alpha)));
            rgba.push(mean(alpha, count));
        }
    }
    Pixels { width, height, rgba }
}

fn encode_png(pixels: &Pixels) -> Result<Vec<u8>, png::EncodingError> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, pixels.width, pixels.height);
    encoder.set_color(ColorType::Rgba);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::High);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels.rgba)?;
    writer.finish()?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(side: u32) -> Pixels {
        let pixel = |at: u32| [u8::try_from(at % 251).unwrap(), 40, 200, if at.is_multiple_of(7) { 128 } else { 255 }];
        Pixels { width: side, height: side, rgba: (0..side * side).flat_map(pixel).collect() }
    }

    fn webp(pixels: &Pixels) -> Vec<u8> {
        let mut out = Vec::new();
        let encoder = WebPEncoder::new(&mut out);
        encoder.encode(&pixels.rgba, pixels.width, pixels.height, image_webp::ColorType::Rgba8).unwrap();
        out
    }

    /// A PNG with this header and these chunks, all with the right checksum.
    fn png_of(width: u32, height: u32, chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
        let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
        let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
        let all = std::iter::once((b"IHDR", header)).chain(chunks.iter().map(|(name, data)| (*name, data.clone())));
        for (name, data) in all {
            out.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
            let body = [&name[..], &data].concat();
            out.extend(&body);
            out.extend(crc32fast::hash(&body).to_be_bytes());
        }
        out
    }

    fn deflated(bytes: &[u8]) -> Vec<u8> {
        use std::io::Write as _;
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn small_images_keep_their_pixels() {
        let pixels = square(20);
        for bytes in [encode_png(&pixels).unwrap(), webp(&pixels)] {
            let (format, size, out) = encode_again(&bytes).unwrap();
            let again = if format == LogoFormat::Png { decode_png(&out) } else { decode_webp(&out) }.unwrap();
            assert_eq!((size, again.rgba == pixels.rgba), ((20, 20), true));
        }
    }

    #[test]
    fn large_images_are_scaled_down() {
        let (_, size, _) = encode_again(&encode_png(&square(400)).unwrap()).unwrap();
        assert_eq!(size, (90, 90));
        let plain = Pixels { width: 1080, height: 180, rgba: [10, 20, 30, 255].repeat(1080 * 180) };
        let small = scale_down(plain, (MAX_WIDTH, MAX_HEIGHT));
        assert_eq!((small.width, small.height, &small.rgba[..4]), (540, 90, &[10, 20, 30, 255][..]));
        let clear = scale_down(
            Pixels { width: 180, height: 180, rgba: [9, 9, 9, 0].repeat(180 * 180) },
            (MAX_WIDTH, MAX_HEIGHT),
        );
        assert!(clear.rgba.iter().all(|byte| *byte == 0));
    }

    #[test]
    fn icon_is_a_png_of_at_most_64_pixels() {
        for upload in [encode_png(&square(400)).unwrap(), webp(&square(400))] {
            let (format, size, out) = encode_icon(&upload).unwrap();
            assert_eq!((format, size), (LogoFormat::Png, (64, 64)));
            assert!(decode_png(&out).is_ok());
        }
    }

    #[test]
    fn metadata_is_dropped() {
        let pixels = square(8);
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out, 8, 8);
        encoder.set_color(ColorType::Rgba);
        encoder.add_text_chunk("Author".into(), "somebody".into()).unwrap();
        encoder.write_header().unwrap().write_image_data(&pixels.rgba).unwrap();
        assert!(out.windows(8).any(|part| part == b"somebody"));
        let (_, _, clean) = encode_again(&out).unwrap();
        assert!(!clean.windows(8).any(|part| part == b"somebody"));
    }

    #[test]
    fn huge_dimensions_are_refused_before_decoding() {
        for (width, height) in [(u32::MAX / 2, 1), (100_000, 100_000), (2_049, 10), (0, 5), (5, 0)] {
            let bomb = png_of(width, height, &[(b"IDAT", deflated(&[0; 100])), (b"IEND", Vec::new())]);
            assert!(encode_again(&bomb).is_err(), "{width} x {height}");
        }
        let mut wide = webp(&square(4));
        // The size of a lossless image follows its signature: 14 bits each, minus one.
        let at = wide.windows(5).position(|part| part.starts_with(b"VP8L")).unwrap() + 9;
        wide[at..at + 4].copy_from_slice(&[0xff, 0xff, 0xff, 0x0f]);
        assert!(encode_again(&wide).is_err());
    }

    #[test]
    fn decompression_bombs_are_refused() {
        // 64 MB of zeros for an image of 4 x 4.
        let bomb = png_of(4, 4, &[(b"IDAT", deflated(&vec![0; 64 << 20])), (b"IEND", Vec::new())]);
        assert!(bomb.len() < 200_000);
        if let Ok((_, size, out)) = encode_again(&bomb) {
            assert!(size == (4, 4) && out.len() < 200, "only the image was decoded");
        }
        let text = [b"Comment\0\0".to_vec(), deflated(&vec![b'a'; 64 << 20])].concat();
        let rows = deflated(&[0; 4 * 17]);
        let bomb = png_of(4, 4, &[(b"zTXt", text), (b"IDAT", rows), (b"IEND", Vec::new())]);
        if let Ok((_, _, out)) = encode_again(&bomb) {
            assert!(out.len() < 200);
        }
    }

    #[test]
    fn animated_images_are_refused() {
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out, 8, 8);
        encoder.set_color(ColorType::Rgba);
        encoder.set_animated(2, 0).unwrap();
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&square(8).rgba).unwrap();
        writer.write_image_data(&square(8).rgba).unwrap();
        writer.finish().unwrap();
        assert_eq!(encode_again(&out).unwrap_err(), ANIMATED);

        let frame = webp(&square(8));
        let image = &frame[12..];
        let mut body = b"WEBPVP8X".to_vec();
        body.extend([10, 0, 0, 0, 0b0001_0010, 0, 0, 0, 7, 0, 0, 7, 0, 0]);
        body.extend(b"ANIM\x06\0\0\0\0\0\0\0\0\0");
        body.extend(b"ANMF");
        body.extend(u32::try_from(16 + image.len()).unwrap().to_le_bytes());
        body.extend([0, 0, 0, 0, 0, 0, 7, 0, 0, 7, 0, 0, 100, 0, 0, 0]);
        body.extend(image);
        let animated = [b"RIFF", &u32::try_from(body.len()).unwrap().to_le_bytes()[..], &body].concat();
        assert!(encode_again(&animated).is_err());
    }

    #[test]
    fn truncated_and_damaged_images_are_refused() {
        for whole in [encode_png(&square(40)).unwrap(), webp(&square(40))] {
            for length in [12, 20, 30, whole.len() / 2, whole.len() - 20] {
                assert!(encode_again(&whole[..length]).is_err(), "{length} of {}", whole.len());
            }
        }
        let mut damaged = encode_png(&square(40)).unwrap();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0xff;
        assert!(encode_again(&damaged).is_err());
        let mut renamed = webp(&square(8));
        renamed[8..12].copy_from_slice(b"WAVE");
        assert_eq!(encode_again(&renamed).unwrap_err(), UNKNOWN);
    }

    #[test]
    fn random_bytes_after_the_magic_never_panic() {
        let mut state = 7_u32;
        let mut noise = |length: usize| -> Vec<u8> {
            (0..length)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    state.to_be_bytes()[0]
                })
                .collect()
        };
        for length in 0..200 {
            let png = [b"\x89PNG\r\n\x1a\n".to_vec(), noise(length)].concat();
            assert!(encode_again(&png).is_err());
            let lossy = [b"RIFF\xff\0\0\0WEBPVP8 ".to_vec(), noise(length)].concat();
            assert!(encode_again(&lossy).is_err());
            let lossless = [b"RIFF\xff\0\0\0WEBPVP8L".to_vec(), noise(length)].concat();
            assert!(encode_again(&lossless).is_err());
        }
    }
}
