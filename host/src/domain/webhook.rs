//! Webhooks: addresses that want to hear of events, and what became of telling them.

use super::event::{Event, EventKind};
use super::timestamp::Timestamp;

words! {
    /// Whether a webhook is told.
    pub enum WebhookStatus {
        /// It is told at once.
        Active => "active",
        /// Its deliveries wait until it is active again.
        Paused => "paused",
        /// Nothing is kept for it. The program switches it off itself when it fails for days.
        Disabled => "disabled",
    }
}

/// A webhook. What is secret of it is sealed here: only those who hold the installation's keys can read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Id.
    pub id: String,
    /// The organization whose events it gets.
    pub organization_id: String,
    /// The project whose events it gets; `None` for every project's, and for those of no project.
    pub project_id: Option<String>,
    /// Name for people.
    pub name: String,
    /// More words for people.
    pub description: Option<String>,
    /// Where it is told: `http` or `https`.
    pub url: String,
    /// What it wants to hear of; at least one.
    pub events: Vec<EventKind>,
    /// Headers that are sent along: a sealed JSON object of texts.
    pub sealed_headers: String,
    /// What it is signed with, sealed.
    pub sealed_secret: String,
    /// What it was signed with before, sealed, and until when it is still signed with it, too.
    pub previous_secret: Option<(String, Timestamp)>,
    /// Whether it is told.
    pub status: WebhookStatus,
    /// Time of the first failure since the last success.
    pub failing_since: Option<Timestamp>,
    /// When it last took a delivery.
    pub delivered_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What a new webhook is made of. Its organization is named beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWebhook {
    /// Id, made before its secrets were sealed for it.
    pub id: String,
    /// The project whose events it gets; `None` for all.
    pub project_id: Option<String>,
    /// Name for people.
    pub name: String,
    /// More words for people.
    pub description: Option<String>,
    /// Where it is told.
    pub url: String,
    /// What it wants to hear of.
    pub events: Vec<EventKind>,
    /// Headers that are sent along, sealed.
    pub sealed_headers: String,
    /// What it is signed with, sealed.
    pub sealed_secret: String,
    /// Whether it is told.
    pub status: WebhookStatus,
    /// The user who makes it.
    pub created_by: Option<String>,
}

/// Changes of a webhook; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookChanges {
    /// Name for people.
    pub name: Option<String>,
    /// More words for people; the inner `None` removes them.
    pub description: Option<Option<String>>,
    /// Where it is told.
    pub url: Option<String>,
    /// What it wants to hear of.
    pub events: Option<Vec<EventKind>>,
    /// Headers that are sent along, sealed.
    pub sealed_headers: Option<String>,
    /// Whether it is told.
    pub status: Option<WebhookStatus>,
}

words! {
    /// How far a delivery is.
    pub enum DeliveryState {
        /// To be tried, for the first time or again.
        Pending => "pending",
        /// The receiver took it.
        Delivered => "delivered",
        /// Given up.
        Failed => "failed",
    }
}

/// An event on its way to one webhook.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Id.
    pub id: String,
    /// The webhook.
    pub webhook_id: String,
    /// The event, by the id that receivers see.
    pub event_id: String,
    /// What happened.
    pub kind: EventKind,
    /// How far it is.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next; of one that is being tried, when it is given to another sender if this one falls silent.
    pub due_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was delivered or given up.
    pub finished_at: Option<Timestamp>,
}

/// A delivery with all that is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveryRecord {
    /// The delivery.
    pub delivery: Delivery,
    /// What is delivered.
    pub event: Event,
    /// Every attempt, oldest first.
    pub attempts: Vec<DeliveryAttempt>,
}

/// One attempt at a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryAttempt {
    /// From 1; grows through re-sending.
    pub number: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// What came of it; `None` while it is under way, and for ever where its sender was lost.
    pub answer: Option<AttemptAnswer>,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptAnswer {
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// HTTP status, where the receiver answered.
    pub status: Option<u16>,
    /// First bytes of the answer as text.
    pub body: Option<String>,
    /// Why it does not count as delivered; `None` where it does.
    pub failure: Option<AttemptFailure>,
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptFailure {
    /// A stable word, such as `timeout`.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

/// What is to become of a delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The receiver took it.
    Delivered,
    /// It is tried again after this time.
    Retry(std::time::Duration),
    /// It was tried as often as it may.
    GiveUp,
}

/// What became of the wish to have a delivery sent again.
#[derive(Debug, Clone, PartialEq)]
pub enum Resending {
    /// It is due now.
    Accepted(Box<Delivery>),
    /// It is just being sent.
    UnderWay,
    /// The webhook is paused or disabled.
    Inactive(WebhookStatus),
    /// There is no such delivery.
    NotFound,
}

/// What became of the wish to try a webhook out.
#[derive(Debug, Clone, PartialEq)]
pub enum Trial {
    /// A test event is on its way.
    Accepted(Box<Delivery>),
    /// The webhook is paused or disabled.
    Inactive(WebhookStatus),
    /// There is no such webhook.
    NotFound,
}
