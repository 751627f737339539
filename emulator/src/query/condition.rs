//! Reading conditions: from OR, which binds least, down to single values.

use super::{
    Binary, Expression, Function, Literal, QueryError,
    lexer::{Token, error},
    parser::{Parser, is},
};

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Result<Expression, QueryError> {
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
}
