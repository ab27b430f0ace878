//! What is done now and then: files that have been kept long enough go, and so do leftovers.

use std::time::Duration;

use ocriva::blobs::{BlobKey, Blobs};
use ocriva::config::Config;
use ocriva::domain::audit::Actor;
use ocriva::domain::document::{DocumentStatus, NewProcessing, Reprocessing};
use ocriva::domain::project::ProjectChanges;
use ocriva::domain::token::{LoginFamily, NewRefreshToken, Rotation};
use ocriva::store::{Attempt, Idempotency};
use ocriva::upkeep::Upkeep;
use support::api::{TestApi, png};
use support::store::{TestStore, processed};
use support::{on_each_engine, over_http};
use tokio_util::sync::CancellationToken;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

mod http {
    use super::*;

    over_http!(
        a_file_goes_after_its_time_and_the_result_stays,
        a_file_without_a_record_goes_when_it_is_old,
        events_go_after_their_time,
        upkeep_runs_by_itself_and_stops_when_told,
    );
}

on_each_engine!(
    a_document_that_is_not_finished_keeps_its_file,
    a_document_started_again_meanwhile_keeps_its_file,
    one_process_at_a_time_has_the_turn,
    rows_past_their_time_are_removed,
);

async fn a_file_goes_after_its_time_and_the_result_stays(api: TestApi) {
    let test = &api.base;
    retain(test, 30).await;
    let attempt = start(&api, "a.png").await;
    let id = attempt.document.id.clone();
    test.store.complete_attempt(&attempt, &processed("TOTAL 3.50")).await.unwrap();
    let upkeep = upkeep(&api);
    test.clock.advance(DAY * 29);
    assert_eq!(upkeep.expire_files().await.unwrap(), 0);
    test.clock.advance(DAY * 2);
    assert_eq!(upkeep.expire_files().await.unwrap(), 1);
    assert_eq!(api.blobs().len(), 0);

    let record = api.get(&format!("/processing-history/{id}"), &api.token).await.body;
    assert_eq!(record["status"], "retention_expired");
    assert_eq!(record["result"]["text"], "TOTAL 3.50");
    assert_eq!((record["fileUrl"].as_str(), record["filePath"].as_str()), (None, None));
    api.get(&format!("/files/{id}"), &api.token).await.assert_error(404, "file.unknown");
    let new = NewProcessing::default();
    let again = test.store.reprocess_document(&Actor::system(), &test.tenant(), &id, &new).await.unwrap();
    assert_eq!(again, Reprocessing::FileGone);
    let audit = api.get(&format!("/audit?target={id}&limit=1"), &api.token).await.body["data"][0].clone();
    assert_eq!(
        (&audit["action"], &audit["actor"]["kind"]),
        (&"document.file_expired".into(), &"system".into())
    );
    assert_eq!(upkeep.expire_files().await.unwrap(), 0);
}

async fn a_file_without_a_record_goes_when_it_is_old(api: TestApi) {
    let test = &api.base;
    api.upload("kept.png").await;
    let blobs = blobs(&api);
    let id = test.clock.clock().new_id();
    let key = BlobKey::document(&api.organization(), &id).unwrap();
    let mut writer = blobs.write(&key).await.unwrap();
    writer.put("left by a crash".into()).await.unwrap();
    writer.finish().await.unwrap();
    // A record that gave up its file just before the process died leaves one too.
    let attempt = start(&api, "expired.png").await;
    test.store.complete_attempt(&attempt, &processed("")).await.unwrap();
    retain(test, 1).await;
    let upkeep = upkeep(&api);
    assert_eq!(upkeep.sweep_files().await.unwrap(), 0, "it may belong to an upload in progress");
    test.clock.advance(DAY * 2);
    let expired = test.store.expired_files(test.clock.clock().now(), 10).await.unwrap();
    assert_eq!(expired.len(), 1);
    assert!(test.store.expire_file(&expired[0]).await.unwrap());
    assert_eq!(api.blobs().len(), 3);
    assert_eq!(upkeep.sweep_files().await.unwrap(), 2);
    assert_eq!(api.blobs().len(), 1);
}

async fn upkeep_runs_by_itself_and_stops_when_told(api: TestApi) {
    let test = &api.base;
    retain(test, 1).await;
    let attempt = start(&api, "a.png").await;
    test.store.complete_attempt(&attempt, &processed("")).await.unwrap();
    test.clock.advance(DAY * 2);
    let stop = CancellationToken::new();
    let running = tokio::spawn(upkeep(&api).run(stop.clone()));
    api.wait_for_blobs(0).await;
    stop.cancel();
    running.await.unwrap();
    assert_eq!(test.status(&attempt.document.id).await, DocumentStatus::RetentionExpired);
}

