//! What a header's text may hold before it is given to the crate that reads it.
//!
//! The crate rests on a general parser of Python literals. That one takes time exponential in the
//! depth of nested brackets, so that a file of 100 bytes hangs it, and the crate multiplies a shape
//! without a look at overflow. Neither can happen with a text that has passed here.

use std::iter::Peekable;
use std::str::CharIndices;

use super::header::short;

/// The deepest that an array of simple records needs: dictionary, fields, field, shape of the field.
/// Each level more doubles the longest time that a header can take.
const DEEPEST: usize = 4;

/// The keys of every header.
const KEYS: [&str; 3] = ["descr", "fortran_order", "shape"];

/// A text made of nothing but what a header needs.
#[derive(Debug, Default)]
pub struct Guarded<'a> {
    /// The text with plain spaces, and without the `L` of Python 2's long integers.
    pub text: String,
    /// Every number in it outside of strings: the lengths of the axes, and of a field's.
    pub numbers: Vec<u64>,
    keys: Vec<&'a str>,
    string: Option<&'a str>,
    depth: usize,
}

/// Passes a text, or says what in it no header has.
pub fn pass(text: &str) -> Result<Guarded<'_>, String> {
    let mut guarded = Guarded::default();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' | '"' => guarded.string(&text[at..], &mut chars)?,
            '0'..='9' => guarded.number(&text[at..], &mut chars)?,
            'A'..='Z' => guarded.word(&text[at..], &mut chars)?,
            _ => guarded.sign(c)?,
        }
    }
    guarded.check_keys()?;
    Ok(guarded)
}

impl<'a> Guarded<'a> {
    /// A string without escapes; NumPy needs none for the types and names that are handled here.
    fn string(&mut self, text: &'a str, chars: &mut Peekable<CharIndices>) -> Result<(), String> {
        let quote = &text[..1];
        let (inside, _) = text[1..].split_once(quote).ok_or("a string in it has no end")?;
        if let Some(c) = inside.chars().find(|c| *c == '\\' || c.is_control()) {
            return Err(format!("a string in it has {c:?}"));
        }
        // The closing quote is the last of these.
        chars.nth(inside.chars().count());
        self.text.extend([quote, inside, quote]);
        self.string = Some(inside);
        Ok(())
    }

    fn number(&mut self, text: &str, chars: &mut Peekable<CharIndices>) -> Result<(), String> {
        let digits = leading(text, |c| c.is_ascii_digit(), chars);
        let number = digits.parse();
        self.numbers
            .push(number.map_err(|_| format!("an axis of {} cannot be addressed", short(digits, 40)))?);
        self.text.push_str(digits);
        if chars.next_if(|(_, c)| *c == 'L').is_some() {
            // A space, so that digits behind it make no longer number.
            self.text.push(' ');
        }
        self.string = None;
        Ok(())
    }

    fn word(&mut self, text: &str, chars: &mut Peekable<CharIndices>) -> Result<(), String> {
        let word = leading(text, |c| c.is_ascii_alphanumeric(), chars);
        if !matches!(word, "True" | "False") {
            return Err(format!("it has {:?} where no header has it", short(word, 20)));
        }
        self.text.push_str(word);
        self.string = None;
        Ok(())
    }

    fn sign(&mut self, c: char) -> Result<(), String> {
        match c {
            '{' | '[' | '(' => self.depth += 1,
            // One too many is an error to every parser, which then goes no deeper.
            '}' | ']' | ')' => self.depth = self.depth.saturating_sub(1),
            ':' => self.keys.push(self.string.ok_or("a ':' in it follows no key")?),
            ',' => {}
            c if c.is_ascii_whitespace() => {
                self.text.push(' ');
                return Ok(());
            }
            other => return Err(format!("it has {other:?} where no header has it")),
        }
        if self.depth > DEEPEST {
            return Err(format!(
                "brackets in it nest deeper than {DEEPEST}, which no array of numbers needs"
            ));
        }
        self.text.push(c);
        self.string = None;
        Ok(())
    }

    /// The crate passes over keys it does not know, and takes the last of equal ones.
    fn check_keys(&self) -> Result<(), String> {
        if let Some(other) = self.keys.iter().find(|key| !KEYS.contains(key)) {
            return Err(format!("it has a key {:?} that no array has", short(other, 40)));
        }
        for key in KEYS {
            match self.keys.iter().filter(|found| **found == key).count() {
                0 => return Err(format!("it has no key {key:?}")),
                1 => {}
                _ => return Err(format!("it has the key {key:?} twice")),
            }
        }
        Ok(())
    }
}

/// The part of a text from its first character on that is all of a kind. The first one is taken from
/// `chars` already, the others are taken here.
fn leading<'a>(text: &'a str, kind: impl Fn(char) -> bool, chars: &mut Peekable<CharIndices>) -> &'a str {
    while chars.next_if(|(_, c)| kind(*c)).is_some() {}
    &text[..text.find(|c| !kind(c)).unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(descr: &str, shape: &str) -> String {
        format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}")
    }

    #[test]
    fn what_numpy_writes_passes_as_it_is() {
        for descr in ["'<f4'", "[('a', '<f4'), ('b', '<i4', (2,))]"] {
            let text = header(descr, "(2, 3)");
            assert_eq!(pass(&text).unwrap().text, text);
        }
        assert_eq!(pass(&header("'<f4'", "(2, 3)")).unwrap().numbers, [2, 3]);
    }

    #[test]
    fn spaces_and_long_integers_are_made_plain() {
        let guarded = pass("{\"descr\":'<f4',\n'fortran_order'\t:True,'shape':(3L,4L4)}\n").unwrap();
        assert_eq!(guarded.text, "{\"descr\":'<f4', 'fortran_order' :True,'shape':(3 ,4 4)} ");
        assert_eq!(guarded.numbers, [3, 4, 4]);
    }

    #[test]
    fn nothing_nests_deep() {
        for open in ["[", "(", "{"] {
            for deep in [DEEPEST, 9_000] {
                let said = pass(&header(&open.repeat(deep), "(1,)")).unwrap_err();
                assert!(said.contains("nest deeper"), "{said}");
            }
        }
        // Brackets in strings do not open, and do not close either.
        assert!(pass(&header("'[[[[[['", "(1,)")).is_ok());
        assert!(pass(&header("[')',(')',[')',(1,)]", "(1,)")).unwrap_err().contains("nest deeper"));
    }

    #[test]
    fn what_could_hide_something_is_refused() {
        for shape in
            ["0x10", "1_000", "1e3", "-1", "1+1", "b'3'", "u'3'", "3j", "'\\N{'}'", "'a", "é", "None"]
        {
            assert!(pass(&header("'<f4'", shape)).is_err(), "{shape}");
        }
        for (from, to) in [("descr", "dtype"), ("'shape'", "shape"), ("shape", "descr"), ("'shape'", "")] {
            assert!(pass(&header("'<f4'", "(1,)").replace(from, to)).is_err(), "{to}");
        }
    }
}
