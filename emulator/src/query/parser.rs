//! From tokens to a query.

use super::{
    Aggregate, Binary, Expression, Function, Item, Literal, Path, Query, QueryError, Select, Selected, Source,
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

struct Parser<'a> {
    /// What is still to be read; the last one is the end, which is never taken off.
    tokens: &'a [(Token, Place)],
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

    fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> Result<T, QueryError>) -> Result<Vec<T>, QueryError> {
        let mut items = vec![one(self)?];
        while self.has_sign(",") {
            items.push(one(self)?);
        }
        Ok(items)
    }

    fn path(&mut self) -> Result<Path, QueryError> {
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

    fn expression(&mut self) -> Result<Expression, QueryError> {
        self.deeper(|parser| {
            parser.chain(Parser::conjunction, |parser| {
                parser.has_word("OR").then_some(Binary::Or)
            })
        })
    }

    fn conjunction(&mut self) -> Result<Expression, QueryError> {
        self.chain(Parser::negation, |parser| parser.has_word("AND").then_some(Binary::And))
    }

    fn negation(&mut self) -> Result<Expression, QueryError> {
        if self.has_word("NOT") {
            let inner = self.deeper(Parser::negation)?;
            return Ok(Expression::Not(Box::new(inner)));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Expression, QueryError> {
        let left = self.sum()?;
        let not_in = matches!(
            self.tokens,
            [(Token::Word(not), _), (Token::Word(within), _), ..] if is(not, "NOT") && is(within, "IN")
        );
        if not_in {
            self.take();
        }
        let negated = not_in || matches!(self.token(), Token::Word(word) if is(word, "NIN"));
        if !self.has_word("IN") && !self.has_word("NIN") {
            let Some(operator) = self.comparison_sign() else {
                return Ok(left);
            };
            self.count()?;
            let right = self.sum()?;
            return Ok(Expression::Binary(operator, Box::new(left), Box::new(right)));
        }
        self.count()?;
        let place = self.place();
        let list = self.operand()?;
        if !matches!(list, Expression::Array(_) | Expression::Path(_)) {
            return Err(error(place, "IN is followed by a list, as in ['a', 'b']"));
        }
        Ok(Expression::In(Box::new(left), negated, Box::new(list)))
    }

    fn comparison_sign(&mut self) -> Option<Binary> {
        let signs = [
            ("=", Binary::Equal),
            ("!=", Binary::NotEqual),
            ("<>", Binary::NotEqual),
            ("<=", Binary::AtMost),
            (">=", Binary::AtLeast),
            ("<", Binary::Less),
            (">", Binary::Greater),
        ];
        let (_, operator) = signs.into_iter().find(|(sign, _)| self.has_sign(sign))?;
        Some(operator)
    }

    fn sum(&mut self) -> Result<Expression, QueryError> {
        self.chain(Parser::product, |parser| {
            let signs = [("+", Binary::Add), ("-", Binary::Subtract)];
            signs
                .into_iter()
                .find(|(sign, _)| parser.has_sign(sign))
                .map(|(_, operator)| operator)
        })
    }

    fn product(&mut self) -> Result<Expression, QueryError> {
        self.chain(Parser::operand, |parser| {
            let signs = [("*", Binary::Multiply), ("/", Binary::Divide), ("%", Binary::Modulo)];
            signs
                .into_iter()
                .find(|(sign, _)| parser.has_sign(sign))
                .map(|(_, operator)| operator)
        })
    }

    /// Operands with operators of one rank between them, from the left.
    fn chain(
        &mut self,
        operand: impl Fn(&mut Self) -> Result<Expression, QueryError>,
        operator: impl Fn(&mut Self) -> Option<Binary>,
    ) -> Result<Expression, QueryError> {
        let mut left = operand(self)?;
        while let Some(operator) = operator(self) {
            self.count()?;
            let right = operand(self)?;
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn operand(&mut self) -> Result<Expression, QueryError> {
        if self.has_sign("-") {
            let inner = self.deeper(Parser::operand)?;
            return Ok(Expression::Negative(Box::new(inner)));
        }
        if self.has_sign("(") {
            let inner = self.expression()?;
            self.sign(")")?;
            return Ok(inner);
        }
        if self.has_sign("[") {
            if self.has_sign("]") {
                return Ok(Expression::Array(Vec::new()));
            }
            let items = self.list(Parser::expression)?;
            self.sign("]")?;
            return Ok(Expression::Array(items));
        }
        let literal = match self.token() {
            Token::Number(number) => Some(Literal::Number(*number)),
            Token::Text(text) => Some(Literal::Text(text.clone())),
            Token::Word(word) if is(word, "NULL") => Some(Literal::Null),
            Token::Word(word) if is(word, "TRUE") => Some(Literal::Bool(true)),
            Token::Word(word) if is(word, "FALSE") => Some(Literal::Bool(false)),
            Token::Word(word) if is(word, "UNDEFINED") => Some(Literal::Undefined),
            _ => None,
        };
        if let Some(literal) = literal {
            self.take();
            return Ok(Expression::Literal(literal));
        }
        if let [(Token::Word(_), _), (Token::Sign("("), _), ..] = self.tokens {
            return self.call();
        }
        self.path().map(Expression::Path)
    }

    fn call(&mut self) -> Result<Expression, QueryError> {
        let place = self.place();
        let name = self.take();
        let found = match &name {
            Token::Word(name) => Function::ALL.iter().find(|(one, _)| is(name, one)),
            _ => None,
        };
        let (_, function) =
            found.ok_or_else(|| error(place, format!("there is no function {} in a condition", name.shown())))?;
        self.sign("(")?;
        let arguments = self.list(Parser::expression)?;
        self.sign(")")?;
        if arguments.len() != function.arity() {
            let (wanted, given) = (function.arity(), arguments.len());
            return Err(error(
                place,
                format!("{} takes {wanted} values, not {given}", name.shown()),
            ));
        }
        if *function == Function::IsDefined && !matches!(arguments.as_slice(), [Expression::Path(_)]) {
            return Err(error(place, "IS_DEFINED takes a property"));
        }
        Ok(Expression::Call(*function, arguments))
    }

    fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, QueryError>) -> Result<T, QueryError> {
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

    fn count(&mut self) -> Result<(), QueryError> {
        self.operators += 1;
        if self.operators <= OPERATORS {
            return Ok(());
        }
        Err(error(
            self.place(),
            format!("a query has at most {OPERATORS} operators"),
        ))
    }

    fn token(&self) -> &Token {
        self.tokens.first().map_or(&Token::End, |(token, _)| token)
    }

    fn place(&self) -> Place {
        self.tokens.first().map_or((1, 1), |(_, place)| *place)
    }

    fn take(&mut self) -> Token {
        let token = self.token().clone();
        if let (true, Some(rest)) = (token != Token::End, self.tokens.get(1..)) {
            self.tokens = rest;
        }
        token
    }

    /// Takes a word if it comes next.
    fn has_word(&mut self, wanted: &str) -> bool {
        let there = matches!(self.token(), Token::Word(word) if is(word, wanted));
        if there {
            self.take();
        }
        there
    }

    /// Takes a sign if it comes next.
    fn has_sign(&mut self, wanted: &str) -> bool {
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

    fn sign(&mut self, wanted: &str) -> Result<(), QueryError> {
        if self.has_sign(wanted) {
            return Ok(());
        }
        Err(error(
            self.place(),
            format!("'{wanted}' was expected, not {}", self.token().shown()),
        ))
    }
}

fn is(word: &str, keyword: &str) -> bool {
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
