//! Credits: held when a document is accepted, earned or given back when it ends, and never below zero.

use std::time::Duration;

use ocriva::domain::audit::Actor;
use ocriva::domain::batch::BatchChange;
use ocriva::domain::credit::{Grant, LedgerKind};
use ocriva::domain::document::{Cancellation, Failure, NewDocument, NewProcessing, Reprocessing};
use ocriva::domain::listing::Page;
use ocriva::domain::plan::Plan;
use ocriva::domain::template::ExtractorChoice;
use ocriva::store::{Error, Start, Store};
use reqwest::multipart::{Form, Part};
use serde_json::json;
use support::api::{TestApi, png, text};
use support::store::{LEASE, TestStore, processed, template_content};
use support::{on_each_engine, over_http};

on_each_engine!(
    parallel_clients_spend_the_last_credits_and_not_one_more,
    a_processed_document_earns_its_hold,
    a_failure_by_the_files_fault_is_charged_and_ours_is_given_back,
    a_cancelled_document_costs_nothing,
    a_lost_document_costs_nothing,
    a_retried_document_is_held_for_once,
    a_document_processed_again_is_paid_again,
    a_price_is_that_of_the_templates_extractor,
    a_batch_is_held_for_as_a_whole_or_not_at_all,
    a_cancelled_batch_costs_nothing_and_is_paid_again_when_it_is_processed_again,
    taking_back_more_than_there_is_changes_nothing,
    a_plan_that_needs_no_credits_takes_none,
);

mod http {
    use super::*;

    over_http!(an_upload_without_credits_stores_nothing, the_ledger_is_paged_and_sums_to_the_balance,);
}

const EVERYTHING: Page = Page { number: 1, limit: 1000 };

