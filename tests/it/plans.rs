//! Plans: what an organization may use, told and enforced.

use std::io::{Cursor, Write as _};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use futures::future::join_all;
use ocriva::domain::audit::Actor;
use ocriva::domain::document::{NewDocument, NewProcessing, Reprocessing};
use ocriva::domain::plan::{Plan, Quota, QuotaExceeded};
use ocriva::domain::usage::Requests;
use ocriva::store::Error;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use support::api::{Answer, TestApi, answer, bearer, png, text};
use support::database::Engine;
use support::store::{TestStore, processed, template_content};
use support::{on_each_engine, over_http, program};
use zip::write::SimpleFileOptions;

mod http {
    use super::*;

    over_http!(
        a_credential_above_its_rate_is_told_when_to_come_back,
        an_organization_above_its_rate_holds_for_all_its_credentials,
        an_organization_without_a_rate_is_told_none,
        a_file_above_the_plans_limit_is_refused_while_it_arrives,
        a_file_of_an_archive_above_the_plans_limit_is_refused,
        batches_with_refused_files_and_uploads_do_not_wait_for_each_other,
        reads_above_the_quota_are_refused,
        downloads_count_as_transfer,
        exports_count_as_transfer,
        a_quota_names_itself_what_is_allowed_and_what_it_would_be,
    );
}

on_each_engine!(
    the_plans_are_those_of_the_contract,
    a_new_organization_gets_the_default_plan,
    parallel_uploads_do_not_pass_the_processing_quota,
    storage_is_free_again_when_a_document_is_deleted,
    a_document_processed_again_counts_as_processing,
    parallel_clients_do_not_pass_the_quota_of_templates,
    a_new_month_begins_at_nothing,
);

async fn a_credential_above_its_rate_is_told_when_to_come_back(api: TestApi) {
    limit(&api.base, Plan { credential_rate: Some(60), organization_rate: Some(600), ..Plan::default() })
        .await;
    let first = projects(&api, &api.token).await;
    assert_eq!(first.status, 200);
    assert_eq!((header(&first, "ratelimit-limit"), header(&first, "ratelimit-remaining")), (60, 59));
    assert_eq!(header(&first, "ratelimit-reset"), 1);
    let refused = until_refused(&api, &api.token).await;
    assert_eq!((header(&refused, "ratelimit-remaining"), header(&refused, "retry-after")), (0, 1));

    let other = api.token_like(&api.organization(), |_| {}).await;
    assert_eq!(projects(&api, &other).await.status, 200, "another credential has its own rate");
    let since = Instant::now();
    while projects(&api, &api.token).await.status != 200 {
        assert!(since.elapsed() < Duration::from_secs(10), "the rate does not come back");
        tokio::task::yield_now().await;
    }
}

async fn an_organization_above_its_rate_holds_for_all_its_credentials(api: TestApi) {
    let (_, foreign) = api.foreign_token().await;
    limit(&api.base, Plan { credential_rate: Some(1000), organization_rate: Some(30), ..Plan::default() })
        .await;
    let refused = until_refused(&api, &api.token).await;
    assert_eq!(header(&refused, "ratelimit-limit"), 30);
    assert!((1..=2).contains(&header(&refused, "retry-after")), "{refused:?}");
    let other = api.token_like(&api.organization(), |_| {}).await;
    projects(&api, &other).await.assert_error(429, "plan.rate_exceeded");
    assert_eq!(projects(&api, &foreign).await.status, 200, "another organization has its own rate");
}

async fn an_organization_without_a_rate_is_told_none(api: TestApi) {
    let answer = projects(&api, &api.token).await;
    assert_eq!((answer.status.as_u16(), answer.headers.get("ratelimit-limit")), (200, None));
}

