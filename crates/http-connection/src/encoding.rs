//! The encodings in which a document is stored.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Plain,
    Gzip,
    Brotli,
}

impl Encoding {
    /// In the order of the discriminants, which index arrays.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Gzip, Self::Brotli];

    /// The smallest encoding that an `Accept-Encoding` value allows. Codings with `q=0` are refused.
    pub fn from_accept_encoding(accept_encoding: &[u8]) -> Self {
        let mut accepted = Self::Plain;
        for coding in accept_encoding.split(|byte| *byte == b',') {
            let mut pieces = coding.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
            let name = pieces.next().unwrap_or_default();
            let named = match name.len() {
                2 if name.eq_ignore_ascii_case(b"br") => Self::Brotli,
                4 if name.eq_ignore_ascii_case(b"gzip") && accepted == Self::Plain => Self::Gzip,
                _ => continue,
            };
            if !pieces.any(|q| matches!(q, b"q=0" | b"q=0.0" | b"q=0.00" | b"q=0.000")) {
                accepted = named;
            }
        }
        accepted
    }

    /// The value of `Content-Encoding`.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_allowed_encoding_is_chosen() {
        assert_eq!(Encoding::from_accept_encoding(b"gzip, deflate, br, zstd"), Encoding::Brotli);
        assert_eq!(Encoding::from_accept_encoding(b"gzip;q=1.0, br;q=0"), Encoding::Gzip);
        assert_eq!(Encoding::from_accept_encoding(b"br;q=0.001,GZIP"), Encoding::Brotli);
        assert_eq!(Encoding::from_accept_encoding(b"identity"), Encoding::Plain);
        assert_eq!(Encoding::from_accept_encoding(b""), Encoding::Plain);
        assert_eq!(Encoding::from_accept_encoding(&[b','; 5000]), Encoding::Plain);
    }
}
