//! A person's own account: sign-up, confirmed addresses, forgotten and changed passwords.

use std::time::Duration;

use ocriva::domain::organization::Role;
use serde_json::json;
use support::api::{Answer, PASSWORD, TestApi, text};
use support::database::Engine;
use support::mail::MailServer;
use support::over_http;

over_http!(with_mail =>
    a_sign_up_leads_to_an_organization_once_the_address_is_confirmed,
    a_link_works_for_a_time_and_once,
    an_address_with_an_account_is_answered_the_same_and_told_by_mail,
    signing_up_again_replaces_the_password_while_the_address_is_not_confirmed,
    bad_sign_ups_are_refused_with_every_reason,
    a_forgotten_password_is_replaced_once_and_all_logins_end,
    an_unknown_address_is_answered_the_same_and_gets_no_letter,
    another_address_is_in_force_once_it_is_confirmed,
    letters_to_one_address_are_limited,
);

mod without_mail {
    use super::*;

    over_http!(
        without_a_mail_server_the_routes_that_need_it_say_so,
        a_changed_password_ends_all_logins_but_this_one,
        a_logout_everywhere_ends_every_login,
        a_person_changes_their_own_name,
    );
}

/// A server that sends mail, and where it goes.
struct Mailed {
    api: TestApi,
    mail: MailServer,
}

async fn with_mail(engine: Engine) -> Option<Mailed> {
    let mail = MailServer::start().await;
    let api = TestApi::with(engine, |config| {
        config.mail.smtp_url = mail.url();
        config.mail.from = "Ocriva <ocriva@example.org>".to_owned();
        config.mail.app_url = "https://app.example.org/".to_owned();
        config.auth.signup = true;
    });
    Some(Mailed { api: api.await?, mail })
}

const ADA: &str = "ada@example.org";

async fn sign_up(api: &TestApi, password: &str) -> Answer {
    let body = json!({"email": ADA, "password": password, "name": "Ada", "organizationName": "Engines"});
    api.post("/auth/signup", "", &body).await
}

async fn verify(api: &TestApi, token: &str) -> Answer {
    api.post("/auth/verify-email", "", &json!({"token": token})).await
}

async fn forgot(api: &TestApi, email: &str) -> Answer {
    api.post("/auth/forgot-password", "", &json!({"email": email})).await
}

async fn reset(api: &TestApi, token: &str, password: &str) -> Answer {
    api.post("/auth/reset-password", "", &json!({"token": token, "password": password})).await
}

async fn a_sign_up_leads_to_an_organization_once_the_address_is_confirmed(Mailed { api, mail }: Mailed) {
    assert_eq!(sign_up(&api, PASSWORD).await.status, 202);
    let letter = mail.letter_to(ADA).await;
    assert_eq!(
        (letter.from.as_str(), letter.subject.as_str()),
        ("ocriva@example.org", "Confirm your address")
    );
    assert!(letter.text.contains("https://app.example.org/verify-email?token="), "{}", letter.text);
    api.login(ADA, PASSWORD).await.assert_error(403, "auth.email_unverified");

    let confirmed = verify(&api, &letter.token()).await;
    assert_eq!((confirmed.status.as_u16(), confirmed.body["email"].as_str()), (200, Some(ADA)));
    let login = api.login("ADA@Example.org", PASSWORD).await;
    assert_eq!(login.status, 200, "{login:?}");
    assert_eq!(login.body["user"]["role"], "owner");
    let access = text(&login.body["accessToken"]);
    let organizations = api.get("/organizations", &access).await.body;
    assert_eq!(
        (&organizations[0]["name"], organizations.as_array().map(Vec::len)),
        (&json!("Engines"), Some(1))
    );
    assert_eq!(api.get("/projects", &access).await.body.as_array().map(Vec::len), Some(1));
}

