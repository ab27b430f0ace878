//! How much one call may use: the operator's defaults, or what the manifest asks for up to the operator's maximum.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config;

/// Every limit stands once in the list below; settings, manifest and metering have it under the same key.
macro_rules! limits {
    ($($(#[$about:meta])* $key:ident),* $(,)?) => {
        /// Every limit of a call and of its component, in the units of the settings and of the manifest.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        pub struct Limits { $($(#[$about])* pub $key: u64),* }

        /// The limits that a plugin asks for. What is left out is as the operator's settings have it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct AskedLimits {
            $($(#[$about])* #[serde(skip_serializing_if = "Option::is_none")] pub $key: Option<u64>),*
        }

        impl Limits {
            /// What a plugin has that asks for nothing.
            pub(super) fn usual(settings: &config::Plugins) -> Self {
                Self { $($key: settings.$key),* }
            }

            /// The most that a plugin can be given.
            pub(super) fn maximum(settings: &config::Plugins) -> Self {
                Self { $($key: settings.maximum.$key),* }
            }

            /// Every limit, by key.
            pub(super) fn named(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($key), self.$key)),*]
            }

            /// These, but for what is asked for, and of that no more than `maximum`.
            pub(super) fn given(&self, asked: &AskedLimits, maximum: &Self) -> Self {
                Self { $($key: asked.$key.map_or(self.$key, |asked| asked.min(maximum.$key))),* }
            }
        }

        impl AskedLimits {
            /// What is asked for, by key.
            pub(super) fn named(&self) -> Vec<(&'static str, Option<u64>)> {
                vec![$((stringify!($key), self.$key)),*]
            }
        }
    };
}

limits! {
    /// Milliseconds of processor time.
    cpu_ms,
    /// Milliseconds from start to end, waiting included.
    wall_ms,
    /// Memory in MiB.
    memory_mib,
    /// Size of the answer in KiB.
    output_kib,
    /// Size of the log in KiB.
    log_kib,
    /// Lines of the log.
    log_lines,
    /// Pages, word lists and pictures held at one time.
    handles,
    /// Calls to the host.
    host_calls,
    /// Readings of parts of a page by OCR.
    ocr_calls,
    /// Searches in reference files.
    lookups,
    /// Readings and writings of kept values.
    kv_calls,
    /// Requests to other servers.
    http_requests,
    /// Size of the component in MiB.
    component_mib,
}

impl Limits {
    pub(super) fn cpu(&self) -> Duration {
        Duration::from_millis(self.cpu_ms)
    }

    pub(super) fn wall(&self) -> Duration {
        Duration::from_millis(self.wall_ms)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        bytes(self.memory_mib, 20)
    }

    pub(super) fn output_bytes(&self) -> usize {
        bytes(self.output_kib, 10)
    }

    pub(super) fn log_bytes(&self) -> usize {
        bytes(self.log_kib, 10)
    }

    pub(super) fn component_bytes(&self) -> u64 {
        self.component_mib.saturating_mul(1 << 20)
    }
}

fn bytes(amount: u64, shift: u32) -> usize {
    usize::try_from(amount.saturating_mul(1 << shift)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_granted_up_to_the_maximum_and_the_rest_is_as_usual() {
        let settings = config::Config::default().plugins;
        let (usual, maximum) = (Limits::usual(&settings), Limits::maximum(&settings));
        let asked = AskedLimits { cpu_ms: Some(u64::MAX), memory_mib: Some(1), ..AskedLimits::default() };
        let given = usual.given(&asked, &maximum);
        assert_eq!(given, Limits { cpu_ms: maximum.cpu_ms, memory_mib: 1, ..usual });
    }
}
