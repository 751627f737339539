//! Words, numbers, texts and signs of a query, each with its place.

use super::QueryError;

/// Where a token begins: line and column, from 1.
pub(super) type Place = (usize, usize);

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A keyword, a function's name or a level of a path, as written.
    Word(String),
    /// `[[name]]`: a level of a path, whatever is in it.
    Bracketed(String),
    Number(f64),
    Text(String),
    /// `=`, `<=`, `(`, ..
    Sign(&'static str),
    End,
}

impl Token {
    /// As a complaint names it.
    pub(super) fn shown(&self) -> String {
        match self {
            Token::Word(word) => format!("'{word}'"),
            Token::Bracketed(name) => format!("[[{name}]]"),
            Token::Number(number) => number.to_string(),
            Token::Text(text) => format!("the text '{text}'"),
            Token::Sign(sign) => format!("'{sign}'"),
            Token::End => "the end".to_owned(),
        }
    }
}

/// Longer ones first.
const SIGNS: [&str; 20] = [
    "<>", "!=", "<=", ">=", "=", "<", ">", "(", ")", "[", "]", ",", ".", "*", "+", "-", "/", "%", "!", ";",
];

pub(super) fn error(place: Place, what: impl Into<String>) -> QueryError {
    let (line, column) = place;
    QueryError {
        line,
        column,
        what: what.into(),
    }
}

/// All tokens of a query, the last one [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, Place)>, QueryError> {
    let mut lexer = Lexer {
        rest: text,
        place: (1, 1),
    };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next()?;
        let ended = token.0 == Token::End;
        tokens.push(token);
        if ended {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    rest: &'a str,
    place: Place,
}

/// Whether a character may stand in a word. Properties of twins begin with `$` when they are the hub's.
fn in_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$' | '@' | '#')
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Result<(Token, Place), QueryError> {
        self.take_while(char::is_whitespace);
        let place = self.place;
        let Some(first) = self.rest.chars().next() else {
            return Ok((Token::End, place));
        };
        let token = if first.is_ascii_digit() {
            self.number()?
        } else if matches!(first, '\'' | '"') {
            self.text(first)?
        } else if self.rest.starts_with("[[") {
            self.bracketed()?
        } else if in_word(first) {
            Token::Word(self.take_while(in_word).to_owned())
        } else {
            let sign = SIGNS.into_iter().find(|sign| self.rest.starts_with(sign));
            let sign = sign.ok_or_else(|| error(place, format!("{first:?} means nothing here")))?;
            self.advance(sign.len());
            Token::Sign(sign)
        };
        Ok((token, place))
    }

    /// Goes on by so many bytes, which end at a character's.
    fn advance(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        for c in taken.chars() {
            self.place = match c {
                '\n' => (self.place.0 + 1, 1),
                _ => (self.place.0, self.place.1 + 1),
            };
        }
        self.rest = rest;
        taken
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        self.advance(end)
    }

    fn number(&mut self) -> Result<Token, QueryError> {
        let place = self.place;
        let bytes = self.rest.as_bytes();
        let is_exponent = |at: usize| matches!(bytes.get(at), Some(b'e' | b'E'));
        let hexadecimal = self.rest.starts_with("0x") || self.rest.starts_with("0X");
        let text = if hexadecimal {
            self.take_while(|c| c.is_ascii_alphanumeric())
        } else {
            // A sign belongs to the number only behind its exponent's e.
            let end = (0..bytes.len()).find(|at| match bytes.get(*at) {
                Some(b'+' | b'-') => !is_exponent(at.wrapping_sub(1)),
                Some(c) => !(c.is_ascii_alphanumeric() || *c == b'.'),
                None => true,
            });
            self.advance(end.unwrap_or(bytes.len()))
        };
        let number = if hexadecimal {
            // As precise as every other number of JSON.
            text.get(2..)
                .and_then(|digits| u64::from_str_radix(digits, 16).ok())
                .map(|n| n as f64)
        } else {
            text.parse::<f64>().ok().filter(|number| number.is_finite())
        };
        number
            .map(Token::Number)
            .ok_or_else(|| error(place, format!("{text:?} is no number")))
    }

    fn text(&mut self, quote: char) -> Result<Token, QueryError> {
        let place = self.place;
        self.advance(1);
        let mut text = String::new();
        loop {
            let here = self.place;
            let c = self.rest.chars().next();
            let c = c.ok_or_else(|| error(place, format!("the text that begins here has no closing {quote}")))?;
            self.advance(c.len_utf8());
            if c == quote {
                // Twice the quote is one, as in SQL.
                if !self.rest.starts_with(quote) {
                    return Ok(Token::Text(text));
                }
                self.advance(1);
                text.push(quote);
            } else if c == '\\' {
                text.push(self.escape(here)?);
            } else {
                text.push(c);
            }
        }
    }

    /// What follows a backslash: `'`, `"`, `\` or `uXXXX`.
    fn escape(&mut self, place: Place) -> Result<char, QueryError> {
        let wrong = || error(place, r#"after \ comes ', ", \ or u and four hexadecimal digits"#);
        let c = self.rest.chars().next().ok_or_else(wrong)?;
        self.advance(c.len_utf8());
        match c {
            '\'' | '"' | '\\' => Ok(c),
            'u' => {
                let digits = self
                    .rest
                    .get(..4)
                    .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
                let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
                let c = code.and_then(char::from_u32).ok_or_else(wrong)?;
                self.advance(4);
                Ok(c)
            }
            _ => Err(wrong()),
        }
    }

    fn bracketed(&mut self) -> Result<Token, QueryError> {
        let place = self.place;
        let name = self.rest.get(2..).and_then(|rest| rest.split_once("]]"));
        let (name, _) = name.ok_or_else(|| error(place, "the name that begins here has no closing ]]"))?;
        self.advance(name.len() + 4);
        Ok(Token::Bracketed(name.to_owned()))
    }
}
