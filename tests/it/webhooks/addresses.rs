//! Where webhooks may lead: never into the network that the server runs in, unless its operator says so.

use ocriva::config::Config;
use ocriva::domain::audit::Actor;
use ocriva::domain::event::EventKind;
use ocriva::domain::webhook::{NewWebhook, WebhookStatus};
use reqwest::Method;
use serde_json::json;
use support::api::TestApi;
use support::over_http;
use support::receiver::Receiver;

use super::{Sending, create, delivery_failed_once, hook};

over_http!(a_private_address_is_refused_when_it_is_set, a_name_that_leads_to_a_private_address_is_not_called);

async fn a_private_address_is_refused_when_it_is_set(api: TestApi) {
    let addresses = "http://127.0.0.1/ http://127.1:9000/ http://2130706433/ http://0x7f.0.0.1/ http://0177.0.0.1/ \
        http://[::1]/ http://[::ffff:10.0.0.1]/ http://10.0.0.8/hook http://169.254.169.254/latest/meta-data/ \
        http://0.0.0.0:8080/ http://localhost:8080/hook https://user:word@example.org/ ftp://example.org/ example.org";
    let public = create(&api, "https://93.184.215.14/hook", &["document.uploaded"]).await;
    for url in addresses.split_whitespace() {
        let body = json!({"name": "Hook", "url": url, "events": ["document.uploaded"]});
        let made = api.post("/webhooks", &api.token, &body).await;
        made.assert_error(400, "request.invalid");
        let moved = api.send(Method::PATCH, &hook(&public), &api.token, &json!({"url": url})).await;
        moved.assert_error(400, "request.invalid");
    }
    assert_eq!(api.get(&hook(&public), &api.token).await.body["url"], "https://93.184.215.14/hook");
}

/// The addresses behind a name may change once it is set: they are judged again for every connection.
async fn a_name_that_leads_to_a_private_address_is_not_called(api: TestApi) {
    let receiver = Receiver::start().await;
    let sealed = |owner: String, text: &str| api.keys().seal(&owner, text).unwrap();
    for url in [receiver.url.clone(), receiver.url.replace("127.0.0.1", "localhost")] {
        let id = api.base.clock.clock().new_id();
        let new = NewWebhook {
            project_id: None,
            name: "Hook".to_owned(),
            description: None,
            url,
            events: vec![EventKind::DocumentUploaded],
            sealed_headers: sealed(ocriva::webhooks::headers_owner(&id), "{}"),
            sealed_secret: sealed(ocriva::webhooks::secret_owner(&id), "a-secret-of-my-own"),
            status: WebhookStatus::Active,
            created_by: None,
            id,
        };
        api.base.store.create_webhook(&Actor::system(), &api.organization(), new).await.unwrap();
    }
    api.upload("a.png").await;
    let sending = Sending::start(&api);
    let webhooks = api.get("/webhooks", &api.token).await.body;
    for webhook in webhooks["data"].as_array().unwrap() {
        let log = delivery_failed_once(&api, webhook).await;
        assert_eq!(log["attempts"][0]["error"]["code"], "address_refused", "{log:#}");
    }
    sending.stop().await;
    assert_eq!(receiver.received().len(), 0);
}

#[test]
fn an_operator_allows_networks_and_not_words() {
    let set = |value: &str| {
        let flags = [("webhooks.allowed_networks", value.to_owned())];
        Config::load(None, &flags)
    };
    assert_eq!(set(r#"["10.0.0.0/8"]"#).unwrap().webhooks.allowed_networks, ["10.0.0.0/8"]);
    let error = set(r#"["intranet"]"#).unwrap_err().to_string();
    assert!(error.contains("`webhooks.allowed_networks` has `intranet`"), "{error}");
}
