//! Lists that are given page by page.

use axum::{
    Json,
    extract::FromRequestParts,
    http::{HeaderName, request::Parts},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;

use super::{
    body::{invalid, text_header},
    failure::Refused,
};

/// How many a page has at most, and when nothing is said.
const PAGE: usize = 100;

const MAX_ITEM_COUNT: &str = "x-ms-max-item-count";
const CONTINUATION: HeaderName = HeaderName::from_static("x-ms-continuation");
const ITEM_TYPE: HeaderName = HeaderName::from_static("x-ms-item-type");

/// Which page is asked for.
pub(super) struct Page {
    /// The last id of the page before.
    pub(super) after: Option<String>,
    size: usize,
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refused> {
        let given = |name| Ok::<_, Refused>(text_header(&parts.headers, name)?.filter(|text| !text.is_empty()));
        let size = match given(MAX_ITEM_COUNT)? {
            None => PAGE,
            Some(text) => match text.parse::<usize>() {
                Ok(size) if size > 0 => size.min(PAGE),
                _ => return Err(invalid(format!("{MAX_ITEM_COUNT} is a number from 1 on"))),
            },
        };
        let after = given(CONTINUATION.as_str())?
            .map(|token| {
                let bytes = STANDARD.decode(token).ok()?;
                String::from_utf8(bytes).ok()
            })
            .map(|token| token.ok_or_else(|| invalid("x-ms-continuation is not what an earlier answer had")))
            .transpose()?;
        Ok(Page { after, size })
    }
}

impl Page {
    /// How many to look up: one more than the page has, to know whether there is another.
    pub(super) fn wanted(&self) -> usize {
        self.size.saturating_add(1)
    }

    /// The page, made of what was looked up; `id` gives an item's id.
    pub(super) fn answer<T: Serialize>(
        &self,
        mut items: Vec<T>,
        kind: &'static str,
        id: impl Fn(&T) -> String,
    ) -> Response {
        let more = items.len() > self.size;
        items.truncate(self.size);
        let last = items.last().filter(|_| more).map(|last| id(last).to_ascii_lowercase());
        let next = last.map(|last| [(CONTINUATION, STANDARD.encode(last))]);
        match next {
            Some(next) => ([(ITEM_TYPE, kind)], next, Json(items)).into_response(),
            None => ([(ITEM_TYPE, kind)], Json(items)).into_response(),
        }
    }
}
