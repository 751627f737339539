//! From tokens to a query; conditions are read in [`super::condition`].

use super::{
    Aggregate, Item, Path, Query, QueryError, Select, Selected, Source,
    lexer::{Place, Token, error, tokens},
    syntax::KEYWORDS,
};

/// Most parentheses, brackets and NOTs within each other, and most operators in a query: reading and evaluating go into
/// recursion with them.
const DEEPEST: usize = 32;
const OPERATORS: usize = 250;

/// Reads a query. Keywords and functions in any case.
///
/// # Errors
///
/// [`QueryError`], with the place of the first thing that is wrong.
pub fn parse(text: &str) -> Result<Query, QueryError> {
    let tokens = tokens(text)?;
    let mut parser = Parser {
        tokens: &tokens,
        depth: 0,
        operators: 0,
    };
    parser.query()
}

pub(super) struct Parser<'a> {
    /// What is still to be read; the last one is the end, which is never taken off.
    pub(super) tokens: &'a [(Token, Place)],
    depth: usize,
    operators: usize,
}

impl Parser<'_> {
    fn query(&mut self) -> Result<Query, QueryError> {
        self.keyword("SELECT")?;
        let top = if self.has_word("TOP") { Some(self.top()?) } else { None };
        let select = self.select()?;
        self.keyword("FROM")?;
        let from = self.source()?;
        let filter = if self.has_word("WHERE") {
            Some(self.expression()?)
        } else {
            None
        };
        let grouping = self.place();
        let group_by = if self.has_word("GROUP") {
            self.keyword("BY")?;
            self.list(Parser::path)?
        } else {
            Vec::new()
        };
        self.has_sign(";");
        if *self.token() != Token::End {
            let place = self.place();
            let found = self.token().shown();
            return Err(error(
                place,
                format!("{found} is too much: a query ends after WHERE and GROUP BY, and has no ORDER BY or JOIN"),
            ));
        }
        let query = Query {
            top,
            select,
            from,
            filter,
            group_by,
        };
        check_grouping(&query).map_err(|what| error(grouping, what))?;
        Ok(query)
    }

    fn top(&mut self) -> Result<u64, QueryError> {
        let place = self.place();
        match self.take() {
            // Whole and small enough to be exact.
            Token::Number(number) if number.fract() == 0.0 && (1.0..1e15).contains(&number) => Ok(number as u64),
            _ => Err(error(place, "after TOP comes a whole number of at least 1")),
        }
    }

    fn select(&mut self) -> Result<Select, QueryError> {
        if self.has_sign("*") {
            return Ok(Select::All);
        }
        self.list(Parser::item).map(Select::Items)
    }

    fn item(&mut self) -> Result<Item, QueryError> {
        let aggregate = match self.tokens {
            [(Token::Word(name), _), (Token::Sign("("), _), ..] => Aggregate::ALL
                .iter()
                .find(|(one, _)| one.eq_ignore_ascii_case(name))
                .map(|(_, aggregate)| *aggregate),
            _ => None,
        };
        let selected = match aggregate {
            Some(aggregate) => {
                self.take();
                self.take();
                let place = self.place();
                let of = if self.has_sign(")") {
                    None
                } else {
                    let path = self.path()?;
                    self.sign(")")?;
                    Some(path)
                };
                if of.is_none() && aggregate != Aggregate::Count {
                    return Err(error(place, "only COUNT is of nothing: name a property"));
                }
                Selected::Aggregate(aggregate, of)
            }
            None => Selected::Path(self.path()?),
        };
        let alias = if self.has_word("AS") { Some(self.level()?) } else { None };
        Ok(Item { selected, alias })
    }

    fn source(&mut self) -> Result<Source, QueryError> {
        let place = self.place();
        let Path(levels) = self.path()?;
        let levels: Vec<_> = levels.iter().map(|level| level.to_ascii_lowercase()).collect();
        match levels.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["devices"] => Ok(Source::Devices),
            ["devices", "modules"] => Ok(Source::Modules),
            ["devices", "jobs"] => Err(error(
                place,
                "the emulator has no jobs: devices and devices.modules can be asked",
            )),
            _ => Err(error(place, "FROM is followed by devices or devices.modules")),
        }
    }

    pub(super) fn list<T>(
        &mut self,
        mut one: impl FnMut(&mut Self) -> Result<T, QueryError>,
    ) -> Result<Vec<T>, QueryError> {
        let mut items = vec![one(self)?];
        while self.has_sign(",") {
            items.push(one(self)?);
        }
        Ok(items)
    }

    pub(super) fn path(&mut self) -> Result<Path, QueryError> {
        let mut levels = vec![self.level()?];
        while self.has_sign(".") {
            // After a point no word means anything else.
            levels.push(match self.token() {
                Token::Word(_) => self.word(),
                _ => self.level()?,
            });
        }
        Ok(Path(levels))
    }

    /// The next token, which is a word.
    fn word(&mut self) -> String {
        match self.take() {
            Token::Word(word) => word,
            _ => String::new(),
        }
    }

    fn level(&mut self) -> Result<String, QueryError> {
        let place = self.place();
        match self.take() {
            Token::Word(word) if !is_keyword(&word) => Ok(word),
            Token::Bracketed(name) => Ok(name),
            other => Err(error(
                place,
                format!("a property was expected, as in tags.site, not {}", other.shown()),
            )),
        }
    }

    pub(super) fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, QueryError>) -> Result<T, QueryError> {
        if self.depth == DEEPEST {
            let place = self.place();
            return Err(error(
                place,
                format!("at most {DEEPEST} expressions may stand within each other"),
            ));
        }
        self.depth += 1;
        let done = work(self);
        self.depth -= 1;
        done
    }

    pub(super) fn count(&mut self) -> Result<(), QueryError> {
        self.operators += 1;
        if self.operators <= OPERATORS {
            return Ok(());
        }
        Err(error(
            self.place(),
            format!("a query has at most {OPERATORS} operators"),
        ))
    }

    pub(super) fn token(&self) -> &Token {
        self.tokens.first().map_or(&Token::End, |(token, _)| token)
    }

    pub(super) fn place(&self) -> Place {
        self.tokens.first().map_or((1, 1), |(_, place)| *place)
    }

    pub(super) fn take(&mut self) -> Token {
        let token = self.token().clone();
        if let (true, Some(rest)) = (token != Token::End, self.tokens.get(1..)) {
            self.tokens = rest;
        }
        token
    }

    /// Takes a word if it comes next.
    pub(super) fn has_word(&mut self, wanted: &str) -> bool {
        let there = matches!(self.token(), Token::Word(word) if is(word, wanted));
        if there {
            self.take();
        }
        there
    }

    /// Takes a sign if it comes next.
    pub(super) fn has_sign(&mut self, wanted: &str) -> bool {
        let there = matches!(self.token(), Token::Sign(sign) if *sign == wanted);
        if there {
            self.take();
        }
        there
    }

    fn keyword(&mut self, wanted: &str) -> Result<(), QueryError> {
        if self.has_word(wanted) {
            return Ok(());
        }
        Err(error(
            self.place(),
            format!("{wanted} was expected, not {}", self.token().shown()),
        ))
    }

    pub(super) fn sign(&mut self, wanted: &str) -> Result<(), QueryError> {
        if self.has_sign(wanted) {
            return Ok(());
        }
        Err(error(
            self.place(),
            format!("'{wanted}' was expected, not {}", self.token().shown()),
        ))
    }
}

pub(super) fn is(word: &str, keyword: &str) -> bool {
    word.eq_ignore_ascii_case(keyword)
}

fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().any(|keyword| is(word, keyword))
}

/// With aggregates or GROUP BY, every value that is selected is an aggregate, or what is grouped by.
fn check_grouping(query: &Query) -> Result<(), String> {
    let Select::Items(items) = &query.select else {
        return match query.group_by.as_slice() {
            [] => Ok(()),
            _ => Err("GROUP BY goes with values such as COUNT() AS number, not with *".to_owned()),
        };
    };
    if query.group_by.is_empty() && !query.is_aggregate() {
        return Ok(());
    }
    let loose = items.iter().find_map(|item| match &item.selected {
        Selected::Path(path) if !query.group_by.contains(path) => Some(path),
        _ => None,
    });
    match loose {
        Some(path) => Err(format!(
            "{path} is selected beside an aggregate: GROUP BY it, or leave it out"
        )),
        None => Ok(()),
    }
}
