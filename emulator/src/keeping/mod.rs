//! What the emulator knows, kept beyond its process, when a folder was named for it; otherwise nothing here does anything.

mod log;

use std::path::Path;
use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use serde_json::Value;

use crate::state::{Enrollments, Hub, Keeper};
use crate::store::{Store, StoreError};

/// What rows of the emulator's own hub begin with.
const OWN: &str = "hub/";

/// What those of hubs that were declared begin with, before their names.
const LINKED: &str = "hubs/";

/// What those of DPS begin with.
const DPS: &str = "dps/";

/// The row that says whose all this is.
const SCOPE: &str = "id-scope";

/// The store, shared by whoever must wait for it before saying that something is done.
#[derive(Clone, Default)]
pub(crate) struct Keeping(Option<Arc<Store>>);

/// What an earlier process has left.
#[derive(Default)]
pub(crate) struct Kept(Vec<(String, Value)>);

impl Keeping {
    /// Opens the store in `folder`.
    pub(crate) fn open(folder: &Path) -> Result<(Keeping, Kept), StoreError> {
        let (store, rows) = Store::open(folder)?;
        Ok((Keeping(Some(Arc::new(store))), Kept(rows)))
    }

    /// Notes that the identity with this id scope has its device and enrolments.
    pub(crate) fn note_furnished(&self, id_scope: &str) {
        if let Some(store) = &self.0 {
            store.note(SCOPE.to_owned(), Some(&Value::from(id_scope)));
        }
    }

    /// Has everything that changes in the emulator's own hub kept from now on, after what was left of it has been put back.
    pub(crate) fn keep_own_hub(&self, hub: &Arc<Hub>, kept: &Kept) -> Result<(), StoreError> {
        self.keep_hub(OWN.to_owned(), hub, kept)
    }

    /// The same of a hub that was declared under this name.
    pub(crate) fn keep_linked_hub(&self, name: &str, hub: &Arc<Hub>, kept: &Kept) -> Result<(), StoreError> {
        self.keep_hub(format!("{LINKED}{}/", name.to_ascii_lowercase()), hub, kept)
    }

    fn keep_hub(&self, prefix: String, hub: &Arc<Hub>, kept: &Kept) -> Result<(), StoreError> {
        let Some(store) = &self.0 else { return Ok(()) };
        for (name, value) in kept.under(&prefix) {
            hub.restore(name, value.clone())
                .map_err(|reason| store.unusable(&reason))?;
        }
        log::keep(store, &prefix, hub)?;
        hub.keep_with(keeper(store, prefix));
        Ok(())
    }

    /// The same of what DPS knows.
    pub(crate) fn keep_enrollments(&self, enrollments: &Enrollments, kept: &Kept) -> Result<(), StoreError> {
        let Some(store) = &self.0 else { return Ok(()) };
        for (name, value) in kept.under(DPS) {
            enrollments
                .restore(name, value)
                .map_err(|reason| store.unusable(&reason))?;
        }
        enrollments.keep_with(keeper(store, DPS.to_owned()));
        Ok(())
    }

    /// Writes what is left and lets go of the file.
    pub(crate) fn close(&self) {
        if let Some(store) = &self.0 {
            store.close();
        }
    }

    /// Waits until all that has changed so far is on the disk: what must be before an acknowledgement leaves this process.
    pub(crate) async fn settled(&self) {
        if let Some(store) = &self.0 {
            store.settled().await;
        }
    }

    /// Whether what has changed is not all on the disk yet.
    pub(crate) fn is_behind(&self) -> bool {
        self.0.as_ref().is_some_and(|store| store.is_behind())
    }

    /// Waits until there is room for more: for whoever goes on without waiting for what it changed to be kept.
    pub(crate) async fn relieved(&self) {
        if let Some(store) = &self.0 {
            store.relieved().await;
        }
    }
}

impl Kept {
    /// Whether an emulator of this id scope was here before.
    pub(crate) fn is_of(&self, id_scope: &str) -> bool {
        self.0.iter().any(|(name, value)| name == SCOPE && *value == id_scope)
    }

    /// The rows whose names begin so, without that beginning.
    fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.0
            .iter()
            .filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value)))
    }
}

fn keeper(store: &Arc<Store>, prefix: String) -> Keeper {
    let store = Arc::clone(store);
    Box::new(move |change| store.note(format!("{prefix}{}", change.name), change.value.as_ref()))
}

/// Holds an answer back until what was done for it is kept. One that goes on and on finds the store among the request's extensions,
/// to wait for it by itself.
pub(crate) async fn settle(State(keeping): State<Keeping>, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(keeping.clone());
    let response = next.run(request).await;
    keeping.settled().await;
    response
}
