//! How a query is written.

use std::fmt;

use super::{
    Aggregate, Binary, Expression, Function, Item, Literal, Path, Query, Select, Selected, Source, syntax::KEYWORDS,
};

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SELECT ")?;
        if let Some(top) = self.top {
            write!(f, "TOP {top} ")?;
        }
        match &self.select {
            Select::All => f.write_str("*")?,
            Select::Items(items) => write_list(f, items)?,
        }
        f.write_str(match self.from {
            Source::Devices => " FROM devices",
            Source::Modules => " FROM devices.modules",
        })?;
        if let Some(filter) = &self.filter {
            write!(f, " WHERE {filter}")?;
        }
        if !self.group_by.is_empty() {
            f.write_str(" GROUP BY ")?;
            write_list(f, &self.group_by)?;
        }
        Ok(())
    }
}

fn write_list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, list: &[T]) -> fmt::Result {
    list.iter().enumerate().try_for_each(|(index, item)| {
        let separator = if index == 0 { "" } else { ", " };
        write!(f, "{separator}{item}")
    })
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.selected {
            Selected::Path(path) => write!(f, "{path}")?,
            Selected::Aggregate(aggregate, of) => {
                let name = Aggregate::ALL.iter().find(|(_, one)| one == aggregate);
                f.write_str(name.map_or("", |(name, _)| name))?;
                match of {
                    Some(path) => write!(f, "({path})")?,
                    None => f.write_str("()")?,
                }
            }
        }
        match &self.alias {
            Some(alias) => write!(f, " AS {}", Level(alias)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(index, level)| {
            let separator = if index == 0 { "" } else { "." };
            write!(f, "{separator}{}", Level(level))
        })
    }
}

/// One level of a path, in brackets when it could be taken for something else.
struct Level<'a>(&'a str);

impl fmt::Display for Level<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0;
        let plain = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$'))
            && !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && !KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(name));
        if plain {
            f.write_str(name)
        } else {
            write!(f, "[[{name}]]")
        }
    }
}

/// An expression within another: in parentheses if it binds less than what stands there must. None of them is more than
/// whoever asked wrote, so what is written again is never nested more deeply than what was read.
struct Within<'a>(&'a Expression, Rank);

impl fmt::Display for Within<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Within(expression, least) = self;
        if expression.rank() < *least {
            write!(f, "({expression})")
        } else {
            write!(f, "{expression}")
        }
    }
}

/// How strongly an expression binds, from OR, which binds least, to single values.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Disjunction,
    Conjunction,
    Negation,
    Comparison,
    Sum,
    Product,
    Operand,
}

impl Expression {
    fn rank(&self) -> Rank {
        match self {
            Self::Binary(operator, ..) => operator.ranks().0,
            Self::Not(_) => Rank::Negation,
            Self::In(..) => Rank::Comparison,
            Self::Negative(_) | Self::Literal(_) | Self::Path(_) | Self::Array(_) | Self::Call(..) => Rank::Operand,
        }
    }
}

impl Binary {
    /// Its own rank, and the least of what stands on its left and on its right; the parser's grammar in other words.
    fn ranks(self) -> (Rank, Rank, Rank) {
        match self {
            Self::Or => (Rank::Disjunction, Rank::Disjunction, Rank::Conjunction),
            Self::And => (Rank::Conjunction, Rank::Conjunction, Rank::Negation),
            Self::Equal | Self::NotEqual | Self::Less | Self::AtMost | Self::Greater | Self::AtLeast => {
                (Rank::Comparison, Rank::Sum, Rank::Sum)
            }
            Self::Add | Self::Subtract => (Rank::Sum, Rank::Sum, Rank::Product),
            Self::Multiply | Self::Divide | Self::Modulo => (Rank::Product, Rank::Product, Rank::Operand),
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expression::Literal(literal) => write!(f, "{literal}"),
            Expression::Path(path) => write!(f, "{path}"),
            Expression::Array(items) => {
                // Two brackets in a row would begin a name, or end one.
                f.write_str("[ ")?;
                write_list(f, items)?;
                f.write_str(" ]")
            }
            Expression::Not(inner) => write!(f, "NOT {}", Within(inner, Rank::Negation)),
            Expression::Negative(inner) => write!(f, "-{}", Within(inner, Rank::Operand)),
            Expression::Binary(operator, left, right) => {
                let (_, of_left, of_right) = operator.ranks();
                let (left, right) = (Within(left, of_left), Within(right, of_right));
                write!(f, "{left} {} {right}", operator.sign())
            }
            Expression::In(value, negated, list) => {
                let word = if *negated { "NIN" } else { "IN" };
                write!(f, "{} {word} {}", Within(value, Rank::Sum), Within(list, Rank::Operand))
            }
            Expression::Call(function, arguments) => {
                let name = Function::ALL.iter().find(|(_, one)| one == function);
                write!(f, "{}(", name.map_or("", |(name, _)| name))?;
                write_list(f, arguments)?;
                f.write_str(")")
            }
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Undefined => f.write_str("undefined"),
            Literal::Null => f.write_str("null"),
            Literal::Bool(value) => write!(f, "{value}"),
            Literal::Number(number) => write!(f, "{number}"),
            Literal::Text(text) => write!(f, "'{}'", text.replace('\\', r"\\").replace('\'', r"\'")),
        }
    }
}