async fn a_file_above_the_plans_limit_is_refused_while_it_arrives(api: TestApi) {
    limit(&api.base, Plan { max_file_bytes: Some(1000), ..Plan::default() }).await;
    api.upload("a.png").await;
    let mut large = png();
    large.resize(2000, 0);
    let refused = api.submit(&api.upload_path(), &api.token, api.upload_form(large, "b.png")).await;
    refused.assert_error(413, "file.too_large");
    api.wait_for_blobs(1).await;

    let tried = Form::new()
        .text("template", r#"{"templateSchema":{"total":{"type":"amount"}}}"#)
        .part("file", Part::bytes(vec![b'x'; 2000]).file_name("large.txt"));
    let refused = api.submit("/templates/preview", &api.token, tried).await;
    refused.assert_error(413, "file.too_large");
    assert!(refused.body["message"].to_string().contains("1000 bytes"), "{refused:?}");
}

async fn batches_with_refused_files_and_uploads_do_not_wait_for_each_other(api: TestApi) {
    let batches = (0..12).map(|_| async {
        let form = Form::new()
            .text("projectId", api.project())
            .part("files", Part::bytes(&b"\0\x01\x02"[..]).file_name("refused.bin"))
            .part("files", Part::bytes(png()).file_name("accepted.png"));
        api.submit(&api.batch_path(), &api.token, form).await.status
    });
    let uploads = (0..24).map(|_| async {
        api.submit(&api.upload_path(), &api.token, api.upload_form(png(), "a.png")).await.status
    });
    let (batches, uploads) = tokio::join!(join_all(batches), join_all(uploads));
    let taken = batches.iter().chain(&uploads).filter(|status| status.as_u16() == 201).count();
    assert_eq!(taken, 36, "{batches:?} {uploads:?}");
}

async fn a_file_of_an_archive_above_the_plans_limit_is_refused(api: TestApi) {
    limit(&api.base, Plan { max_file_bytes: Some(1000), ..Plan::default() }).await;
    let mut large = png();
    large.resize(2000, 0);
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in [("large.png", large), ("small.png", png())] {
        writer.start_file(name, SimpleFileOptions::default()).unwrap();
        writer.write_all(&content).unwrap();
    }
    let archive = writer.finish().unwrap().into_inner();
    assert!(archive.len() < 1000, "the archive itself is {} bytes", archive.len());
    let form = Form::new()
        .text("projectId", api.project())
        .part("files", Part::bytes(archive).file_name("both.zip"));
    let batch = api.submit(&api.batch_path(), &api.token, form).await;
    assert_eq!(batch.status, 201, "{batch:?}");
    let batch = text(&batch.body["id"]);
    let path = format!("/processing-history?projectId={}&batchId={batch}&status=failed", api.project());
    let failed = api.get(&path, &api.token).await.body;
    assert_eq!(failed["pagination"]["total"], 1, "{failed}");
    assert_eq!(failed["data"][0]["error"]["code"], "file.too_large");
    assert_eq!(failed["data"][0]["error"]["message"], "file is larger than the limit of 1000 bytes");
}

async fn reads_above_the_quota_are_refused(api: TestApi) {
    limit(&api.base, Plan { monthly_reads: Some(3), ..Plan::default() }).await;
    for _ in 0..3 {
        assert_eq!(projects(&api, &api.token).await.status, 200);
    }
    let refused = projects(&api, &api.token).await;
    refused.assert_error(403, "plan.quota_exceeded");
    assert!(text(&refused.body["message"]).contains("`reads`"), "{refused:?}");
    api.upload("writing is no reading.png").await;
    // What another process has read is known after a while.
    limit(&api.base, Plan { monthly_reads: Some(10), ..Plan::default() }).await;
    let requests = Requests { reads: 7, transfer_bytes: 0 };
    api.base.store.count_requests(&api.organization(), requests).await.unwrap();
    api.base.clock.advance(Duration::from_secs(60));
    projects(&api, &api.token).await.assert_error(403, "plan.quota_exceeded");
}

async fn downloads_count_as_transfer(api: TestApi) {
    let size = png().len() as u64;
    limit(&api.base, Plan { monthly_transfer_bytes: Some(size * 2), ..Plan::default() }).await;
    let id = text(&api.upload("a.png").await["id"]);
    api.base.clock.advance(Duration::from_secs(60));
    assert_eq!(api.get(&format!("/files/{id}"), &api.token).await.status, 200);
    api.get(&format!("/files/{id}"), &api.token).await.assert_error(403, "plan.quota_exceeded");
}

async fn exports_count_as_transfer(api: TestApi) {
    let id = text(&api.upload("a.png").await["id"]);
    api.base.store.dispatch(1, 100).await.unwrap();
    let attempt = api.base.start("worker").await;
    api.base.store.complete_attempt(&attempt, &processed("TOTAL 3.50")).await.unwrap();
    let export = || api.request(Method::GET, &format!("/processing-history/{id}/export?format=json"));
    let size = bearer(export(), &api.token).send().await.unwrap().bytes().await.unwrap().len() as u64;
    let allowed = png().len() as u64 + size * 2;
    limit(&api.base, Plan { monthly_transfer_bytes: Some(allowed), ..Plan::default() }).await;
    api.base.clock.advance(Duration::from_secs(60));
    let second = answer(bearer(export(), &api.token)).await;
    assert_eq!(second.status, 200, "{second:?}");
    answer(bearer(export(), &api.token)).await.assert_error(403, "plan.quota_exceeded");
}

async fn a_quota_names_itself_what_is_allowed_and_what_it_would_be(api: TestApi) {
    let plan = Plan { templates: Some(1), monthly_processing: Some(1), ..Plan::default() };
    limit(&api.base, plan).await;
    let template =
        json!({"name": "A", "projectId": api.project(), "templateSchema": {"total": {"type": "number"}}});
    assert_eq!(api.post("/templates", &api.token, &template).await.status, 201);
    let refused = api.post("/templates", &api.token, &template).await;
    refused.assert_error(403, "plan.quota_exceeded");
    let message = "the plan allows 1 of the quota `templates`, and this would make 2";
    assert_eq!(refused.body["message"], message);
    api.upload("a.png").await;
    let refused = api.submit(&api.upload_path(), &api.token, api.upload_form(png(), "b.png")).await;
    refused.assert_error(403, "plan.quota_exceeded");
    api.wait_for_blobs(1).await;

    let usage = api.get("/usage", &api.token).await.body;
    assert_eq!((&usage["plan"]["name"], &usage["plan"]["templates"]), (&json!("limited"), &json!(1)));
    let quotas: Vec<(&str, Option<u64>)> = usage["quotas"]
        .as_array()
        .unwrap()
        .iter()
        .map(|quota| (quota["quota"].as_str().unwrap(), quota["used"].as_u64()))
        .collect();
    let names: Vec<&str> = quotas.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, Quota::ALL.iter().map(|quota| quota.as_str()).collect::<Vec<_>>());
    assert_eq!(
        quotas[..3],
        [("storage", Some(png().len() as u64)), ("templates", Some(1)), ("processing", Some(1))]
    );
}

