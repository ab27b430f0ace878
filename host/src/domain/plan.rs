//! Plans: what an organization may use. The plans themselves are data; this is what each of them says.

words! {
    /// Something that a plan limits for an organization as a whole.
    pub enum Quota {
        /// Bytes of the files that are kept.
        Storage => "storage",
        /// Templates.
        Templates => "templates",
        /// Documents processed in a calendar month (UTC), those processed again included.
        Processing => "processing",
        /// Requests that read, in a calendar month (UTC).
        Reads => "reads",
        /// Bytes uploaded and downloaded in a calendar month (UTC).
        Transfer => "transfer",
        /// Webhook endpoints.
        WebhookEndpoints => "webhook_endpoints",
    }
}

/// A plan. A limit that is `None` is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Its name, which is also its id.
    pub name: String,
    /// Whether new organizations get it.
    pub is_default: bool,
    /// Bytes of the files that are kept.
    pub storage_bytes: Option<u64>,
    /// Templates.
    pub templates: Option<u64>,
    /// Documents processed per month.
    pub monthly_processing: Option<u64>,
    /// Requests that read, per month.
    pub monthly_reads: Option<u64>,
    /// Bytes uploaded and downloaded per month.
    pub monthly_transfer_bytes: Option<u64>,
    /// Webhook endpoints.
    pub webhook_endpoints: Option<u64>,
    /// Bytes of one file; the server's own limit holds too.
    pub max_file_bytes: Option<u64>,
    /// Requests per minute of one credential.
    pub credential_rate: Option<u32>,
    /// Requests per minute of all credentials of an organization together.
    pub organization_rate: Option<u32>,
    /// Whether processing takes credits.
    pub needs_credits: bool,
}

impl Plan {
    /// How much of something it allows; `None` for any amount.
    pub fn allowed(&self, quota: Quota) -> Option<u64> {
        match quota {
            Quota::Storage => self.storage_bytes,
            Quota::Templates => self.templates,
            Quota::Processing => self.monthly_processing,
            Quota::Reads => self.monthly_reads,
            Quota::Transfer => self.monthly_transfer_bytes,
            Quota::WebhookEndpoints => self.webhook_endpoints,
        }
    }

    /// Checks that `used`, what is asked for included, is within a quota.
    ///
    /// # Errors
    /// [`QuotaExceeded`] where it is not.
    pub fn check(&self, quota: Quota, used: u64) -> Result<(), QuotaExceeded> {
        match self.allowed(quota) {
            Some(allowed) if used > allowed => Err(QuotaExceeded { quota, wanted: used, allowed }),
            _ => Ok(()),
        }
    }
}

/// More of something than the plan allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the plan allows {allowed} of the quota `{quota}`{}, and this would make {wanted}", quota.period())]
pub struct QuotaExceeded {
    /// Of what.
    pub quota: Quota,
    /// How much it would be.
    pub wanted: u64,
    /// How much is allowed.
    pub allowed: u64,
}

impl Quota {
    /// The unit and the period that its numbers are in, as words to follow its name.
    fn period(self) -> &'static str {
        match self {
            Self::Storage => " (bytes)",
            Self::Templates | Self::WebhookEndpoints => "",
            Self::Processing | Self::Reads => " (per month)",
            Self::Transfer => " (bytes per month)",
        }
    }
}

/// How much of a quota an organization has used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaUse {
    /// Of what.
    pub quota: Quota,
    /// How much.
    pub used: u64,
    /// How much is allowed; `None` for any amount.
    pub allowed: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_holds_up_to_and_with_what_is_allowed() {
        let plan = Plan { templates: Some(5), ..Plan::default() };
        assert_eq!(plan.check(Quota::Templates, 5), Ok(()));
        let error = plan.check(Quota::Templates, 6).unwrap_err();
        assert_eq!(error.to_string(), "the plan allows 5 of the quota `templates`, and this would make 6");
        assert_eq!(plan.check(Quota::Reads, u64::MAX), Ok(()));
    }
}
