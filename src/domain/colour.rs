//! Colours as `#rrggbb`, their contrast after WCAG 2.2, and mixtures in OKLab.

use std::fmt;

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Colour {
    pub red: u8,
    pub green: u8,
    pub blue: u8,
}

pub const WHITE: Colour = Colour::new(0xff, 0xff, 0xff);

impl Colour {
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// From `0xrrggbb`.
    pub const fn from_u32(value: u32) -> Self {
        let [_, red, green, blue] = value.to_be_bytes();
        Self { red, green, blue }
    }

    /// `#rrggbb` or `#rgb`; the number sign may be missing.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim();
        let digits = digits.strip_prefix('#').unwrap_or(digits);
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let value = u32::from_str_radix(digits, 16).ok()?;
        match digits.len() {
            6 => Some(Self::from_u32(value)),
            3 => {
                let [red, green, blue] = [value >> 8, (value >> 4) & 15, value & 15].map(|digit| digit * 17);
                Some(Self::from_u32(red << 16 | green << 8 | blue))
            }
            _ => None,
        }
    }

    /// Relative luminance.
    pub fn luminance(self) -> f64 {
        let [red, green, blue] = self.linear();
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// The contrast ratio, from 1 to 21.
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance() + 0.05, other.luminance() + 0.05);
        a.max(b) / a.min(b)
    }

    /// This colour with `share` of `other`, from 0 to 1.
    #[must_use]
    pub fn mix(self, other: Self, share: f64) -> Self {
        let (a, b) = (self.oklab(), other.oklab());
        Self::from_oklab([0, 1, 2].map(|at| a[at] + (b[at] - a[at]) * share))
    }

    /// From 0 (black) to 1 (white), as people see it.
    pub fn lightness(self) -> f64 {
        self.oklab()[0]
    }

    /// The same hue with another lightness.
    #[must_use]
    pub fn with_lightness(self, lightness: f64) -> Self {
        let [_, a, b] = self.oklab();
        Self::from_oklab([lightness.clamp(0.0, 1.0), a, b])
    }

    fn linear(self) -> [f64; 3] {
        [self.red, self.green, self.blue].map(|channel| {
            let channel = f64::from(channel) / 255.0;
            if channel <= 0.04045 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
        })
    }

    fn oklab(self) -> [f64; 3] {
        let [r, g, b] = self.linear();
        let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
        let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
        let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
        [
            0.210_454_255_3 * l + 0.793_617_785 * m - 0.004_072_046_8 * s,
            1.977_998_495_1 * l - 2.428_592_205 * m + 0.450_593_709_9 * s,
            0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766 * s,
        ]
    }

    /// Channels outside of sRGB are cut.
    fn from_oklab([lightness, a, b]: [f64; 3]) -> Self {
        let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
        let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
        let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548 * b).powi(3);
        let linear = [
            4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
            -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
            -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701 * s,
        ];
        let [red, green, blue] = linear.map(|channel| {
            let channel = channel.clamp(0.0, 1.0);
            let channel =
                if channel <= 0.003_130_8 { channel * 12.92 } else { 1.055 * channel.powf(1.0 / 2.4) - 0.055 };
            to_byte(channel)
        });
        Self { red, green, blue }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the value is clamped to a byte")]
fn to_byte(channel: f64) -> u8 {
    (channel * 255.0).round().clamp(0.0, 255.0) as u8
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

impl From<Colour> for String {
    fn from(colour: Colour) -> Self {
        colour.to_string()
    }
}

impl TryFrom<String> for Colour {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("a colour is written #rrggbb")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_written_as_three_or_six_hex_digits() {
        for (text, shown) in [("#21543d", "#21543d"), ("ABC", "#aabbcc"), (" #Fff ", "#ffffff")] {
            assert_eq!(Colour::parse(text).unwrap().to_string(), shown);
        }
        for bad in ["", "#", "#12", "#12345", "#1234567", "red", "#+12345", "#12345g", "url(x)", "#12;}", "##123456"] {
            assert_eq!(Colour::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn contrast_is_that_of_wcag() {
        let near = |a: &str, b: &str, ratio: f64| {
            let found = Colour::parse(a).unwrap().contrast(Colour::parse(b).unwrap());
            assert!((found - ratio).abs() < 0.06, "{a} on {b}: {found}");
        };
        near("#000", "#fff", 21.0);
        near("#777777", "#ffffff", 4.48);
        near("#5c6561", "#fbfbf9", 5.8);
        near("#ffffff", "#ffffff", 1.0);
    }

    #[test]
    fn mixture_keeps_its_ends_and_lightness_returns() {
        let (a, b) = (Colour::from_u32(0x12_34_56), Colour::from_u32(0xfe_dc_ba));
        assert_eq!((a.mix(b, 0.0), a.mix(b, 1.0)), (a, b));
        assert_eq!(a.with_lightness(a.lightness()), a);
        assert_eq!(
            a.with_lightness(9.0).lightness(),
            Colour::from_oklab([1.0, a.oklab()[1], a.oklab()[2]]).lightness()
        );
    }
}