async fn a_link_works_for_a_time_and_once(Mailed { api, mail }: Mailed) {
    sign_up(&api, PASSWORD).await;
    let first = mail.letter_to(ADA).await.token();
    api.base.clock.advance(Duration::from_secs(48 * 60 * 60 + 1));
    verify(&api, &first).await.assert_error(400, "auth.one_time_token_invalid");
    sign_up(&api, PASSWORD).await;
    let second = mail.letter_to(ADA).await.token();
    assert_eq!(verify(&api, &second).await.status, 200);
    verify(&api, &second).await.assert_error(400, "auth.one_time_token_invalid");
    // A token for one thing is none for another.
    forgot(&api, ADA).await;
    let forgotten = mail.letter_to(ADA).await.token();
    verify(&api, &forgotten).await.assert_error(400, "auth.one_time_token_invalid");
}

async fn an_address_with_an_account_is_answered_the_same_and_told_by_mail(Mailed { api, mail }: Mailed) {
    let fresh = sign_up(&api, PASSWORD).await;
    verify(&api, &mail.letter_to(ADA).await.token()).await;
    let again = sign_up(&api, "another password").await;
    assert_eq!((again.status, &again.body), (fresh.status, &fresh.body));
    assert_eq!(mail.letter_to(ADA).await.subject, "You have an account already");
    api.login(ADA, "another password").await.assert_error(401, "auth.login_failed");
}

async fn signing_up_again_replaces_the_password_while_the_address_is_not_confirmed(
    Mailed { api, mail }: Mailed,
) {
    sign_up(&api, "somebody else's").await;
    let first = mail.letter_to(ADA).await.token();
    sign_up(&api, PASSWORD).await;
    let second = mail.letter_to(ADA).await.token();
    verify(&api, &first).await.assert_error(400, "auth.one_time_token_invalid");
    assert_eq!(verify(&api, &second).await.status, 200);
    api.login(ADA, "somebody else's").await.assert_error(401, "auth.login_failed");
    assert_eq!(api.login(ADA, PASSWORD).await.status, 200);
}

async fn bad_sign_ups_are_refused_with_every_reason(Mailed { api, mail }: Mailed) {
    let body = json!({"email": "ada\r\nBcc: all@example.org", "password": "short", "name": " "});
    let refused = api.post("/auth/signup", "", &body).await;
    refused.assert_error(400, "request.invalid");
    let reasons = refused.body["message"].to_string();
    for field in ["email", "password", "name"] {
        assert!(reasons.contains(&format!("`{field}`")), "{reasons}");
    }
    assert!(mail.letters().is_empty());
}

async fn a_forgotten_password_is_replaced_once_and_all_logins_end(Mailed { api, mail }: Mailed) {
    let login = api.login_as(Role::Member).await;
    let email = text(&login["user"]["email"]);
    assert_eq!(forgot(&api, &email).await.status, 202);
    let letter = mail.letter_to(&email).await;
    assert!(letter.text.contains("/reset-password?token="), "{}", letter.text);
    reset(&api, &letter.token(), "short").await.assert_error(400, "request.invalid");
    assert_eq!(reset(&api, &letter.token(), "another password").await.status, 204);
    reset(&api, &letter.token(), "a third password").await.assert_error(400, "auth.one_time_token_invalid");
    assert_eq!(mail.letter_to(&email).await.subject, "Your password was changed");

    api.get("/auth/me", &text(&login["accessToken"])).await.assert_error(401, "auth.credential_invalid");
    let refresh = api.post("/auth/refresh", "", &json!({"refreshToken": login["refreshToken"]})).await;
    refresh.assert_error(401, "auth.refresh_invalid");
    api.login(&email, PASSWORD).await.assert_error(401, "auth.login_failed");
    assert_eq!(api.login(&email, "another password").await.status, 200);
}

async fn an_unknown_address_is_answered_the_same_and_gets_no_letter(Mailed { api, mail }: Mailed) {
    api.login_as(Role::Member).await;
    let unknown = forgot(&api, "nobody@example.org").await;
    let known = forgot(&api, "member@example.org").await;
    assert_eq!((unknown.status, &unknown.body), (known.status, &known.body));
    mail.letter_to("member@example.org").await;
    assert!(mail.letters().is_empty(), "{:?}", mail.letters());
}

