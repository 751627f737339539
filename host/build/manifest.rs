//! The manifest of a package of this workspace, for use outside it.

use toml::{Table, Value};

/// `member`'s manifest with everything written out that it inherits from the `workspace`'s. Lints stay behind: they are
/// for those who work on the package.
pub(crate) fn standalone(member: &str, workspace: &str) -> Result<String, toml::de::Error> {
    let mut member: Table = member.parse()?;
    let workspace: Table = workspace.parse()?;
    let inherited = |section: &str| {
        let section = workspace.get("workspace").and_then(|workspace| workspace.get(section));
        section.and_then(Value::as_table).cloned().unwrap_or_default()
    };
    let (package, dependencies) = (inherited("package"), inherited("dependencies"));
    member.remove("lints");
    inherit(member.get_mut("package"), &package);
    inherit(member.get_mut("dependencies"), &dependencies);
    for (_, target) in member
        .get_mut("target")
        .and_then(Value::as_table_mut)
        .into_iter()
        .flatten()
    {
        inherit(target.get_mut("dependencies"), &dependencies);
    }
    Ok(member.to_string())
}

/// Puts what the workspace says in the place of each `{ workspace = true }`.
fn inherit(section: Option<&mut Value>, from: &Table) {
    for (name, value) in section.and_then(Value::as_table_mut).into_iter().flatten() {
        let is_inherited = value.get("workspace").is_some();
        if let Some(inherited) = from.get(name).filter(|_| is_inherited) {
            *value = inherited.clone();
        }
    }
}
