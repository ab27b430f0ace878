//! A place for a plugin that is loaded when it is asked for and goes when nobody asks any more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Mutex;

use crate::plugins::engine::Plugin;

/// A plugin, or none yet, or none any more.
#[derive(Default)]
pub(super) struct Slot {
    loaded: RwLock<Option<Arc<Plugin>>>,
    /// Held while it is loaded: who comes meanwhile waits for the same.
    loading: Mutex<()>,
    /// Whether it was asked for since the last [`Slot::rest`].
    is_used: AtomicBool,
}

impl Slot {
    /// The plugin, which `load` gives where there is none.
    ///
    /// # Errors
    /// Those of `load`: then there is still none.
    pub(super) async fn get_or_load<E>(
        &self,
        load: impl AsyncFnOnce() -> Result<Arc<Plugin>, E>,
    ) -> Result<Arc<Plugin>, E> {
        self.is_used.store(true, Ordering::Relaxed);
        if let Some(plugin) = self.get() {
            return Ok(plugin);
        }
        let _loading = self.loading.lock().await;
        if let Some(plugin) = self.get() {
            return Ok(plugin);
        }
        let plugin = load().await?;
        self.put(Some(Arc::clone(&plugin)));
        Ok(plugin)
    }

    /// Lets the plugin go, unless it was asked for since the last time or could not be had again. Calls that have it keep
    /// it.
    pub(super) fn rest(&self, can_be_had_again: impl FnOnce() -> bool) {
        let is_used = self.is_used.swap(false, Ordering::Relaxed);
        if !is_used && self.get().is_some() && can_be_had_again() {
            self.put(None);
        }
    }

    fn get(&self) -> Option<Arc<Plugin>> {
        self.loaded.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, plugin: Option<Arc<Plugin>>) {
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = plugin;
    }
}
