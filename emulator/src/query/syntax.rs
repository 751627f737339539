//! What a query consists of, and how it is written.

use std::fmt;

/// A query.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Most rows it gives.
    pub top: Option<u64>,
    /// What each row has.
    pub select: Select,
    /// What it is about.
    pub from: Source,
    /// Which of these.
    pub filter: Option<Expression>,
    /// By what they are put together; empty for not at all.
    pub group_by: Vec<Path>,
}

/// SELECT.
#[derive(Debug, Clone, PartialEq)]
pub enum Select {
    /// `*`: the whole twin.
    All,
    /// Values, at least one.
    Items(Vec<Item>),
}

/// One value of a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The value.
    pub selected: Selected,
    /// The name it has in the row, after AS.
    pub alias: Option<String>,
}

/// A value in SELECT.
#[derive(Debug, Clone, PartialEq)]
pub enum Selected {
    /// A value of the twin.
    Path(Path),
    /// A value of many twins; of nothing only for COUNT.
    Aggregate(Aggregate, Option<Path>),
}

/// A function of many twins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregate {
    /// How many there are, or have a value.
    Count,
    /// The sum of the numbers.
    Sum,
    /// Their mean.
    Avg,
    /// The least number.
    Min,
    /// The greatest.
    Max,
}

impl Aggregate {
    /// All of them, by the names they are written with.
    pub const ALL: [(&str, Aggregate); 5] = [
        ("COUNT", Aggregate::Count),
        ("SUM", Aggregate::Sum),
        ("AVG", Aggregate::Avg),
        ("MIN", Aggregate::Min),
        ("MAX", Aggregate::Max),
    ];
}

/// FROM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `devices`: the twins of devices.
    Devices,
    /// `devices.modules`: those of modules.
    Modules,
}

/// The way to a value in a twin: at least one level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(pub Vec<String>);

/// A condition, or a value in one.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// A constant.
    Literal(Literal),
    /// A value of the twin.
    Path(Path),
    /// `[a, b]`.
    Array(Vec<Expression>),
    /// `NOT x`.
    Not(Box<Expression>),
    /// `-x`.
    Negative(Box<Expression>),
    /// `x = y` and so on.
    Binary(Binary, Box<Expression>, Box<Expression>),
    /// `x IN [a, b]`, or with true `x NIN [a, b]`.
    In(Box<Expression>, bool, Box<Expression>),
    /// A function.
    Call(Function, Vec<Expression>),
}

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `undefined`.
    Undefined,
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number, finite and not negative.
    Number(f64),
    /// A text.
    Text(String),
}

/// What stands between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    /// `OR`
    Or,
    /// `AND`
    And,
    /// `=`
    Equal,
    /// `!=`, `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
}

impl Binary {
    /// As it is written.
    pub fn sign(self) -> &'static str {
        match self {
            Binary::Or => "OR",
            Binary::And => "AND",
            Binary::Equal => "=",
            Binary::NotEqual => "!=",
            Binary::Less => "<",
            Binary::AtMost => "<=",
            Binary::Greater => ">",
            Binary::AtLeast => ">=",
            Binary::Add => "+",
            Binary::Subtract => "-",
            Binary::Multiply => "*",
            Binary::Divide => "/",
            Binary::Modulo => "%",
        }
    }
}

/// A function of one twin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// Whether a property is there, null included.
    IsDefined,
    /// Whether a value is null.
    IsNull,
    /// Whether it is true or false.
    IsBool,
    /// Whether it is a number.
    IsNumber,
    /// Whether it is a text.
    IsString,
    /// Whether it is an object.
    IsObject,
    /// Whether it is an array.
    IsArray,
    /// Whether it is neither.
    IsPrimitive,
    /// Whether a text begins with another.
    StartsWith,
    /// Whether it ends with another.
    EndsWith,
    /// Whether it contains another.
    Contains,
    /// A text in lower case.
    Lower,
    /// A text in upper case.
    Upper,
    /// How many characters a text has.
    Length,
}

impl Function {
    /// All of them, by the names they are written with, the usual one first.
    pub const ALL: [(&str, Function); 16] = [
        ("IS_DEFINED", Function::IsDefined),
        ("IS_NULL", Function::IsNull),
        ("IS_BOOL", Function::IsBool),
        ("IS_NUMBER", Function::IsNumber),
        ("IS_STRING", Function::IsString),
        ("IS_OBJECT", Function::IsObject),
        ("IS_ARRAY", Function::IsArray),
        ("IS_PRIMITIVE", Function::IsPrimitive),
        ("STARTSWITH", Function::StartsWith),
        ("STARTS_WITH", Function::StartsWith),
        ("ENDSWITH", Function::EndsWith),
        ("ENDS_WITH", Function::EndsWith),
        ("CONTAINS", Function::Contains),
        ("LOWER", Function::Lower),
        ("UPPER", Function::Upper),
        ("LENGTH", Function::Length),
    ];

    /// How many values it takes.
    pub fn arity(self) -> usize {
        match self {
            Function::StartsWith | Function::EndsWith | Function::Contains => 2,
            _ => 1,
        }
    }
}

/// Words that mean something, in upper case; a level of a path that looks like one is written in brackets.
pub(super) const KEYWORDS: [&str; 16] = [
    "SELECT",
    "TOP",
    "AS",
    "FROM",
    "WHERE",
    "GROUP",
    "BY",
    "AND",
    "OR",
    "NOT",
    "IN",
    "NIN",
    "NULL",
    "TRUE",
    "FALSE",
    "UNDEFINED",
];

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

/// What is within another expression stands in parentheses, unless it is a value by itself; so precedence needs no thought.
struct Within<'a>(&'a Expression);

impl fmt::Display for Within<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            simple @ (Expression::Literal(_) | Expression::Path(_) | Expression::Array(_) | Expression::Call(..)) => {
                write!(f, "{simple}")
            }
            composed => write!(f, "({composed})"),
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
            Expression::Not(inner) => write!(f, "NOT {}", Within(inner)),
            Expression::Negative(inner) => write!(f, "-{}", Within(inner)),
            Expression::Binary(operator, left, right) => {
                write!(f, "{} {} {}", Within(left), operator.sign(), Within(right))
            }
            Expression::In(value, negated, list) => {
                let word = if *negated { "NIN" } else { "IN" };
                write!(f, "{} {word} {}", Within(value), Within(list))
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
