//! The Python dictionary in a header, and no more of Python than that.
//!
//! Own code because the crates for it (npyz, ndarray-npy) rest on a general parser of Python literals
//! that takes time exponential in the depth of nested brackets: a file of 100 bytes hangs it.

/// What a header's dictionary says.
#[derive(Clone, Debug, PartialEq)]
pub struct Dictionary {
    /// The type, as it stands there: the text of a string, else the whole expression.
    pub descr: String,
    /// Whether the first axis is the one whose elements lie together.
    pub fortran_order: bool,
    /// The length of each axis.
    pub shape: Vec<usize>,
}

/// Parses a dictionary of exactly the three keys, in any order.
pub fn parse(text: &str) -> Result<Dictionary, String> {
    let mut at = Cursor { rest: text };
    let (mut descr, mut fortran_order, mut shape) = (None, None, None);
    at.need('{')?;
    while !at.eat('}') {
        let key = at.string().ok_or_else(|| at.expected("a key"))?;
        at.need(':')?;
        let repeated = match key {
            "descr" => descr.replace(at.descr()?).is_some(),
            "fortran_order" => fortran_order.replace(at.boolean()?).is_some(),
            "shape" => shape.replace(at.shape()?).is_some(),
            other => return Err(format!("it has a key {other:?} that no array has")),
        };
        if repeated {
            return Err(format!("it has the key {key:?} twice"));
        }
        if !at.eat(',') {
            at.need('}')?;
            break;
        }
    }
    let missing = |key| format!("it has no key {key:?}");
    Ok(Dictionary {
        descr: descr.ok_or_else(|| missing("descr"))?,
        fortran_order: fortran_order.ok_or_else(|| missing("fortran_order"))?,
        shape: shape.ok_or_else(|| missing("shape"))?,
    })
}

struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn eat(&mut self, token: char) -> bool {
        self.rest = self.rest.trim_start();
        let after = self.rest.strip_prefix(token);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn need(&mut self, token: char) -> Result<(), String> {
        if self.eat(token) { Ok(()) } else { Err(self.expected(&format!("'{token}'"))) }
    }

    fn expected(&self, what: &str) -> String {
        match self.rest.trim() {
            "" => format!("it ends where {what} should stand"),
            rest => format!("{what} should stand before {:?}", super::header::short(rest, 20)),
        }
    }

    /// Takes as many bytes, all of them ASCII.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        taken
    }

    /// A string without escapes; NumPy needs none for keys and types.
    fn string(&mut self) -> Option<&'a str> {
        self.rest = self.rest.trim_start();
        let quote = self.rest.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let (text, rest) = self.rest[1..].split_once(quote)?;
        self.rest = rest;
        Some(text)
    }

    fn boolean(&mut self) -> Result<bool, String> {
        self.rest = self.rest.trim_start();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Ok(value);
            }
        }
        Err(self.expected("True or False"))
    }

    fn shape(&mut self) -> Result<Vec<usize>, String> {
        self.need('(')?;
        let mut shape = Vec::new();
        while !self.eat(')') {
            shape.push(self.length()?);
            if !self.eat(',') {
                self.need(')')?;
                break;
            }
        }
        Ok(shape)
    }

    fn length(&mut self) -> Result<usize, String> {
        self.rest = self.rest.trim_start();
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return Err(self.expected("the length of an axis"));
        }
        let length = self.take(digits);
        // Python 2 wrote its long integers as 3L.
        self.eat('L');
        length
            .parse()
            .map_err(|_| format!("an axis of {} cannot be addressed", super::header::short(length, 40)))
    }

    /// A string's text, or all of a structured type up to its last bracket.
    fn descr(&mut self) -> Result<String, String> {
        if let Some(text) = self.string() {
            return Ok(text.to_owned());
        }
        let mut depth = 0usize;
        let end = self.rest.char_indices().find_map(|(place, c)| {
            match c {
                '[' | '(' | '{' => depth += 1,
                ']' | ')' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            (depth == 0).then_some(place + c.len_utf8())
        });
        Ok(self.take(end.ok_or_else(|| self.expected("a type"))?).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape_of(shape: &str) -> Result<Vec<usize>, String> {
        parse(&format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}")).map(|d| d.shape)
    }

    #[test]
    fn what_numpy_writes_is_read() {
        let text = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }        \n";
        let expected = Dictionary { descr: "<f4".to_owned(), fortran_order: true, shape: vec![2, 3] };
        assert_eq!(parse(text).unwrap(), expected);
        let other = "{\"shape\":(2,3),\"fortran_order\":True,\"descr\":\"<f4\"}";
        assert_eq!(parse(other).unwrap(), expected);
    }

    #[test]
    fn shapes_of_every_kind_are_read() {
        for (text, shape) in [("()", vec![]), ("(5,)", vec![5]), ("( 2 ,3L, 0)", vec![2, 3, 0])] {
            assert_eq!(shape_of(text).unwrap(), shape);
        }
        for text in ["(-1,)", "(1.5,)", "(99999999999999999999999,)", "3", "(1 2)", "(,)", "(1", ""] {
            assert!(shape_of(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_structured_type_is_one_text() {
        let text = "{'descr': [('a', '<f4'), ('b', '<i4', (2,))], 'fortran_order': False, 'shape': (3,), }";
        assert_eq!(parse(text).unwrap().descr, "[('a', '<f4'), ('b', '<i4', (2,))]");
    }

    #[test]
    fn a_wrong_dictionary_is_refused_and_the_place_named() {
        let good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
        for cut in 0..good.len() {
            assert!(parse(&good[..cut]).is_err(), "{cut}");
        }
        for (from, to) in [("descr", "dtype"), ("False", "0"), ("'shape'", "shape"), ("shape", "descr")] {
            assert!(parse(&good.replace(from, to)).is_err(), "{to}");
        }
        for open in ["[", "(", "{", "'"] {
            assert!(parse(&open.repeat(9_000)).is_err());
            assert!(parse(&format!("{{'descr': {}", open.repeat(9_000))).is_err());
        }
        assert!(parse("{'descr': é").is_err());
    }
}
