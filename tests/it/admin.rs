//! `ocriva admin`: what an operator does beside a running server.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use support::database::Engine;
use support::program;
use support::server::{Installation, Server};

fn command(installation: &Installation, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.arg("admin").args(arguments).arg("--data").arg(installation.data());
    command.env("OCRIVA__STORAGE__DATABASE_URL", installation.database_url());
    command.env("OCRIVA__LOG__FILTER", "warn");
    command
}

fn admin(installation: &Installation, arguments: &[&str]) -> String {
    let output = command(installation, arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn refused(installation: &Installation, arguments: &[&str]) -> String {
    let output = command(installation, arguments).output().unwrap();
    assert!(!output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn with_input(installation: &Installation, arguments: &[&str], input: &str) -> Output {
    let mut command = command(installation, arguments);
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    process.wait_with_output().unwrap()
}

/// The word after `label` in what a command said.
fn word<'a>(said: &'a str, label: &str) -> &'a str {
    let (_, rest) = said.split_once(label).unwrap_or_else(|| panic!("no `{label}` in {said}"));
    rest.split_whitespace().next().unwrap()
}

async fn post(server: &Server<'_>, path: &str, body: Value) -> (u16, Value) {
    let answer = server.request(reqwest::Method::POST, path).json(&body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn login(server: &Server<'_>, password: &str) -> (u16, Value) {
    post(server, "/auth/login", json!({"email": "ada@example.org", "password": password})).await
}

async fn me(server: &Server<'_>, access: &str) -> u16 {
    let request = server.request(reqwest::Method::GET, "/auth/me").bearer_auth(access);
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_makes_organizations_and_people_while_the_server_runs() {
    let installation = Installation::new(Engine::Sqlite).await.unwrap();
    let server = installation.start();
    let made = admin(&installation, &["create-user", "Ada@Example.org", "--name", "Ada"]);
    let password = word(&made, "password ").to_owned();
    let (status, body) = login(&server, &password).await;
    assert_eq!((status, &body["code"]), (401, &json!("auth.login_failed")), "she belongs nowhere yet");

    let made = admin(&installation, &["create-organization", "Engines", "--owner", "ada@example.org"]);
    let organization = word(&made, "organization ").to_owned();
    let (status, body) = login(&server, &password).await;
    assert_eq!((status, &body["user"]["organizationId"]), (200, &json!(organization)), "{body}");
    let first = server.credentials["organizationId"].as_str().unwrap();
    admin(&installation, &["add-member", first, "ada@example.org", "viewer"]);
    let listed = admin(&installation, &["list-organizations"]);
    assert!(listed.contains(&format!("{first}\topen\t2 members\t1 projects")), "{listed}");
    assert!(admin(&installation, &["list-users"]).contains("\topen\tada@example.org\tAda"));

    let access = body["accessToken"].as_str().unwrap().to_owned();
    let set = with_input(
        &installation,
        &["set-password", "ada@example.org", "--password-stdin"],
        "battery staple\n",
    );
    assert!(set.status.success() && !String::from_utf8_lossy(&set.stdout).contains("staple"), "{set:?}");
    assert_eq!(me(&server, &access).await, 401);
    assert_eq!(login(&server, "battery staple").await.0, 200);

    admin(&installation, &["close-organization", &organization]);
    let (_, body) = login(&server, "battery staple").await;
    assert_eq!(body["user"]["organizationId"], first);
    admin(&installation, &["open-organization", &organization]);

    let access = body["accessToken"].as_str().unwrap().to_owned();
    assert_eq!(me(&server, &access).await, 200);
    admin(&installation, &["close-user", "ada@example.org"]);
    assert_eq!((me(&server, &access).await, login(&server, "battery staple").await.0), (401, 401));
    assert!(refused(&installation, &["close-user", "ada@example.org"]).contains("already"));
    admin(&installation, &["open-user", "ada@example.org"]);
    assert_eq!((me(&server, &access).await, login(&server, "battery staple").await.0), (401, 200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_rotate_without_logging_anybody_out() {
    let installation = Installation::new(Engine::Sqlite).await.unwrap();
    let server = installation.start();
    let owner = json!({"email": server.credentials["email"], "password": server.credentials["password"]});
    let (_, before) = post(&server, "/auth/login", owner.clone()).await;
    let said = admin(&installation, &["rotate-keys"]);
    assert!(said.starts_with("key 2 signs"), "{said}");
    let (_, after) = post(&server, "/auth/login", owner).await;
    for login in [&before, &after] {
        assert_eq!(me(&server, login["accessToken"].as_str().unwrap()).await, 200);
    }
}

#[tokio::test]
async fn what_cannot_be_done_is_said_and_shows_in_the_exit_status() {
    let installation = Installation::new(Engine::Sqlite).await.unwrap();
    let said = refused(&installation, &["create-organization", "Engines", "--owner", "nobody@example.org"]);
    assert!(said.contains("`nobody@example.org` has no account"), "{said}");
    let said = refused(&installation, &["create-user", "nobody", "--name", "Nobody"]);
    assert!(said.contains("`nobody` is not an address"), "{said}");
    let said = refused(&installation, &["close-organization", "nowhere"]);
    assert!(said.contains("`nowhere`"), "{said}");
    admin(&installation, &["create-user", "ada@example.org", "--name", "Ada"]);
    let said = refused(&installation, &["create-user", "ada@example.org", "--name", "Ada"]);
    assert!(said.contains("already"), "{said}");
    let said = refused(&installation, &["add-member", "nowhere", "ada@example.org", "admin"]);
    assert!(said.contains("there is no organization `nowhere`"), "{said}");
    let short =
        with_input(&installation, &["set-password", "ada@example.org", "--password-stdin"], "short\n");
    assert!(!short.status.success());
}