async fn a_document_that_is_not_finished_keeps_its_file(test: TestStore) {
    retain(&test, 1).await;
    test.upload(&test.tenant(), &test.new_document()).await;
    test.upload_and_start().await;
    test.clock.advance(DAY * 10);
    assert_eq!(test.store.expired_files(test.clock.clock().now(), 10).await.unwrap(), []);
}

async fn a_document_started_again_meanwhile_keeps_its_file(test: TestStore) {
    retain(&test, 1).await;
    let attempt = test.upload_and_start().await;
    test.store.complete_attempt(&attempt, &processed("")).await.unwrap();
    test.clock.advance(DAY * 2);
    let expired = test.store.expired_files(test.clock.clock().now(), 10).await.unwrap();
    let (id, new) = (&attempt.document.id, NewProcessing::default());
    let again = test.store.reprocess_document(&Actor::system(), &test.tenant(), id, &new).await;
    assert_eq!(again.unwrap(), Reprocessing::Accepted);
    assert!(!test.store.expire_file(&expired[0]).await.unwrap());
    assert!(test.document(&attempt.document.id).await.file.is_some());
}

async fn one_process_at_a_time_has_the_turn(test: TestStore) {
    let other = test.another_store().await;
    let interval = Duration::from_secs(600);
    assert!(test.store.take_turn("task", interval).await.unwrap());
    assert!(!other.take_turn("task", interval).await.unwrap());
    assert!(other.take_turn("another task", interval).await.unwrap());
    test.clock.advance(interval);
    let (one, two) = tokio::join!(test.store.take_turn("task", interval), other.take_turn("task", interval));
    assert!(one.unwrap() != two.unwrap());
}

async fn rows_past_their_time_are_removed(test: TestStore) {
    let (store, organization) = (&test.store, &test.first.organization_id);
    let now = test.clock.clock().now();
    let login = LoginFamily {
        family: test.clock.clock().new_id(),
        user_id: test.first.user_id.clone(),
        organization_id: organization.clone(),
    };
    let token = |hash: &str, days: u32| NewRefreshToken {
        token_hash: hash.to_owned(),
        expires_at: now.after(DAY * days),
    };
    store.create_refresh_token(&Actor::system(), &login, token("short", 1)).await.unwrap();
    store.create_refresh_token(&Actor::system(), &login, token("long", 30)).await.unwrap();
    let held = store.hold_idempotency_key(organization, "key").await.unwrap();
    assert!(matches!(held, Idempotency::New(_)), "{held:?}");
    assert_eq!(store.sweep_rows().await.unwrap(), 0);
    test.clock.advance(DAY * 2);
    assert_eq!(store.sweep_rows().await.unwrap(), 2);
    assert!(matches!(
        store.rotate_refresh_token("long", token("next", 30)).await.unwrap(),
        Rotation::Rotated(_)
    ));
}

/// Uploads a file and begins an attempt at it, before all others.
async fn start(api: &TestApi, name: &str) -> Attempt {
    let form = api.upload_form(png(), name).text("priority", "1");
    assert_eq!(api.submit(&api.upload_path(), &api.token, form).await.status, 201);
    api.base.store.dispatch(1, 100).await.unwrap();
    api.base.start("worker").await
}

async fn events_go_after_their_time(api: TestApi) {
    start(&api, "a.png").await;
    let upkeep = upkeep(&api);
    api.base.clock.advance(DAY * 29);
    assert_eq!(upkeep.sweep_events().await.unwrap(), 0);
    api.base.clock.advance(DAY * 2);
    assert_eq!(upkeep.sweep_events().await.unwrap(), 1);
}

/// Has the first project keep its files for some days.
async fn retain(test: &TestStore, days: u32) {
    let changes = ProjectChanges { file_retention_days: Some(days), ..ProjectChanges::default() };
    let (organization, project) = (&test.first.organization_id, &test.first.project_id);
    test.store.update_project(&Actor::system(), organization, project, changes).await.unwrap();
}

fn upkeep(api: &TestApi) -> Upkeep {
    let (store, clock) = (api.base.store.clone(), api.base.clock.clock());
    Upkeep::new(store, blobs(api), clock, &Config::default().upkeep)
}

fn blobs(api: &TestApi) -> Blobs {
    Blobs::open(&format!("file:{}", api.blob_folder().display())).unwrap()
}