async fn the_plans_are_those_of_the_contract(test: TestStore) {
    const GB: u64 = 1_000_000_000;
    const ANY: Option<u64> = None;
    let rows = [
        ("advance", Some(20), ANY, 50_000, 500_000, 10, ANY),
        ("business", Some(10), Some(100), 25_000, 250_000, 5, ANY),
        ("free", Some(1), Some(5), 1_000, 10_000, 1, Some(0)),
        ("pro", Some(5), Some(50), 10_000, 100_000, 2, Some(5)),
        ("starter", Some(2), Some(10), 5_000, 50_000, 2, Some(1)),
    ];
    let mut plans = test.store.list_plans().await.unwrap();
    let unlimited = plans.pop().unwrap();
    let expected = Plan { name: "unlimited".to_owned(), is_default: true, ..Plan::default() };
    assert_eq!(unlimited, expected);
    assert_eq!(plans.len(), rows.len());
    for (plan, (name, storage, templates, processing, reads, transfer, endpoints)) in plans.iter().zip(rows) {
        assert_eq!(
            (plan.name.as_str(), plan.storage_bytes),
            (name, storage.map(|gigabytes: u64| gigabytes * GB))
        );
        assert_eq!((plan.templates, plan.webhook_endpoints), (templates, endpoints), "{name}");
        assert_eq!((plan.monthly_processing, plan.monthly_reads), (Some(processing), Some(reads)), "{name}");
        assert_eq!(plan.monthly_transfer_bytes, Some(transfer * GB), "{name}");
    }
}

