//! Mail to people, through the SMTP server that the settings name: short plain texts with one-time links.
//!
//! Knows what the letters say and how they are sent, not when. Nothing is sent twice: a server that does not take a
//! letter is told of to the caller, or in the log where nobody waits.

mod letter;

use std::sync::Arc;
use std::time::Duration;

use lettre::message::{Mailbox, SinglePart};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::config::Mail;

pub use letter::Letter;

/// How long the server may take over each step.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Errands that may be under way or wait at one time; each holds a connection for a moment.
const ERRANDS_AT_ONCE: usize = 64;

/// Why a letter was not sent.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `mail.smtp_url` cannot be used.
    #[error("setting `mail.smtp_url` cannot be used, expected `smtps://user:password@host` or `smtp://…`")]
    Url(#[source] lettre::transport::smtp::Error),
    /// `mail.from` is no sender.
    #[error("setting `mail.from` is `{from}`, expected an address, or `Name <address>`")]
    From {
        /// As given.
        from: String,
        /// Why.
        source: lettre::address::AddressError,
    },
    /// The recipient's address is none that mail can go to.
    #[error("no mail can be sent to this address")]
    Address(#[source] lettre::address::AddressError),
    /// The letter could not be put together.
    #[error("letter cannot be written")]
    Write(#[source] lettre::error::Error),
    /// The server did not take it.
    #[error("mail server did not take the letter")]
    Send(#[source] lettre::transport::smtp::Error),
}

/// Sends letters. Cheap to clone.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    app_url: String,
    errands: TaskTracker,
    slots: Arc<Semaphore>,
}

impl Mailer {
    /// The mailer that the settings describe; `None` where they name no server.
    ///
    /// # Errors
    /// [`Error::Url`] and [`Error::From`] for settings that cannot be used.
    pub fn new(settings: &Mail) -> Result<Option<Self>, Error> {
        if settings.smtp_url.is_empty() {
            return Ok(None);
        }
        let from =
            settings.from.parse().map_err(|source| Error::From { from: settings.from.clone(), source })?;
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(&settings.smtp_url);
        Ok(Some(Self {
            transport: builder.map_err(Error::Url)?.timeout(Some(TIMEOUT)).build(),
            from,
            app_url: settings.app_url.trim_end_matches('/').to_owned(),
            errands: TaskTracker::new(),
            slots: Arc::new(Semaphore::new(ERRANDS_AT_ONCE)),
        }))
    }

    /// Sends a letter and waits until the server has taken it.
    ///
    /// # Errors
    /// [`Error::Send`] where the server does not answer or refuses, [`Error::Address`] for an address that cannot be one.
    pub async fn send(&self, to: &str, letter: &Letter<'_>) -> Result<(), Error> {
        let message = self.message(to, letter)?;
        self.transport.send(message).await.map(drop).map_err(Error::Send)
    }

    fn message(&self, to: &str, letter: &Letter<'_>) -> Result<Message, Error> {
        let to: Address = to.parse().map_err(Error::Address)?;
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .message_id(None)
            .subject(letter.subject())
            .singlepart(SinglePart::plain(letter.text(&self.app_url)))
            .map_err(Error::Write)
    }

    /// Does something that ends in a letter while its caller goes on, so that the time of an answer tells nothing of
    /// whether one was sent. `false` where too much is under way already.
    pub fn run(&self, errand: impl Future<Output = ()> + Send + 'static) -> bool {
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else { return false };
        self.errands.spawn(async move {
            errand.await;
            drop(slot);
        });
        true
    }

    /// Waits until what is under way is done; nothing new may be begun.
    pub async fn finish(&self) {
        self.errands.close();
        self.errands.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(smtp_url: &str, from: &str) -> Mail {
        Mail { smtp_url: smtp_url.to_owned(), from: from.to_owned(), app_url: String::new() }
    }

    #[test]
    fn servers_are_named_with_and_without_encryption() {
        for url in [
            "smtps://user:p%40ss@mail.example.org",
            "smtp://mail.example.org:587?tls=required",
            "smtp://mail",
        ] {
            let mailer = Mailer::new(&settings(url, "Ocriva <ocriva@example.org>"));
            assert!(matches!(mailer, Ok(Some(_))), "{url}");
        }
        assert!(matches!(Mailer::new(&settings("", "")), Ok(None)));
    }

    #[test]
    fn a_letter_says_how_its_text_is_written() {
        let mailer = Mailer::new(&settings("smtp://mail", "ocriva@example.org")).unwrap().unwrap();
        let message = mailer.message("ada@example.org", &Letter::PasswordChanged).unwrap().formatted();
        let message = String::from_utf8(message).unwrap();
        for line in ["MIME-Version: 1.0", "To: ada@example.org", "Content-Type: text/plain; charset=utf-8"] {
            assert!(message.lines().any(|found| found == line), "no `{line}` in {message}");
        }
        assert!(matches!(mailer.message("nobody", &Letter::PasswordChanged), Err(Error::Address(_))));
    }

    #[test]
    fn settings_that_cannot_be_used_are_named() {
        let told = |url, from| Mailer::new(&settings(url, from)).err().map(|error| error.to_string());
        let url = told("https://mail.example.org", "ocriva@example.org").unwrap();
        assert!(url.contains("`mail.smtp_url`"), "{url}");
        let from = told("smtp://mail", "nobody").unwrap();
        assert!(from.contains("`mail.from`") && from.contains("`nobody`"), "{from}");
    }
}