async fn another_address_is_in_force_once_it_is_confirmed(Mailed { api, mail }: Mailed) {
    let access = api.access_token(Role::Member).await;
    let change = json!({"email": ADA, "currentPassword": PASSWORD});
    let guess = json!({"email": ADA, "currentPassword": "a guess"});
    api.patch("/auth/me", &access, &json!({"email": ADA})).await.assert_error(400, "request.invalid");
    api.patch("/auth/me", &access, &guess).await.assert_error(403, "auth.password_wrong");
    let asked = api.patch("/auth/me", &access, &change).await;
    assert_eq!((asked.status.as_u16(), &asked.body["email"]), (200, &json!("member@example.org")));
    let token = mail.letter_to(ADA).await.token();
    api.login(ADA, PASSWORD).await.assert_error(401, "auth.login_failed");
    assert_eq!(verify(&api, &token).await.status, 200);
    assert_eq!(api.login(ADA, PASSWORD).await.status, 200);
    let told = mail.letter_to("member@example.org").await;
    assert!(told.text.contains(ADA), "{}", told.text);
}

async fn letters_to_one_address_are_limited(Mailed { api, .. }: Mailed) {
    for _ in 0..5 {
        assert_eq!(forgot(&api, "nobody@example.org").await.status, 202);
    }
    let refused = forgot(&api, "nobody@example.org").await;
    refused.assert_error(429, "auth.too_many_attempts");
    let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=3601).contains(&wait), "{wait}");
    assert_eq!(forgot(&api, "somebody@example.org").await.status, 202);
    api.base.clock.advance(Duration::from_secs(wait));
    assert_eq!(forgot(&api, "nobody@example.org").await.status, 202);
}

async fn without_a_mail_server_the_routes_that_need_it_say_so(api: TestApi) {
    sign_up(&api, PASSWORD).await.assert_error(403, "auth.signup_disabled");
    forgot(&api, ADA).await.assert_error(409, "mail.not_configured");
    let path = format!("/organizations/{}/invitations", api.organization());
    let invited = api.post(&path, &api.token, &json!({"email": ADA, "role": "member"})).await;
    invited.assert_error(409, "mail.not_configured");
}

async fn a_changed_password_ends_all_logins_but_this_one(api: TestApi) {
    let here = api.access_token(Role::Member).await;
    let elsewhere = text(&api.login("member@example.org", PASSWORD).await.body["accessToken"]);
    let change = async |current: &str, new: &str| {
        let body = json!({"currentPassword": current, "newPassword": new});
        api.post("/auth/change-password", &here, &body).await
    };
    change("a guess", "another password").await.assert_error(403, "auth.password_wrong");
    change(PASSWORD, "short").await.assert_error(400, "request.invalid");
    assert_eq!(change(PASSWORD, "another password").await.status, 204);
    assert_eq!(api.get("/auth/me", &here).await.status, 200);
    api.get("/auth/me", &elsewhere).await.assert_error(401, "auth.credential_invalid");
    assert_eq!(api.login("member@example.org", "another password").await.status, 200);
}

async fn a_logout_everywhere_ends_every_login(api: TestApi) {
    let here = api.access_token(Role::Member).await;
    let elsewhere = text(&api.login("member@example.org", PASSWORD).await.body["accessToken"]);
    assert_eq!(api.post("/auth/logout-everywhere", &here, &json!({})).await.status, 204);
    for ended in [here, elsewhere] {
        api.get("/auth/me", &ended).await.assert_error(401, "auth.credential_invalid");
    }
}

async fn a_person_changes_their_own_name(api: TestApi) {
    let access = api.access_token(Role::Viewer).await;
    let renamed = api.patch("/auth/me", &access, &json!({"name": "Grace"})).await;
    assert_eq!((renamed.status.as_u16(), &renamed.body["name"]), (200, &json!("Grace")));
    assert_eq!(api.get("/auth/me", &access).await.body["user"], renamed.body);
    api.patch("/auth/me", &access, &json!({"name": ""})).await.assert_error(400, "request.invalid");
}
