//! Random bytes, for a plugin that asks for them (`random = true` in `plugin.toml`) and is granted them.

use crate::bindings::ocriva::extract::random as host;
use crate::document::Document;

/// Most bytes that one call to the host gives.
const CHUNK: usize = 64 << 10;

impl Document<'_> {
    /// Bytes that nobody can guess, fit for keys. In a test they count up.
    pub fn random_bytes(&self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count);
        while bytes.len() < count {
            let wanted = (count - bytes.len()).min(CHUNK);
            match self.surroundings() {
                Some(surroundings) => {
                    let mut drawn = surroundings.drawn.borrow_mut();
                    for _ in 0..wanted {
                        bytes.push(*drawn);
                        *drawn = drawn.wrapping_add(1);
                    }
                }
                None => bytes.extend(host::bytes(wanted as u32)),
            }
        }
        bytes
    }
}
