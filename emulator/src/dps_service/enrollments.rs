//! `/enrollments` and `/enrollmentGroups`, which are alike.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, header::ETAG},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{
    Dps,
    body::{IfMatch, JsonObject, invalid},
    failure::Refused,
    paging::Page,
};
use crate::state::{BULK_LIMIT, BulkMode, Record};

pub(super) fn routes<R: Record + Send + 'static>() -> Router<Dps> {
    let collection = R::COLLECTION;
    Router::new()
        .route(&format!("/{collection}"), post(bulk::<R>))
        .route(&format!("/{collection}/query"), post(query::<R>))
        .route(
            &format!("/{collection}/{{id}}"),
            get(read::<R>).put(write::<R>).delete(delete::<R>),
        )
        .route(
            &format!("/{collection}/{{id}}/attestationmechanism"),
            post(attestation::<R>),
        )
}

async fn read<R: Record>(State(dps): State<Dps>, Path(id): Path<String>) -> Result<Response, Refused> {
    Ok(answer(dps.enrollments.read::<R>(&id)?))
}

/// Makes one; with an If-Match header, changes one.
async fn write<R: Record>(
    State(dps): State<Dps>,
    Path(id): Path<String>,
    IfMatch(if_match): IfMatch,
    JsonObject(body): JsonObject,
) -> Result<Response, Refused> {
    Ok(answer(dps.enrollments.write::<R>(&id, &body, if_match.as_deref())?))
}

async fn delete<R: Record>(
    State(dps): State<Dps>,
    Path(id): Path<String>,
    IfMatch(if_match): IfMatch,
) -> Result<StatusCode, Refused> {
    dps.enrollments.erase::<R>(&id, if_match.as_deref())?;
    Ok(StatusCode::NO_CONTENT)
}

async fn attestation<R: Record>(State(dps): State<Dps>, Path(id): Path<String>) -> Result<Json<Value>, Refused> {
    Ok(Json(dps.enrollments.attestation::<R>(&id)?))
}

async fn query<R: Record>(
    State(dps): State<Dps>,
    page: Page,
    JsonObject(body): JsonObject,
) -> Result<Response, Refused> {
    let text = body.get("query").and_then(Value::as_str).unwrap_or_default();
    if !asks_for_all(text, R::COLLECTION) {
        return Err(invalid(format!(
            "the emulator knows one query here: SELECT * FROM {}",
            R::COLLECTION
        )));
    }
    let items = dps.enrollments.page::<R>(page.after.as_deref(), page.wanted());
    Ok(page.answer(items, R::ITEM_TYPE, |item| {
        item[R::ID].as_str().unwrap_or_default().to_owned()
    }))
}

/// `SELECT * FROM enrollments` in any case and spacing, or `*`, which the SDKs' samples send.
fn asks_for_all(text: &str, collection: &str) -> bool {
    let words: Vec<_> = text.split_whitespace().collect();
    match words.as_slice() {
        ["*"] => true,
        [select, "*", from, what] => {
            select.eq_ignore_ascii_case("select")
                && from.eq_ignore_ascii_case("from")
                && what.eq_ignore_ascii_case(collection)
        }
        _ => false,
    }
}

async fn bulk<R: Record>(State(dps): State<Dps>, JsonObject(body): JsonObject) -> Result<Json<Value>, Refused> {
    let mode = match body.get("mode").and_then(Value::as_str) {
        Some("create") => BulkMode::Create,
        Some("update") => BulkMode::Update,
        Some("updateIfMatchETag") => BulkMode::UpdateIfMatchEtag,
        Some("delete") => BulkMode::Delete,
        _ => return Err(invalid("mode is create, update, updateIfMatchETag or delete")),
    };
    let entries = body.get(R::COLLECTION).and_then(Value::as_array);
    let Some(entries) = entries.filter(|entries| (1..=BULK_LIMIT).contains(&entries.len())) else {
        return Err(invalid(format!("{} is a list of 1 to {BULK_LIMIT}", R::COLLECTION)));
    };
    let failed = dps.enrollments.bulk::<R>(mode, entries);
    let errors: Vec<_> = failed
        .iter()
        .map(|(id, error)| json!({R::ID: id, "errorCode": error.code(), "errorStatus": error.to_string()}))
        .collect();
    Ok(Json(json!({"isSuccessful": errors.is_empty(), "errors": errors})))
}

fn answer(shown: Value) -> Response {
    let etag = shown.get("etag").and_then(Value::as_str).unwrap_or_default();
    ([(ETAG, format!("\"{etag}\""))], Json(shown)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_asks_for_all_of_one_kind() {
        for all in ["*", "select * from ENROLLMENTS", " SELECT  *\nFROM enrollments "] {
            assert!(asks_for_all(all, "enrollments"), "{all}");
        }
        for other in [
            "",
            "SELECT * FROM enrollmentGroups",
            "SELECT registrationId FROM enrollments",
            "SELECT * FROM enrollments WHERE deviceId = 'd'",
        ] {
            assert!(!asks_for_all(other, "enrollments"), "{other}");
        }
    }
}
