//! Numbers on the command line, as they were typed and as they are meant.

use bytesize::ByteSize;

use crate::failure::Failure;

/// A number as it was typed, and what becomes of it.
#[derive(Clone, Debug)]
pub struct Number {
    text: String,
    rounded: f32,
    vanishes: bool,
}

impl std::str::FromStr for Number {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (Ok(rounded), Ok(exact)) = (text.parse::<f32>(), text.parse::<f64>()) else {
            return Err("write a number, such as 0.125");
        };
        // A subnormal counts as 0 everywhere in the library, which nobody means who types 1e-40.
        let vanishes = !rounded.is_normal() && rounded.is_finite() && exact != 0.0;
        Ok(Self { text: text.to_owned(), rounded, vanishes })
    }
}

impl Number {
    /// As an f32 that is finite, and 0 only where 0 was typed.
    pub fn finite(&self, what: &str) -> Result<f32, Failure> {
        if !self.rounded.is_finite() {
            return Err(self.too_large(what));
        }
        if self.vanishes {
            let (text, least) = (&self.text, f32::MIN_POSITIVE);
            return Err(Failure::Cannot(format!(
                "--{what} {text} is 0 in f32; give 0 itself, or {least:e} and more"
            )));
        }
        Ok(self.rounded)
    }

    /// As an f32, which is infinite only where that was typed.
    pub fn any(&self, what: &str) -> Result<f32, Failure> {
        if self.overflows() { Err(self.too_large(what)) } else { Ok(self.rounded) }
    }

    /// One through it.
    pub fn inverse(&self, what: &str) -> Result<f32, Failure> {
        let Number { text, rounded, .. } = self;
        let inverse = 1.0 / rounded;
        let range = "give a number from 3e-39 to 8.5e37";
        let way_out = if self.overflows() && *rounded > 0.0 {
            format!("is not a finite f32; {range}")
        } else if !rounded.is_finite() || *rounded < 0.0 || *rounded == 0.0 && !self.vanishes {
            "is not a finite number above 0; to turn the order round use --op softmin".to_owned()
        } else if !inverse.is_normal() {
            format!("has the inverse {inverse:e}, which f32 cannot hold; {range}")
        } else {
            return Ok(inverse);
        };
        Err(Failure::Cannot(format!("--{what} {text} {way_out}")))
    }

    /// Whether it is infinite for f32 alone.
    fn overflows(&self) -> bool {
        self.rounded.is_infinite() && !self.text.to_ascii_lowercase().contains("inf")
    }

    fn too_large(&self, what: &str) -> Failure {
        let (text, max) = (&self.text, f32::MAX);
        Failure::Cannot(format!(
            "--{what} {text} is not a finite f32; give a number between -{max:e} and {max:e}"
        ))
    }
}

/// A number of bytes.
pub fn size(text: &str) -> Result<ByteSize, &'static str> {
    text.parse().map_err(|_| "write a size, such as 512MiB, 2GB or 1000000")
}

/// How many positions a window has.
pub fn window(text: &str) -> Result<u64, &'static str> {
    text.parse().ok().filter(|size| *size > 0).ok_or("write a number of positions from 1 on, such as 128")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_was_typed_or_refused() {
        let number = |text: &str| text.parse::<Number>().unwrap();
        assert_eq!(number("inf").any("sinks").unwrap(), f32::INFINITY);
        assert_eq!(number("-Infinity").any("sinks").unwrap(), f32::NEG_INFINITY);
        for text in ["1e39", "-1e39", "1e400"] {
            assert!(number(text).any("sinks").is_err(), "{text}");
            assert!(number(text).finite("scale").is_err(), "{text}");
            assert!(number(text).inverse("temperature").is_err(), "{text}");
        }
        assert_eq!(number("4").inverse("temperature").unwrap(), 0.25);
        assert!("x".parse::<Number>().is_err() && size("1e6").is_err() && size("").is_err());
        assert_eq!(size("2 kB").unwrap().as_u64(), 2000);
        assert!(window("-1").is_err() && window("0").is_err());
    }
}
