//! Credits: what processing costs, and whose fault a failure is.

use super::timestamp::Timestamp;

words! {
    /// What an entry of the ledger is.
    pub enum LedgerKind {
        /// Given, or taken back, by the operator.
        Grant => "grant",
        /// Taken when a document is accepted.
        Hold => "hold",
        /// The hold is earned: the document was processed, or failed by its own fault.
        Settle => "settle",
        /// The hold is given back.
        Refund => "refund",
    }
}

/// An entry of an organization's ledger. The sum of all amounts is the balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Id; later entries have higher ones.
    pub id: String,
    /// What it is.
    pub kind: LedgerKind,
    /// Credits that it adds; negative for a hold.
    pub amount: i64,
    /// The balance after it.
    pub balance: u64,
    /// The document it is about, which may be deleted meanwhile.
    pub document_id: Option<String>,
    /// The hold that it ends.
    pub closes: Option<String>,
    /// Why, in a few words.
    pub reason: String,
    /// When.
    pub created_at: Timestamp,
}

/// Fewer credits than are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this needs {needed} credits, the balance is {balance}")]
pub struct CreditsShort {
    /// What it takes.
    pub needed: u64,
    /// What there is.
    pub balance: u64,
}

/// What became of a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// The entry that was made.
    Granted(LedgerEntry),
    /// There is no such organization.
    NotFound,
}

/// How the processing of a document ended, as far as credits and usage are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending<'a> {
    /// With a result.
    Completed {
        /// Pages of the document.
        pages: u32,
    },
    /// With a failure of this code.
    Failed {
        /// The stable word of the failure.
        code: &'a str,
    },
    /// By request.
    Cancelled,
}

impl Ending<'_> {
    /// Whether the credits that were held are earned.
    pub fn is_earned(self) -> bool {
        match self {
            Self::Completed { .. } => true,
            Self::Failed { code } => is_customers_fault(code),
            Self::Cancelled => false,
        }
    }
}

/// Whether a failure is for the customer to mend: the file, the pages asked for or the template are wrong, and the same
/// request fails again. Everything else, codes that are not known here included, counts as ours and costs nothing.
pub fn is_customers_fault(code: &str) -> bool {
    matches!(
        code,
        "decode.damaged"
            | "decode.encrypted"
            | "decode.limit_exceeded"
            | "decode.no_such_page"
            | "decode.unsupported"
            | "template.invalid_schema"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_read_is_charged_and_our_failures_are_not() {
        for code in ["decode.encrypted", "decode.damaged", "template.invalid_schema"] {
            assert!(Ending::Failed { code }.is_earned(), "{code}");
        }
        for code in ["decode.timeout", "plugin.panic", "worker_lost", "document_timeout", "not.known"] {
            assert!(!Ending::Failed { code }.is_earned(), "{code}");
        }
        assert!(!Ending::Cancelled.is_earned());
    }
}