async fn parallel_clients_spend_the_last_credits_and_not_one_more(test: TestStore) {
    need_credits(&test, 10).await;
    let other = test.another_store().await;
    let clients = (0..4).map(|client| {
        let store = if client % 2 == 0 { test.store.clone() } else { other.clone() };
        let documents: Vec<NewDocument> = (0..6).map(|_| test.new_document()).collect();
        let (organization, project) = (test.first.organization_id.clone(), test.first.project_id.clone());
        tokio::spawn(async move {
            let mut accepted = 0;
            for new in documents {
                match store.create_document(&Actor::system(), &organization, &project, &new).await {
                    Ok(_) => accepted += 1,
                    Err(Error::CreditsShort(short)) => assert_eq!((short.needed, short.balance), (1, 0)),
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
    assert_eq!(accepted, 10);
    assert_eq!(balance(&test).await, 0);
    let everything = Default::default();
    let documents = test.store.list_documents(&test.tenant(), &everything, EVERYTHING).await.unwrap();
    assert_eq!(documents.total, 10);
    let mut balances: Vec<u64> = ledger(&test).await.iter().map(|(_, _, balance)| *balance).collect();
    balances.sort_unstable();
    assert_eq!(balances, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
}

async fn a_processed_document_earns_its_hold(test: TestStore) {
    need_credits(&test, 5).await;
    let attempt = test.upload_and_start().await;
    assert_eq!(balance(&test).await, 4);
    assert!(test.store.complete_attempt(&attempt, &processed("")).await.unwrap());
    // A second end of the same attempt is fenced, and charges nothing.
    assert!(!test.store.fail_attempt(&attempt, &failure("plugin.panic"), &[]).await.unwrap());
    let expected = [(LedgerKind::Grant, 5, 5), (LedgerKind::Hold, -1, 4), (LedgerKind::Settle, 0, 4)];
    assert_eq!(ledger(&test).await, expected);
}

async fn a_failure_by_the_files_fault_is_charged_and_ours_is_given_back(test: TestStore) {
    need_credits(&test, 5).await;
    for (code, left) in [("decode.encrypted", 4), ("plugin.panic", 4), ("decode.damaged", 3)] {
        let attempt = test.upload_and_start().await;
        test.store.fail_attempt(&attempt, &failure(code), &[]).await.unwrap();
        assert_eq!(balance(&test).await, left, "{code}");
    }
}

async fn a_cancelled_document_costs_nothing(test: TestStore) {
    need_credits(&test, 5).await;
    let waiting = test.upload(&test.tenant(), &test.new_document()).await;
    let cancel =
        async |id: &str| test.store.cancel_document(&Actor::system(), &test.tenant(), id).await.unwrap();
    assert_eq!(cancel(&waiting.id).await, Cancellation::Cancelled);
    assert_eq!(balance(&test).await, 5);

    let running = test.upload_and_start().await;
    assert_eq!(cancel(&running.document.id).await, Cancellation::Requested);
    assert_eq!(balance(&test).await, 4);
    assert!(test.store.cancel_attempt(&running).await.unwrap());
    assert_eq!(balance(&test).await, 5);

    let silent = test.upload_and_start().await;
    assert_eq!(cancel(&silent.document.id).await, Cancellation::Requested);
    test.clock.advance(LEASE * 2);
    let delivery = test.store.claim("second", 1, LEASE).await.unwrap().remove(0);
    let start = test.store.start_attempt("second", delivery, LEASE, 3).await.unwrap();
    assert!(matches!(start, Start::Cancelled), "{start:?}");
    assert_eq!(balance(&test).await, 5);
}

async fn a_lost_document_costs_nothing(test: TestStore) {
    need_credits(&test, 5).await;
    test.upload_and_start().await;
    test.clock.advance(LEASE * 2);
    let delivery = test.store.claim("second", 1, LEASE).await.unwrap().remove(0);
    let start = test.store.start_attempt("second", delivery, LEASE, 1).await.unwrap();
    assert!(matches!(start, Start::Dead), "{start:?}");
    assert_eq!(balance(&test).await, 5);
}

async fn a_retried_document_is_held_for_once(test: TestStore) {
    need_credits(&test, 5).await;
    let first = test.upload_and_start().await;
    test.store.retry_attempt(&first, &failure("storage_unreachable"), &[], Duration::ZERO).await.unwrap();
    let second = test.start("second").await;
    test.store.release_attempt(&second).await.unwrap();
    let third = test.start("third").await;
    test.store.complete_attempt(&third, &processed("")).await.unwrap();
    assert_eq!(balance(&test).await, 4);
    assert_eq!(ledger(&test).await.len(), 3);
}

async fn a_document_processed_again_is_paid_again(test: TestStore) {
    need_credits(&test, 2).await;
    let reprocess = async |id: &str| {
        let new = NewProcessing::default();
        test.store.reprocess_document(&Actor::system(), &test.tenant(), id, &new).await
    };
    let attempt = test.upload_and_start().await;
    let id = attempt.document.id.clone();
    test.store.complete_attempt(&attempt, &processed("one")).await.unwrap();
    assert_eq!(reprocess(&id).await.unwrap(), Reprocessing::Accepted);
    assert_eq!(balance(&test).await, 0);
    test.store.dispatch(1, 100).await.unwrap();
    let again = test.start("second").await;
    test.store.complete_attempt(&again, &processed("two")).await.unwrap();
    let error = reprocess(&id).await.unwrap_err();
    assert!(matches!(error, Error::CreditsShort(_)), "{error}");
    let result = test.store.result(&test.tenant(), &id).await.unwrap().unwrap();
    assert_eq!(result.extraction.text, "two");
}

async fn a_price_is_that_of_the_templates_extractor(test: TestStore) {
    need_credits(&test, 20).await;
    test.store.set_extractor_price("invoice", 7).await.unwrap();
    test.store.set_extractor_price("default", 2).await.unwrap();
    test.store.set_extractor_price("text", 0).await.unwrap();
    for (plugin, left) in [(Some("invoice"), 13), (Some("receipt"), 11), (None, 9), (Some("text"), 9)] {
        let mut content = template_content("Template");
        content.extractor =
            plugin.map(|plugin| ExtractorChoice { plugin: plugin.to_owned(), version: None, config: None });
        let (organization, project) = (&test.first.organization_id, &test.first.project_id);
        let template =
            test.store.create_template(&Actor::system(), organization, project, content).await.unwrap();
        let new = NewDocument { template: Some(template.reference()), ..test.new_document() };
        test.upload(&test.tenant(), &new).await;
        assert_eq!(balance(&test).await, left, "{plugin:?}");
    }
    test.upload(&test.tenant(), &test.new_document()).await;
    assert_eq!(balance(&test).await, 7);
}

async fn a_batch_is_held_for_as_a_whole_or_not_at_all(test: TestStore) {
    need_credits(&test, 3).await;
    let refused = NewDocument { file: Err(failure("file.format")), ..test.new_document() };
    let three = [test.new_document(), test.new_document(), refused, test.new_document()];
    let four = [0; 4].map(|_| test.new_document());
    let error = create_batch(&test.store, &test, &four).await.unwrap_err();
    assert!(matches!(error, Error::CreditsShort(_)), "{error}");
    assert_eq!(balance(&test).await, 3);
    let everything = Default::default();
    assert_eq!(test.store.list_documents(&test.tenant(), &everything, EVERYTHING).await.unwrap().total, 0);
    create_batch(&test.store, &test, &three).await.unwrap();
    assert_eq!(balance(&test).await, 0);
    assert_eq!(ledger(&test).await.len(), 4);
}

async fn a_cancelled_batch_costs_nothing_and_is_paid_again_when_it_is_processed_again(test: TestStore) {
    need_credits(&test, 2).await;
    let two = [0; 2].map(|_| test.new_document());
    create_batch(&test.store, &test, &two).await.unwrap();
    let id = test.document(&two[0].id).await.batch_id.unwrap();
    let (actor, tenant) = (Actor::system(), test.tenant());
    assert_eq!(balance(&test).await, 0);
    assert_eq!(test.store.cancel_batch(&actor, &tenant, &id).await.unwrap(), BatchChange::Made(2));
    assert_eq!(balance(&test).await, 2);
    let new = NewProcessing::default();
    assert_eq!(test.store.reprocess_batch(&actor, &tenant, &id, &new).await.unwrap(), BatchChange::Made(2));
    assert_eq!(balance(&test).await, 0);
}

async fn taking_back_more_than_there_is_changes_nothing(test: TestStore) {
    need_credits(&test, 3).await;
    let grant = async |organization: &str, amount: i64| {
        test.store.grant_credits(&Actor::system(), organization, amount, "test").await
    };
    let error = grant(&test.first.organization_id, -4).await.unwrap_err();
    assert_eq!(error.to_string(), "this needs 4 credits, the balance is 3");
    assert_eq!(balance(&test).await, 3);
    grant(&test.first.organization_id, -3).await.unwrap();
    assert_eq!(balance(&test).await, 0);
    assert_eq!(grant("nobody", 1).await.unwrap(), Grant::NotFound);
}

async fn a_plan_that_needs_no_credits_takes_none(test: TestStore) {
    let attempt = test.upload_and_start().await;
    test.store.complete_attempt(&attempt, &processed("")).await.unwrap();
    assert_eq!(ledger(&test).await, []);
}

async fn an_upload_without_credits_stores_nothing(api: TestApi) {
    need_credits(&api.base, 1).await;
    api.upload("a.png").await;
    let refused = api.submit(&api.upload_path(), &api.token, api.upload_form(png(), "b.png")).await;
    refused.assert_error(402, "credits.short");
    let batch = Form::new()
        .text("projectId", api.project())
        .part("files", Part::bytes(png()).file_name("c.png"))
        .part("files", Part::bytes(png()).file_name("d.png"));
    api.submit(&api.batch_path(), &api.token, batch).await.assert_error(402, "credits.short");
    let history = api.get(&format!("/processing-history?projectId={}", api.project()), &api.token).await;
    assert_eq!(history.body["pagination"]["total"], 1);
    let batches = api.get(&format!("/batch?projectId={}", api.project()), &api.token).await;
    assert_eq!(batches.body["pagination"]["total"], 0);
    api.wait_for_blobs(1).await;
}

async fn the_ledger_is_paged_and_sums_to_the_balance(api: TestApi) {
    need_credits(&api.base, 5).await;
    let document = text(&api.upload("a.png").await["id"]);
    api.upload("b.png").await;
    let credits = api.get("/credits", &api.token).await.body;
    let expected = json!({
        "balance": 3, "needsCredits": true, "prices": [{"extractor": "default", "credits": 1}]
    });
    assert_eq!(credits, expected);
    let page = api.get("/credits/ledger?page=2&limit=2", &api.token).await.body;
    assert_eq!(page["pagination"], json!({"page": 2, "limit": 2, "total": 3, "pages": 2}));
    assert_eq!((&page["data"][0]["kind"], &page["data"][0]["amount"]), (&json!("grant"), &json!(5)));
    let about = api.get(&format!("/credits/ledger?documentId={document}"), &api.token).await.body;
    let entry = &about["data"][0];
    assert_eq!(about["pagination"]["total"], 1);
    assert_eq!(
        (&entry["kind"], &entry["amount"], &entry["balance"]),
        (&json!("hold"), &json!(-1), &json!(4))
    );
    assert_eq!(entry["documentId"], document);
}

/// Puts the first organization on a plan that needs credits and has no other limits, and gives it some.
async fn need_credits(test: &TestStore, credits: i64) {
    let plan = Plan { name: "paid".to_owned(), needs_credits: true, ..Plan::default() };
    test.store.define_plan(&plan).await.unwrap();
    let organization = &test.first.organization_id;
    test.store.set_plan(&Actor::system(), organization, "paid").await.unwrap().unwrap();
    test.store.grant_credits(&Actor::system(), organization, credits, "test").await.unwrap();
    test.clock.advance(Duration::from_secs(60));
}

/// The balance, which has to be the sum of the ledger.
async fn balance(test: &TestStore) -> u64 {
    let balance = test.store.credit_balance(&test.first.organization_id).await.unwrap().unwrap();
    let sum: i64 = ledger(test).await.iter().map(|(_, amount, _)| amount).sum();
    assert_eq!(i64::try_from(balance), Ok(sum));
    balance
}

/// Kind, amount and balance of every entry, oldest first.
async fn ledger(test: &TestStore) -> Vec<(LedgerKind, i64, u64)> {
    let listing = test.store.list_ledger(&test.first.organization_id, None, EVERYTHING).await.unwrap();
    listing.items.iter().rev().map(|entry| (entry.kind, entry.amount, entry.balance)).collect()
}

async fn create_batch(store: &Store, test: &TestStore, documents: &[NewDocument]) -> Result<(), Error> {
    use ocriva::domain::batch::NewBatch;
    let batch = NewBatch {
        id: test.clock.clock().new_id(),
        user_id: None,
        name: "Batch".to_owned(),
        template: None,
        metadata: None,
    };
    let documents: Vec<NewDocument> =
        documents.iter().map(|new| NewDocument { batch_id: Some(batch.id.clone()), ..new.clone() }).collect();
    let (organization, project) = (&test.first.organization_id, &test.first.project_id);
    store.create_batch(&Actor::system(), organization, project, &batch, &documents).await.map(drop)
}

fn failure(code: &str) -> Failure {
    Failure { code: code.to_owned(), message: "a test says so".to_owned() }
}