async fn a_new_organization_gets_the_default_plan(test: TestStore) {
    let plan_of = async |organization: &str| test.store.plan_of(organization).await.unwrap().unwrap().name;
    assert_eq!(plan_of(&test.first.organization_id).await, "unlimited");
    assert!(test.store.set_default_plan("free").await.unwrap());
    assert!(!test.store.set_default_plan("golden").await.unwrap());
    assert_eq!(plan_of(&test.other_tenant().await.organization_id).await, "free");
    assert_eq!(plan_of(&test.first.organization_id).await, "unlimited");
    let set = test.store.set_plan(&Actor::system(), &test.first.organization_id, "golden").await.unwrap();
    assert_eq!(set, None);
    assert_eq!(test.store.set_plan(&Actor::system(), "nobody", "free").await.unwrap(), None);
}

async fn parallel_uploads_do_not_pass_the_processing_quota(test: TestStore) {
    limit(&test, Plan { monthly_processing: Some(5), ..Plan::default() }).await;
    let other = test.another_store().await;
    let clients = (0..4).map(|client| {
        let store = if client % 2 == 0 { test.store.clone() } else { other.clone() };
        let documents = [test.new_document(), test.new_document(), test.new_document()];
        let (organization, project) = (test.first.organization_id.clone(), test.first.project_id.clone());
        tokio::spawn(async move {
            let mut accepted = 0;
            for new in documents {
                match store.create_document(&Actor::system(), &organization, &project, &new).await {
                    Ok(_) => accepted += 1,
                    Err(Error::QuotaExceeded(exceeded)) => {
                        assert_eq!((exceeded.allowed, exceeded.wanted), (5, 6))
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            accepted
        })
    });
    let mut accepted = 0;
    for client in clients.collect::<Vec<_>>() {
        accepted += client.await.unwrap();
    }
    assert_eq!(accepted, 5);
    assert_eq!(test.store.monthly_usage(&test.first.organization_id).await.unwrap().processing, 5);
}

async fn storage_is_free_again_when_a_document_is_deleted(test: TestStore) {
    limit(&test, Plan { storage_bytes: Some(2000), ..Plan::default() }).await;
    let attempt = test.upload_and_start().await;
    test.store.complete_attempt(&attempt, &processed("")).await.unwrap();
    let (organization, project) = (&test.first.organization_id, &test.first.project_id);
    let new = test.new_document();
    let error = test.store.create_document(&Actor::system(), organization, project, &new).await.unwrap_err();
    let exceeded = QuotaExceeded { quota: Quota::Storage, wanted: 2468, allowed: 2000 };
    assert!(matches!(error, Error::QuotaExceeded(found) if found == exceeded), "{error}");
    test.store.delete_document(&Actor::system(), &test.tenant(), &attempt.document.id).await.unwrap();
    test.upload(&test.tenant(), &new).await;
}

async fn a_document_processed_again_counts_as_processing(test: TestStore) {
    limit(&test, Plan { monthly_processing: Some(2), ..Plan::default() }).await;
    let reprocess = async |id: &str| {
        let new = NewProcessing::default();
        test.store.reprocess_document(&Actor::system(), &test.tenant(), id, &new).await
    };
    let attempt = test.upload_and_start().await;
    test.store.complete_attempt(&attempt, &processed("")).await.unwrap();
    assert_eq!(reprocess(&attempt.document.id).await.unwrap(), Reprocessing::Accepted);
    test.store.dispatch(1, 100).await.unwrap();
    let attempt = test.start("second").await;
    test.store.complete_attempt(&attempt, &processed("")).await.unwrap();
    let error = reprocess(&attempt.document.id).await.unwrap_err();
    assert!(matches!(error, Error::QuotaExceeded(_)), "{error}");
}

async fn parallel_clients_do_not_pass_the_quota_of_templates(test: TestStore) {
    limit(&test, Plan { templates: Some(3), ..Plan::default() }).await;
    let clients = (0..6).map(|_| {
        let store = test.store.clone();
        let (organization, project) = (test.first.organization_id.clone(), test.first.project_id.clone());
        tokio::spawn(async move {
            let content = template_content("Template");
            store.create_template(&Actor::system(), &organization, &project, content).await.is_ok()
        })
    });
    let mut made = 0;
    for client in clients.collect::<Vec<_>>() {
        made += usize::from(client.await.unwrap());
    }
    assert_eq!((made, test.store.list_templates(&test.tenant()).await.unwrap().len()), (3, 3));
}

async fn a_new_month_begins_at_nothing(test: TestStore) {
    limit(&test, Plan { monthly_processing: Some(1), ..Plan::default() }).await;
    let create = async |new: NewDocument| {
        let (organization, project) = (&test.first.organization_id, &test.first.project_id);
        test.store.create_document(&Actor::system(), organization, project, &new).await
    };
    create(test.new_document()).await.unwrap();
    create(test.new_document()).await.unwrap_err();
    test.clock.advance(Duration::from_secs(31 * 24 * 60 * 60));
    create(test.new_document()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operators_token_sets_plans_and_grants_credits() {
    const TOKEN: &str = "a token of thirty-two characters at least";
    let api = TestApi::with(Engine::Sqlite, |config| config.operator.token = TOKEN.to_owned()).await.unwrap();
    let plans = api.get("/operator/plans", TOKEN).await;
    assert_eq!((plans.status.as_u16(), plans.body.as_array().map(Vec::len)), (200, Some(6)));
    api.get("/operator/plans", &api.token).await.assert_error(401, "auth.credential_invalid");
    api.get("/operator/plans", "").await.assert_error(401, "auth.credential_missing");

    let path = format!("/operator/organizations/{}", api.organization());
    let set = async |plan: &str| {
        api.send(Method::PUT, &format!("{path}/plan"), TOKEN, &json!({"plan": plan})).await
    };
    assert_eq!(set("starter").await.body["templates"], 10);
    set("golden").await.assert_error(404, "plan.unknown");
    let grant = async |body: Value| api.post(&format!("{path}/credits"), TOKEN, &body).await;
    let granted = grant(json!({"amount": 5, "reason": "order 17"})).await;
    assert_eq!((granted.status.as_u16(), &granted.body["balance"]), (201, &json!(5)));
    grant(json!({"amount": 0, "reason": "nothing"})).await.assert_error(400, "request.invalid");
    grant(json!({"amount": 1, "reason": " "})).await.assert_error(400, "request.invalid");
    grant(json!({"amount": -6, "reason": "too much"})).await.assert_error(402, "credits.short");
    let nobody = "/operator/organizations/0192f3a4-5b6c-7d8e-9f01-23456789abcd/credits";
    let body = json!({"amount": 5, "reason": "order 17"});
    api.post(nobody, TOKEN, &body).await.assert_error(404, "organization.unknown");

    api.base.clock.advance(Duration::from_secs(60));
    let credits = api.get("/credits", &api.token).await.body;
    assert_eq!((&credits["balance"], &credits["needsCredits"]), (&json!(5), &json!(true)));
    let audit = api.get("/audit?limit=2", &api.token).await.body["data"].clone();
    assert_eq!(audit[0]["changes"], json!({"amount": 5, "reason": "order 17", "balance": 5}));
    assert_eq!(audit[1]["action"], "organization.plan_changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_sets_plans_prices_and_credits() {
    let api = TestApi::new(Engine::Sqlite).await.unwrap();
    let organization = api.organization();
    let admin = |arguments: &[&str]| -> Output {
        let folder = tempfile::tempdir().unwrap();
        Command::new(program())
            .args(["admin", "--data"])
            .arg(folder.path())
            .args(arguments)
            .env("OCRIVA__STORAGE__DATABASE_URL", &api.base.database.url)
            .output()
            .unwrap()
    };
    let done = |arguments: &[&str]| -> String {
        let output = admin(arguments);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let failed = |arguments: &[&str]| -> String {
        let output = admin(arguments);
        assert!(!output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    done(&["define-plan", "team", "templates=7", "credentialRate=90", "needsCredits=true"]);
    done(&["define-plan", "team", "templates=8", "credentialRate=none"]);
    let plan = api.base.store.plan("team").await.unwrap().unwrap();
    assert_eq!((plan.templates, plan.credential_rate, plan.needs_credits), (Some(8), None, true));
    assert!(done(&["plans"]).contains("team\n  storageBytes=none\n  templates=8\n"));
    done(&["set-plan", &organization, "team"]);
    assert_eq!(api.base.store.plan_of(&organization).await.unwrap().unwrap().name, "team");
    assert!(failed(&["set-plan", &organization, "golden"]).contains("advance, business, free"));
    assert!(failed(&["define-plan", "team", "pages=7"]).contains("storageBytes"));
    assert!(failed(&["define-plan", "team", "templates=many"]).contains("a number or `none`"));
    let said = done(&["grant-credits", &organization, "5", "--reason", "order 17"]);
    assert_eq!(said, format!("organization {organization} has 5 credits\n"));
    done(&["grant-credits", &organization, "-2", "--reason", "mistake"]);
    assert_eq!(api.base.store.credit_balance(&organization).await.unwrap(), Some(3));
    assert!(
        failed(&["grant-credits", &organization, "-4", "--reason", "mistake"]).contains("the balance is 3")
    );
    done(&["set-price", "invoice", "3"]);
    let prices = api.base.store.extractor_prices().await.unwrap();
    assert_eq!(prices, [("default".to_owned(), 1), ("invoice".to_owned(), 3)]);
    done(&["set-default-plan", "team"]);
    let other = api.base.other_tenant().await;
    assert_eq!(api.base.store.plan_of(&other.organization_id).await.unwrap().unwrap().name, "team");
}

/// Puts the first organization on a plan, which requests notice at once.
async fn limit(test: &TestStore, plan: Plan) {
    let plan = Plan { name: "limited".to_owned(), ..plan };
    test.store.define_plan(&plan).await.unwrap();
    test.store.set_plan(&Actor::system(), &test.first.organization_id, "limited").await.unwrap().unwrap();
    test.clock.advance(Duration::from_secs(6));
}

async fn projects(api: &TestApi, token: &str) -> Answer {
    api.get("/projects", token).await
}

/// Asks until the rate is exceeded: the answer that says so.
async fn until_refused(api: &TestApi, token: &str) -> Answer {
    for _ in 0..1000 {
        let answer = projects(api, token).await;
        if answer.status != 200 {
            answer.assert_error(429, "plan.rate_exceeded");
            return answer;
        }
    }
    panic!("a thousand requests were let through");
}

fn header(answer: &Answer, name: &str) -> u64 {
    let value = answer.headers.get(name).unwrap_or_else(|| panic!("no `{name}`: {answer:?}"));
    value.to_str().unwrap().parse().unwrap()
}
