//! A mail server on the loopback that speaks SMTP and keeps the letters it is given.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mail_parser::MessageParser;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// How long a letter may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(20);

/// A mail server.
pub struct MailServer {
    address: SocketAddr,
    mailbox: Arc<Mailbox>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Mailbox {
    letters: Mutex<Vec<Letter>>,
    arrived: Notify,
    refuses: AtomicBool,
}

/// A letter that arrived.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Who sent it, as the server was told.
    pub from: String,
    /// Where it went, as the server was told.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub text: String,
}

impl Letter {
    /// The one-time token in its link, or its bare code.
    #[track_caller]
    pub fn token(&self) -> String {
        let (_, rest) = self
            .text
            .split_once("?token=")
            .or_else(|| self.text.split_once("Code: "))
            .unwrap_or_else(|| panic!("no token in {}", self.text));
        rest.split_whitespace().next().expect("something follows").to_owned()
    }
}

impl MailServer {
    /// Starts a server on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let address = listener.local_addr().expect("the listener has an address");
        let mailbox = Arc::<Mailbox>::default();
        let kept = Arc::clone(&mailbox);
        let task = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let mailbox = Arc::clone(&kept);
                tokio::spawn(async move {
                    // A client that goes away in the middle has sent no letter.
                    let _ = converse(connection, &mailbox).await;
                });
            }
        });
        Self { address, mailbox, task }
    }

    /// Its URL, as in the settings.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// Takes no letter from now on.
    pub fn refuse(&self) {
        self.mailbox.refuses.store(true, Ordering::SeqCst);
    }

    /// Takes out the oldest letter to an address; waits for one.
    pub async fn letter_to(&self, email: &str) -> Letter {
        let taken = tokio::time::timeout(ARRIVAL, async {
            loop {
                let arrived = self.mailbox.arrived.notified();
                if let Some(letter) = self.take(email) {
                    return letter;
                }
                arrived.await;
            }
        });
        taken.await.unwrap_or_else(|_| panic!("no letter to {email}, only {:?}", self.letters()))
    }

    /// All letters that were not taken out, oldest first.
    pub fn letters(&self) -> Vec<Letter> {
        self.mailbox.letters.lock().expect("no test failed here").clone()
    }

    fn take(&self, email: &str) -> Option<Letter> {
        let mut letters = self.mailbox.letters.lock().expect("no test failed here");
        let found = letters.iter().position(|letter| letter.to == email)?;
        Some(letters.remove(found))
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The server's side of RFC 5321, as far as a sender of single letters needs it.
async fn converse(connection: TcpStream, mailbox: &Mailbox) -> std::io::Result<()> {
    let mut connection = BufReader::new(connection);
    connection.write_all(b"220 test\r\n").await?;
    let (mut from, mut to) = (String::new(), String::new());
    loop {
        let mut line = String::new();
        if connection.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let command = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let answer = match command.as_str() {
            "EHLO" => "250-test\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
            "MAIL" => {
                from = path(&line);
                "250 ok\r\n"
            }
            "RCPT" if mailbox.refuses.load(Ordering::SeqCst) => "550 no such mailbox\r\n",
            "RCPT" => {
                to = path(&line);
                "250 ok\r\n"
            }
            "DATA" => {
                connection.write_all(b"354 go on\r\n").await?;
                let content = content(&mut connection).await?;
                mailbox.letters.lock().expect("no test failed here").push(letter(&from, &to, &content));
                mailbox.arrived.notify_waiters();
                "250 ok\r\n"
            }
            "QUIT" => {
                connection.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            "RSET" | "NOOP" => "250 ok\r\n",
            _ => "502 not here\r\n",
        };
        connection.write_all(answer.as_bytes()).await?;
    }
}

/// What stands between the angle brackets.
fn path(line: &str) -> String {
    let inside = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map(|(path, _)| path.to_owned()).unwrap_or_default()
}

/// The lines up to the one with a single dot.
async fn content(connection: &mut BufReader<TcpStream>) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    loop {
        let mut line = Vec::new();
        connection.read_until(b'\n', &mut line).await?;
        if line == b".\r\n" || line.is_empty() {
            return Ok(content);
        }
        content.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
}

fn letter(from: &str, to: &str, content: &[u8]) -> Letter {
    let message = MessageParser::default().parse(content).expect("a letter is a message");
    Letter {
        from: from.to_owned(),
        to: to.to_owned(),
        subject: message.subject().unwrap_or_default().to_owned(),
        text: message.body_text(0).unwrap_or_default().into_owned(),
    }
}
