//! The text form of a profile: a line per fact, `#` before remarks.

use std::fmt::{self, Write};

use super::{DeviceKey, Numbers, Profile, ProfileKey, Rows, Rung, SubgroupKey, ascending};
use crate::Error;
use crate::gpu::Kernel;

const HEADER: &str = "wgpu-softmax profile 1";

impl Profile {
    /// Reads the text form.
    ///
    /// # Errors
    /// [`Error::Profile`] with the first line that is not understood, and why.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let stripped = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        let mut lines = stripped.zip(1..).filter(|(line, _)| !line.is_empty());
        let fail = |line, why| Error::Profile { line: Some(line), why };
        match lines.next() {
            Some((HEADER, _)) => {}
            Some((other, at)) => return Err(fail(at, format!("{other:?}; a profile begins {HEADER:?}"))),
            None => return Err(fail(1, format!("nothing is there; a profile begins {HEADER:?}"))),
        }
        let mut profile = Self::default();
        for (line, at) in lines {
            profile.take(line).map_err(|why| fail(at, why))?;
        }
        Ok(profile)
    }

    fn take(&mut self, line: &str) -> Result<(), String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["vendor", vendor] => self.key.vendor = parse_vendor(vendor)?,
            ["device", device] => self.key.device = parse_device(device)?,
            ["subgroups", sizes] => self.key.subgroups = parse_subgroups(sizes)?,
            ["cols", cols, kernel, ref numbers @ ..] => {
                let rung = parse_rung(cols, kernel, numbers)?;
                ascending(self.rungs.last().map_or(1, |last| last.cols), rung.cols)?;
                self.rungs.push(rung);
            }
            _ => {
                return Err(format!("{line:?}; a line is vendor V, device D, subgroups S or cols N KERNEL"));
            }
        }
        Ok(())
    }

    /// The text form, which [`Profile::parse`] reads.
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEADER}\n{}", self.key);
        for rung in &self.rungs {
            writeln!(text, "{rung}").expect("a string takes all");
        }
        text
    }
}

fn parse_vendor(text: &str) -> Result<Option<u32>, String> {
    if text == "any" {
        return Ok(None);
    }
    let digits = text.strip_prefix("0x").ok_or(());
    let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).map_err(|_| ()));
    number.map(Some).map_err(|()| format!("vendor {text:?}; it is any, or a number such as 0x10de"))
}

fn parse_device(text: &str) -> Result<DeviceKey, String> {
    let found = DeviceKey::ALL.into_iter().find(|(_, name)| *name == text);
    found.map(|(key, _)| key).ok_or_else(|| {
        let names = DeviceKey::ALL.map(|(_, name)| name);
        format!("device {text:?}; it is one of {}", names.join(", "))
    })
}

fn parse_subgroups(text: &str) -> Result<SubgroupKey, String> {
    let sizes = || {
        let (least, greatest) = text.split_once("..")?;
        Some(SubgroupKey::Sizes(least.parse().ok()?, greatest.parse().ok()?))
    };
    match text {
        "any" => Ok(SubgroupKey::Any),
        "none" => Ok(SubgroupKey::None),
        "some" => Ok(SubgroupKey::Some),
        _ => sizes()
            .ok_or_else(|| format!("subgroups {text:?}; they are any, none, some, or sizes such as 32..64")),
    }
}

fn parse_rung(cols: &str, kernel: &str, numbers: &[&str]) -> Result<Rung, String> {
    let cols = match cols {
        "any" => u64::MAX,
        _ => number("cols", cols)?,
    };
    let known = Kernel::ALL.into_iter().find(|k| k.name() == kernel).ok_or_else(|| {
        let names = Kernel::ALL.map(Kernel::name);
        format!("kernel {kernel:?}; there are {}", names.join(", "))
    })?;
    let mut rung = Rung::new(cols, known);
    for word in numbers {
        take_number(&mut rung, word)?;
    }
    rung.check()?;
    Ok(rung)
}

fn take_number(rung: &mut Rung, word: &str) -> Result<(), String> {
    match word.split_once('=') {
        None if word == "aligned" => rung.rows = Rows::Aligned,
        None if word == "unaligned" => rung.rows = Rows::Unaligned,
        Some(("group", value)) => rung.numbers.group = Some(number("group", value)?),
        Some(("held", value)) => rung.numbers.held = Some(number("held", value)?),
        Some(("trips", value)) => rung.numbers.trips = Some(number("trips", value)?),
        Some(("rewrite", "yes")) => rung.numbers.rewrite = Some(true),
        Some(("rewrite", "no")) => rung.numbers.rewrite = Some(false),
        _ => {
            return Err(format!(
                "{word:?}; a rung takes aligned, unaligned, group=N, held=N, trips=N and rewrite=yes or no"
            ));
        }
    }
    Ok(())
}

fn number<T: std::str::FromStr>(what: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{what} {text:?}; it must be a whole number"))
}

impl fmt::Display for ProfileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.vendor {
            Some(vendor) => writeln!(f, "vendor {vendor:#x}")?,
            None => writeln!(f, "vendor any")?,
        }
        let (_, device) = DeviceKey::ALL.into_iter().find(|(k, _)| *k == self.device).expect("it is listed");
        writeln!(f, "device {device}")?;
        match self.subgroups {
            SubgroupKey::Any => writeln!(f, "subgroups any"),
            SubgroupKey::None => writeln!(f, "subgroups none"),
            SubgroupKey::Some => writeln!(f, "subgroups some"),
            SubgroupKey::Sizes(least, greatest) => writeln!(f, "subgroups {least}..{greatest}"),
        }
    }
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Numbers { group, held, trips, rewrite } = self.numbers;
        match self.cols {
            u64::MAX => write!(f, "cols any {}", self.kernel.name())?,
            cols => write!(f, "cols {cols} {}", self.kernel.name())?,
        }
        match self.rows {
            Rows::Any => {}
            Rows::Aligned => write!(f, " aligned")?,
            Rows::Unaligned => write!(f, " unaligned")?,
        }
        if let Some(group) = group {
            write!(f, " group={group}")?;
        }
        if let Some(held) = held {
            write!(f, " held={held}")?;
        }
        if let Some(trips) = trips {
            write!(f, " trips={trips}")?;
        }
        match rewrite {
            Some(true) => write!(f, " rewrite=yes"),
            Some(false) => write!(f, " rewrite=no"),
            None => Ok(()),
        }
    }
}
