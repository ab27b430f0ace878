//! What operators see of a plugin: what it asks for, what it is given, and who vouches for it.

use ocriva::domain::capability::Capability;
use ocriva::plugins::signature::SigningKey;
use ocriva_plugin_build::embed;
use serde_json::{Value, json};
use support::api::{TestApi, component_form};
use support::database::Engine;
use support::{guest, lines_guest, over_http};

over_http!(world =>
    what_a_version_asks_for_and_is_given_is_shown_with_its_signature,
    what_asks_for_nothing_has_the_usual_limits_and_nothing_else,
);

const WISHES: &str = "name = \"capable\"\nversion = \"1.0.0\"\n[capabilities]\nclock = true\nrandom = true\nkv = true\n\
    http = { hosts = [\"api.example.org\"] }\nllm = { max_tokens = 1000000 }\nlookup = true\n\
    [limits]\ncpu_ms = 2000\nmemory_mib = 100000\n";

/// A server that trusts a key and grants everything.
struct World {
    api: TestApi,
    key: SigningKey,
}

async fn world(engine: Engine) -> Option<World> {
    let (_, key) = SigningKey::generate().unwrap();
    let api = TestApi::with(engine, |config| {
        config.plugins.trusted_keys = vec![key.public_key()];
        config.plugins.grants.insert("*".to_owned(), Capability::ALL.to_vec());
    });
    Some(World { api: api.await?, key })
}

async fn what_a_version_asks_for_and_is_given_is_shown_with_its_signature(world: World) {
    let World { api, key } = world;
    let component = embed(&guest("capable"), WISHES);
    let signature = key.sign(&component);
    let form = component_form(component).text("signature", signature).text("activate", "true");
    let made = api.submit("/plugins", &api.token, form).await;
    assert_eq!(made.status, 201, "{made:?}");
    let access = &made.body["access"];
    let capabilities = access["capabilities"].as_array().unwrap();
    let named =
        |name: &str| capabilities.iter().find(|capability| capability["name"] == name).unwrap().clone();
    let names: Vec<&Value> = capabilities.iter().map(|capability| &capability["name"]).collect();
    assert_eq!(names, ["lookup", "clock", "random", "kv", "http", "llm"]);
    assert_eq!(
        named("llm"),
        json!({"name": "llm", "imported": true, "asked": true, "granted": true, "allowed": true, "hosts": [],
            "tokens": {"asked": 1_000_000, "given": 20_000}})
    );
    assert_eq!(named("http")["hosts"], json!(["api.example.org"]));
    let lookup = named("lookup");
    assert_eq!([&lookup["imported"], &lookup["asked"], &lookup["allowed"]], [false, true, false]);
    let limits = &access["limits"];
    assert_eq!(limits["cpu_ms"], json!({"asked": 2000, "given": 2000}));
    assert_eq!(limits["memory_mib"], json!({"asked": 100_000, "given": 256}));
    assert_eq!(limits["handles"], json!({"asked": null, "given": 4096}));
    assert_eq!(made.body["signature"], json!({"state": "trusted", "key": key.public_key()}));

    let versions = api.get("/plugins/capable/versions", &api.token).await.body;
    let plugin = api.get("/plugins/capable", &api.token).await.body;
    for shown in [&versions[0], &plugin] {
        assert_eq!((&shown["access"], &shown["signature"]), (access, &made.body["signature"]));
    }
}

async fn what_asks_for_nothing_has_the_usual_limits_and_nothing_else(world: World) {
    let api = world.api;
    let made = api.install(lines_guest("parts", "1.2.0"), &api.token).await;
    assert_eq!(made["access"]["capabilities"], json!([]));
    assert_eq!(made["access"]["limits"]["cpu_ms"], json!({"asked": null, "given": 1000}));
    assert_eq!(made["signature"], json!({"state": "unsigned", "key": null}));
    let bundled = api.get("/plugins/invoice", &api.token).await.body;
    assert_eq!(bundled["signature"], json!({"state": "bundled", "key": null}));
    let lookup = &bundled["access"]["capabilities"][0];
    assert_eq!([&lookup["name"], &lookup["allowed"]], [&json!("lookup"), &json!(true)]);
}
