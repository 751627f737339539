//! What SELECT and GROUP BY make of twins.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use super::{Aggregate, Item, Path, Query, Select, Selected};

impl Query {
    /// Whether rows stand for many twins.
    pub fn is_aggregate(&self) -> bool {
        let aggregates = match &self.select {
            Select::All => false,
            Select::Items(items) => items
                .iter()
                .any(|item| matches!(item.selected, Selected::Aggregate(..))),
        };
        aggregates || !self.group_by.is_empty()
    }

    /// The row for one twin of a query that does not aggregate. A value that is not there is not in the row either.
    pub fn row(&self, twin: Value) -> Value {
        let Select::Items(items) = &self.select else {
            return twin;
        };
        let values = named(items).filter_map(|(name, item)| match &item.selected {
            Selected::Path(path) => Some((name, path.find(&twin)?.clone())),
            Selected::Aggregate(..) => None,
        });
        Value::Object(values.collect())
    }

    /// The rows for all twins of a query that aggregates: one for each group, ordered by what they are grouped by, or one at all.
    pub fn rows(&self, twins: &[Value]) -> Vec<Value> {
        let Select::Items(items) = &self.select else {
            return Vec::new();
        };
        let mut groups: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
        if self.group_by.is_empty() {
            groups.insert(String::new(), Vec::new());
        }
        for twin in twins {
            let key: Vec<Option<&Value>> = self.group_by.iter().map(|path| path.find(twin)).collect();
            // Undefined is not null.
            let key = key.iter().map(|value| value.map_or("-".to_owned(), Value::to_string));
            groups.entry(key.collect::<Vec<_>>().join(",")).or_default().push(twin);
        }
        groups.values().map(|group| aggregate_row(items, group)).collect()
    }
}

fn aggregate_row(items: &[Item], group: &[&Value]) -> Value {
    let values = named(items).filter_map(|(name, item)| {
        let value = match &item.selected {
            Selected::Path(path) => path.find(group.first()?)?.clone(),
            Selected::Aggregate(aggregate, of) => aggregated(*aggregate, of.as_ref(), group)?,
        };
        Some((name, value))
    });
    Value::Object(values.collect::<Map<_, _>>())
}

/// Items with the names they have in rows: their alias, the last level of their path, or `$1`, `$2`, .. as in the database below.
fn named(items: &[Item]) -> impl Iterator<Item = (String, &Item)> {
    let mut nameless = 0;
    items.iter().map(move |item| {
        let name = match (&item.alias, &item.selected) {
            (Some(alias), _) => alias.clone(),
            (None, Selected::Path(Path(levels))) => levels.last().cloned().unwrap_or_default(),
            (None, Selected::Aggregate(..)) => {
                nameless += 1;
                format!("${nameless}")
            }
        };
        (name, item)
    })
}

/// None when there is nothing to make it of.
fn aggregated(aggregate: Aggregate, of: Option<&Path>, group: &[&Value]) -> Option<Value> {
    let values = || group.iter().filter_map(|twin| of?.find(twin));
    if aggregate == Aggregate::Count {
        let number = if of.is_some() { values().count() } else { group.len() };
        return Some(number.into());
    }
    let numbers: Vec<f64> = values().filter_map(Value::as_f64).collect();
    let sum = || numbers.iter().sum::<f64>();
    let number = match aggregate {
        Aggregate::Sum => sum(),
        Aggregate::Avg if numbers.is_empty() => return None,
        Aggregate::Avg => sum() / numbers.len() as f64,
        Aggregate::Min => numbers.iter().copied().reduce(f64::min)?,
        Aggregate::Max => numbers.iter().copied().reduce(f64::max)?,
        Aggregate::Count => return None,
    };
    // Whole numbers are written as such.
    if number.fract() == 0.0 && number.abs() < 9e15 {
        return Some((number as i64).into());
    }
    Number::from_f64(number).map(Value::Number)
}
