//! Invitations: sent, accepted with and without an account, withdrawn, refused.

use std::time::Duration;

use ocriva::domain::organization::Role;
use serde_json::{Value, json};
use support::api::{Answer, PASSWORD, TestApi, text};
use support::database::Engine;
use support::mail::MailServer;
use support::over_http;

over_http!(with_mail =>
    somebody_new_makes_an_account_and_joins,
    somebody_with_an_account_joins_with_it,
    a_sign_up_that_was_never_confirmed_gives_nobody_the_account,
    an_invitation_is_accepted_once,
    an_invitation_ends_by_time_by_withdrawal_and_by_the_next_one,
    a_member_is_not_invited_again,
    administrators_invite_no_owners,
    an_invitation_that_cannot_be_sent_is_none,
);

struct Mailed {
    api: TestApi,
    mail: MailServer,
    /// Of an owner.
    access: String,
}

async fn with_mail(engine: Engine) -> Option<Mailed> {
    let mail = MailServer::start().await;
    let api = TestApi::with(engine, |config| {
        config.mail.smtp_url = mail.url();
        config.mail.from = "ocriva@example.org".to_owned();
        config.auth.signup = true;
    });
    let api = api.await?;
    let access = api.access_token(Role::Owner).await;
    Some(Mailed { api, mail, access })
}

const ADA: &str = "ada@example.org";

impl Mailed {
    fn path(&self) -> String {
        format!("/organizations/{}/invitations", self.api.organization())
    }

    async fn invite(&self, email: &str, role: &str) -> Answer {
        self.api.post(&self.path(), &self.access, &json!({"email": email, "role": role})).await
    }

    /// The token that an invitation to Ada brings her.
    async fn invite_ada(&self) -> String {
        let invited = self.invite(ADA, "member").await;
        assert_eq!(invited.status, 201, "{invited:?}");
        self.mail.letter_to(ADA).await.token()
    }

    async fn accept(&self, body: Value) -> Answer {
        self.api.post("/invitations/accept", "", &body).await
    }

    async fn open(&self) -> u64 {
        let listed = self.api.get(&self.path(), &self.access).await;
        listed.body["pagination"]["total"].as_u64().unwrap()
    }
}

async fn somebody_new_makes_an_account_and_joins(test: Mailed) {
    let invited = test.invite("Ada@Example.org", "admin").await;
    assert_eq!((&invited.body["email"], &invited.body["role"]), (&json!(ADA), &json!("admin")));
    let letter = test.mail.letter_to(ADA).await;
    assert_eq!(letter.subject, "You are invited to First");
    assert_eq!(test.open().await, 1);
    let token = letter.token();
    let missing = test.accept(json!({"token": token})).await;
    missing.assert_error(400, "request.invalid");
    assert!(missing.body["message"].to_string().contains("`password`"), "{missing:?}");
    let short = test.accept(json!({"token": token, "name": "Ada", "password": "short"})).await;
    short.assert_error(400, "request.invalid");

    let accepted = test.accept(json!({"token": token, "name": "Ada", "password": PASSWORD})).await;
    assert_eq!((accepted.status.as_u16(), &accepted.body["role"]), (200, &json!("admin")), "{accepted:?}");
    let login = test.api.login(ADA, PASSWORD).await;
    assert_eq!(login.body["user"]["organizationId"], test.api.organization());
    assert_eq!((&login.body["user"]["name"], &login.body["user"]["role"]), (&json!("Ada"), &json!("admin")));
    assert_eq!(test.open().await, 0);
}

async fn somebody_with_an_account_joins_with_it(test: Mailed) {
    let elsewhere = test.api.base.other_tenant().await.organization_id;
    test.api.member(&elsewhere, ADA, Role::Viewer).await;
    let token = test.invite_ada().await;
    // What is said of a new account does not touch the one there is.
    let accepted = test.accept(json!({"token": token, "name": "Eve", "password": "another password"})).await;
    assert_eq!(accepted.status, 200, "{accepted:?}");
    test.api.login(ADA, "another password").await.assert_error(401, "auth.login_failed");
    let login = test.api.login(ADA, PASSWORD).await;
    let access = text(&login.body["accessToken"]);
    let organizations = test.api.get("/organizations", &access).await.body;
    let roles: Vec<_> = organizations.as_array().unwrap().iter().map(|own| own["role"].clone()).collect();
    assert_eq!(roles, ["member", "viewer"]);
}

