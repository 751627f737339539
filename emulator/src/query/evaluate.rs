//! What a condition makes of a twin.
//!
//! A value may be undefined, and so may what is made of it: `None` here. Only what is true is true.

use std::{borrow::Cow, cmp::Ordering};

use serde_json::Value;

use super::{Binary, Expression, Function, Literal, Path, Query};

type Found<'a> = Option<Cow<'a, Value>>;

impl Query {
    /// Whether a twin, as the service API shows it, is among those the query asks for.
    pub fn matches(&self, twin: &Value) -> bool {
        self.filter
            .as_ref()
            .is_none_or(|filter| truth(filter, twin) == Some(true))
    }
}

impl Path {
    /// The value in a twin. `devices.` and `devices.modules.` may stand before it; the first level, which the hub names, is found
    /// in any case.
    pub fn find<'a>(&self, twin: &'a Value) -> Option<&'a Value> {
        let levels: Vec<&str> = self.0.iter().map(String::as_str).collect();
        let levels = match levels.as_slice() {
            [devices, modules, rest @ ..]
                if devices.eq_ignore_ascii_case("devices")
                    && modules.eq_ignore_ascii_case("modules")
                    && !rest.is_empty() =>
            {
                rest
            }
            [devices, rest @ ..] if devices.eq_ignore_ascii_case("devices") && !rest.is_empty() => rest,
            levels => levels,
        };
        let (first, below) = levels.split_first()?;
        let top = twin.as_object()?;
        let found = top.get(*first).or_else(|| {
            let (_, value) = top.iter().find(|(name, _)| name.eq_ignore_ascii_case(first))?;
            Some(value)
        })?;
        below.iter().try_fold(found, |value, level| value.get(level))
    }
}

fn truth(expression: &Expression, twin: &Value) -> Option<bool> {
    match expression {
        Expression::Not(inner) => truth(inner, twin).map(|truth| !truth),
        // What is decided by one side alone does not ask for the other.
        Expression::Binary(Binary::And, left, right) => match truth(left, twin) {
            Some(false) => Some(false),
            left => match (left, truth(right, twin)) {
                (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
        },
        Expression::Binary(Binary::Or, left, right) => match truth(left, twin) {
            Some(true) => Some(true),
            left => match (left, truth(right, twin)) {
                (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
        },
        other => value(other, twin)?.as_bool(),
    }
}

fn value<'a>(expression: &Expression, twin: &'a Value) -> Found<'a> {
    let owned = |value: Value| Some(Cow::Owned(value));
    match expression {
        Expression::Literal(Literal::Undefined) => None,
        Expression::Literal(Literal::Null) => owned(Value::Null),
        Expression::Literal(Literal::Bool(value)) => owned(Value::Bool(*value)),
        Expression::Literal(Literal::Number(number)) => owned((*number).into()),
        Expression::Literal(Literal::Text(text)) => owned(Value::String(text.clone())),
        Expression::Path(path) => path.find(twin).map(Cow::Borrowed),
        Expression::Array(items) => {
            let items = items.iter().filter_map(|item| value(item, twin)).map(Cow::into_owned);
            owned(Value::Array(items.collect()))
        }
        Expression::Negative(inner) => owned((-value(inner, twin)?.as_f64()?).into()),
        Expression::Not(_) | Expression::Binary(Binary::And | Binary::Or, ..) => truth(expression, twin).map(boolean),
        Expression::Binary(operator, left, right) => {
            combine(*operator, &*value(left, twin)?, &*value(right, twin)?).map(Cow::Owned)
        }
        Expression::In(wanted, negated, list) => {
            let (wanted, list) = (value(wanted, twin)?, value(list, twin)?);
            let there = list.as_array()?.iter().any(|item| equal(&wanted, item) == Some(true));
            Some(boolean(there != *negated))
        }
        Expression::Call(function, arguments) => call(*function, arguments, twin).map(Cow::Owned),
    }
}

fn boolean<'a>(value: bool) -> Cow<'a, Value> {
    Cow::Owned(Value::Bool(value))
}

/// Whether two values of one primitive type are the same; nothing for others.
fn equal(left: &Value, right: &Value) -> Option<bool> {
    match (left, right) {
        (Value::Null, Value::Null) => Some(true),
        (Value::Bool(left), Value::Bool(right)) => Some(left == right),
        _ => order(left, right).map(Ordering::is_eq),
    }
}

fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

fn combine(operator: Binary, left: &Value, right: &Value) -> Option<Value> {
    let numbers = || Some((left.as_f64()?, right.as_f64()?));
    // A number that JSON does not have, as of a division by zero, is undefined.
    let number = |number: f64| serde_json::Number::from_f64(number).map(Value::Number);
    match operator {
        Binary::Equal => equal(left, right).map(Value::Bool),
        Binary::NotEqual => equal(left, right).map(|equal| Value::Bool(!equal)),
        Binary::Less => order(left, right).map(|order| Value::Bool(order.is_lt())),
        Binary::AtMost => order(left, right).map(|order| Value::Bool(order.is_le())),
        Binary::Greater => order(left, right).map(|order| Value::Bool(order.is_gt())),
        Binary::AtLeast => order(left, right).map(|order| Value::Bool(order.is_ge())),
        Binary::Add => numbers().and_then(|(left, right)| number(left + right)),
        Binary::Subtract => numbers().and_then(|(left, right)| number(left - right)),
        Binary::Multiply => numbers().and_then(|(left, right)| number(left * right)),
        Binary::Divide => numbers().and_then(|(left, right)| number(left / right)),
        Binary::Modulo => numbers().and_then(|(left, right)| number(left % right)),
        // Those look at one side first.
        Binary::And | Binary::Or => None,
    }
}

fn call(function: Function, arguments: &[Expression], twin: &Value) -> Option<Value> {
    let argument = |index: usize| value(arguments.get(index)?, twin);
    let first = argument(0);
    let is = |wanted: fn(&Value) -> bool| Some(Value::Bool(first.as_deref().is_some_and(wanted)));
    let texts = |test: fn(&str, &str) -> bool| {
        let second = argument(1)?;
        Some(Value::Bool(test(first.as_deref()?.as_str()?, second.as_str()?)))
    };
    match function {
        Function::IsDefined => Some(Value::Bool(first.is_some())),
        Function::IsNull => is(Value::is_null),
        Function::IsBool => is(Value::is_boolean),
        Function::IsNumber => is(Value::is_number),
        Function::IsString => is(Value::is_string),
        Function::IsObject => is(Value::is_object),
        Function::IsArray => is(Value::is_array),
        Function::IsPrimitive => is(|value| !value.is_object() && !value.is_array()),
        Function::StartsWith => texts(|text, part| text.starts_with(part)),
        Function::EndsWith => texts(|text, part| text.ends_with(part)),
        Function::Contains => texts(|text, part| text.contains(part)),
        Function::Lower => Some(Value::String(first?.as_str()?.to_lowercase())),
        Function::Upper => Some(Value::String(first?.as_str()?.to_uppercase())),
        Function::Length => Some(first?.as_str()?.chars().count().into()),
    }
}
