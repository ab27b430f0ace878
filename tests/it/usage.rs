//! Usage: what was done, by day and by project.

use std::time::Duration;

use ocriva::domain::audit::Actor;
use ocriva::domain::document::Failure;
use ocriva::domain::project::NewProject;
use ocriva::domain::project_member::ProjectAccess;
use ocriva::domain::tenant::Tenant;
use ocriva::domain::token::TokenScope;
use serde_json::{Value, json};
use support::api::TestApi;
use support::over_http;
use support::store::{processed, project_id};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

over_http!(
    analytics_add_up_by_day_and_by_project,
    a_deleted_document_stays_counted,
    a_period_that_is_none_names_those_there_are,
    a_projects_token_sees_its_project_only,
);

async fn analytics_add_up_by_day_and_by_project(api: TestApi) {
    let test = &api.base;
    let other = other_project(&api).await;
    let attempt = test.upload_and_start().await;
    test.clock.advance(Duration::from_secs(3));
    test.store.complete_attempt(&attempt, &processed("")).await.unwrap();
    let attempt = test.upload_and_start().await;
    let failure = Failure { code: "plugin.panic".to_owned(), message: "a test says so".to_owned() };
    test.store.fail_attempt(&attempt, &failure).await.unwrap();
    test.store.measure_storage().await.unwrap();
    let first_day = test.clock.clock().now().to_date();
    test.clock.advance(DAY * 2);
    let waiting = test.upload(&other, &test.new_document()).await;
    test.store.cancel_document(&Actor::system(), &other, &waiting.id).await.unwrap();
    test.store.measure_storage().await.unwrap();

    let body = analytics(&api, "period=7d", &api.token).await;
    assert_eq!((&body["period"], body["days"].as_array().map(Vec::len)), (&json!("7d"), Some(7)));
    let today = test.clock.clock().now().to_date();
    assert_eq!((&body["to"], &body["days"][6]["date"]), (&json!(today), &json!(today)));
    let total = &body["total"];
    let counts = ["documents", "completed", "failed", "cancelled", "pages", "credits"];
    assert_eq!(counts.map(|name| total[name].as_u64().unwrap()), [3, 1, 1, 1, 2, 0]);
    assert_eq!((&total["uploadedBytes"], &total["storageBytes"]), (&json!(3702), &json!(3702)));
    let mean = total["meanProcessingMs"].as_f64().unwrap();
    assert!((3000.0..20_000.0).contains(&mean), "{mean}");

    let day = |date: &str| -> &Value {
        body["days"].as_array().unwrap().iter().find(|day| day["date"] == date).unwrap()
    };
    assert_eq!(counts.map(|name| day(&first_day)[name].as_u64().unwrap()), [2, 1, 1, 0, 2, 0]);
    assert_eq!(counts.map(|name| day(&today)[name].as_u64().unwrap()), [1, 0, 0, 1, 0, 0]);
    assert_eq!(day(&today)["meanProcessingMs"], Value::Null);

    let projects = body["projects"].as_array().unwrap();
    let named: Vec<(&str, u64)> = projects
        .iter()
        .map(|project| (project["projectName"].as_str().unwrap(), project["documents"].as_u64().unwrap()))
        .collect();
    assert_eq!(named, [("Default", 2), ("Other", 1)]);
    let only = analytics(&api, &format!("projectId={}", api.project()), &api.token).await;
    assert_eq!(
        (&only["total"]["documents"], only["projects"].as_array().map(Vec::len)),
        (&json!(2), Some(1))
    );
    assert_eq!(only["period"], "30d");
}

async fn a_deleted_document_stays_counted(api: TestApi) {
    let test = &api.base;
    let attempt = test.upload_and_start().await;
    test.store.complete_attempt(&attempt, &processed("")).await.unwrap();
    let before = analytics(&api, "period=1y", &api.token).await;
    test.store.delete_document(&Actor::system(), &test.tenant(), &attempt.document.id).await.unwrap();
    assert_eq!(analytics(&api, "period=1y", &api.token).await, before);
    assert_eq!(before["days"].as_array().map(Vec::len), Some(365));
}

async fn a_period_that_is_none_names_those_there_are(api: TestApi) {
    let answer = api.get("/usage/analytics?period=2w", &api.token).await;
    answer.assert_error(400, "request.invalid");
    assert_eq!(answer.body["message"][0], "`period` is `2w`, it must be one of `7d`, `30d`, `90d`, `1y`");
}

async fn a_projects_token_sees_its_project_only(api: TestApi) {
    let other = other_project(&api).await;
    api.upload("a.png").await;
    let token = api.token_with(&api.organization(), Some(&project_id(&other)), TokenScope::ALL).await;
    assert_eq!(analytics(&api, "", &token).await["total"]["documents"], 0);
    let answer = api.get(&format!("/usage/analytics?projectId={}", api.project()), &token).await;
    answer.assert_error(401, "auth.project_out_of_reach");
}

async fn analytics(api: &TestApi, query: &str, token: &str) -> Value {
    let answer = api.get(&format!("/usage/analytics?{query}"), token).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

async fn other_project(api: &TestApi) -> Tenant {
    let new = NewProject {
        name: "Other".to_owned(),
        description: None,
        access: ProjectAccess::Organization,
        file_retention_days: 0,
    };
    let made = api.base.store.create_project(&Actor::system(), &api.organization(), new).await.unwrap();
    Tenant::project(api.organization(), made.id)
}