async fn a_sign_up_that_was_never_confirmed_gives_nobody_the_account(test: Mailed) {
    let squatter = json!({"email": ADA, "password": "the squatter's", "name": "Eve"});
    assert_eq!(test.api.post("/auth/signup", "", &squatter).await.status, 202);
    test.mail.letter_to(ADA).await;
    let token = test.invite_ada().await;
    test.accept(json!({"token": token})).await.assert_error(400, "request.invalid");
    let accepted = test.accept(json!({"token": token, "name": "Ada", "password": PASSWORD})).await;
    assert_eq!(accepted.status, 200, "{accepted:?}");
    test.api.login(ADA, "the squatter's").await.assert_error(401, "auth.login_failed");
    assert_eq!(test.api.login(ADA, PASSWORD).await.body["user"]["name"], "Ada");
}

async fn an_invitation_is_accepted_once(test: Mailed) {
    let token = test.invite_ada().await;
    let body = json!({"token": token, "name": "Ada", "password": PASSWORD});
    let (one, other) = tokio::join!(test.accept(body.clone()), test.accept(body.clone()));
    let statuses = [one.status.as_u16(), other.status.as_u16()];
    assert!(
        statuses.contains(&200) && statuses.iter().any(|status| (400..500).contains(status)),
        "{statuses:?}"
    );
    test.accept(body).await.assert_error(400, "auth.one_time_token_invalid");
    test.accept(json!({"token": "unknown"})).await.assert_error(400, "auth.one_time_token_invalid");
}

async fn an_invitation_ends_by_time_by_withdrawal_and_by_the_next_one(test: Mailed) {
    let person = |token: &str| json!({"token": token, "name": "Ada", "password": PASSWORD});
    let replaced = test.invite_ada().await;
    let withdrawn = test.invite_ada().await;
    test.accept(person(&replaced)).await.assert_error(400, "auth.one_time_token_invalid");
    let listed = test.api.get(&test.path(), &test.access).await.body;
    assert_eq!(listed["pagination"]["total"], 1);
    let path = format!("{}/{}", test.path(), text(&listed["data"][0]["id"]));
    assert_eq!(test.api.delete(&path, &test.access).await.status, 204);
    test.api.delete(&path, &test.access).await.assert_error(404, "invitation.unknown");
    test.accept(person(&withdrawn)).await.assert_error(400, "auth.one_time_token_invalid");
    let late = test.invite_ada().await;
    test.api.base.clock.advance(Duration::from_secs(7 * 24 * 60 * 60 + 1));
    test.accept(person(&late)).await.assert_error(400, "auth.one_time_token_invalid");
}

async fn a_member_is_not_invited_again(test: Mailed) {
    test.invite("owner@example.org", "viewer").await.assert_error(409, "member.exists");
    test.invite("no address", "viewer").await.assert_error(400, "request.invalid");
    test.invite(ADA, "king").await.assert_error(400, "request.invalid");
    assert!(test.mail.letters().is_empty());
}

async fn administrators_invite_no_owners(test: Mailed) {
    let admin = test.api.access_token(Role::Admin).await;
    let body = json!({"email": ADA, "role": "owner"});
    test.api.post(&test.path(), &admin, &body).await.assert_error(403, "auth.role_insufficient");
    assert_eq!(test.invite(ADA, "owner").await.status, 201);
}

async fn an_invitation_that_cannot_be_sent_is_none(test: Mailed) {
    test.mail.refuse();
    let refused = test.invite(ADA, "member").await;
    refused.assert_error(503, "mail.failed");
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(test.open().await, 0);
}
