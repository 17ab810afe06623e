//! Pages that are made once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use actix_web::web::Bytes;

use crate::error::Result;

/// Pages and files by key. All readers get the same bytes: a copy for each connection that does not read would fill
/// the memory.
#[derive(Default)]
pub struct PageCache(Mutex<HashMap<String, Bytes>>);

impl PageCache {
    /// The page of a key, made at the first request. Keys must be few.
    pub fn get(&self, key: String, make: impl FnOnce() -> Result<Bytes>) -> Result<Bytes> {
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(page) = pages.get(&key) {
            return Ok(page.clone());
        }
        let page = make()?;
        pages.insert(key, page.clone());
        Ok(page)
    }
}
