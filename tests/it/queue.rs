//! What every queue must do, and what the dispatcher decides before it.

use std::collections::BTreeSet;
use std::time::Duration;

use ocriva::domain::audit::Actor;
use ocriva::domain::document::{DocumentStatus, NewDocument};
use ocriva::domain::tenant::Tenant;
use ocriva::store::{Delivery, Queue, Store};
use support::on_each_engine;
use support::store::{LEASE, TestStore};

on_each_engine!(
    a_claimed_message_comes_again_only_after_its_lease,
    a_renewed_lease_lasts_from_then_on,
    a_lost_lease_can_neither_be_renewed_nor_acknowledged,
    an_acknowledged_message_never_comes_again,
    a_released_message_comes_again_after_its_delay,
    a_worker_gets_no_more_than_it_asks_for,
    simultaneous_claims_never_share_a_message,
    a_message_of_a_rolled_back_transaction_is_never_delivered,
    organizations_take_turns,
    turns_go_on_where_they_ended,
    priority_decides_within_an_organization,
    in_flight_documents_of_an_organization_are_limited,
    no_more_is_queued_than_workers_can_take,
    simultaneous_dispatchers_queue_each_document_once,
    a_cancelled_document_is_not_queued,
);

async fn a_claimed_message_comes_again_only_after_its_lease(test: TestStore) {
    queue_documents(&test, 1).await;
    assert_eq!(claim(&test.store, 10).await.len(), 1);
    test.clock.advance(LEASE - Duration::from_secs(5));
    assert_eq!(claim(&test.store, 10).await.len(), 0);
    test.clock.advance(Duration::from_secs(6));
    assert_eq!(claim(&test.store, 10).await.len(), 1);
}

async fn a_renewed_lease_lasts_from_then_on(test: TestStore) {
    queue_documents(&test, 1).await;
    let delivery = claim(&test.store, 1).await.remove(0);
    test.clock.advance(LEASE / 2);
    let mut tx = test.store.begin().await.unwrap();
    assert!(test.store.queue().extend(&mut tx, &delivery, LEASE).await.unwrap());
    tx.commit().await.unwrap();
    test.clock.advance(LEASE / 2 + Duration::from_secs(5));
    assert_eq!(claim(&test.store, 10).await.len(), 0);
    test.clock.advance(LEASE / 2);
    assert_eq!(claim(&test.store, 10).await.len(), 1);
}

async fn a_lost_lease_can_neither_be_renewed_nor_acknowledged(test: TestStore) {
    queue_documents(&test, 1).await;
    let lost = claim(&test.store, 1).await.remove(0);
    test.clock.advance(LEASE * 2);
    let held = claim(&test.store, 1).await.remove(0);
    let mut tx = test.store.begin().await.unwrap();
    let queue = test.store.queue();
    assert!(!queue.extend(&mut tx, &lost, LEASE).await.unwrap());
    assert!(!queue.release(&mut tx, &lost, Duration::ZERO).await.unwrap());
    assert!(!queue.acknowledge(&mut tx, &lost).await.unwrap());
    assert!(queue.acknowledge(&mut tx, &held).await.unwrap());
    tx.commit().await.unwrap();
}

async fn an_acknowledged_message_never_comes_again(test: TestStore) {
    queue_documents(&test, 2).await;
    for delivery in claim(&test.store, 2).await {
        let mut tx = test.store.begin().await.unwrap();
        assert!(test.store.queue().acknowledge(&mut tx, &delivery).await.unwrap());
        tx.commit().await.unwrap();
    }
    test.clock.advance(LEASE * 10);
    assert_eq!(claim(&test.store, 10).await, []);
}

async fn a_released_message_comes_again_after_its_delay(test: TestStore) {
    queue_documents(&test, 1).await;
    let delivery = claim(&test.store, 1).await.remove(0);
    let mut tx = test.store.begin().await.unwrap();
    assert!(test.store.queue().release(&mut tx, &delivery, Duration::from_secs(60)).await.unwrap());
    tx.commit().await.unwrap();
    test.clock.advance(Duration::from_secs(50));
    assert_eq!(claim(&test.store, 10).await.len(), 0);
    test.clock.advance(Duration::from_secs(11));
    assert_eq!(claim(&test.store, 10).await.len(), 1);
}

async fn a_worker_gets_no_more_than_it_asks_for(test: TestStore) {
    queue_documents(&test, 5).await;
    assert_eq!(claim(&test.store, 0).await.len(), 0);
    assert_eq!(claim(&test.store, 2).await.len(), 2);
    assert_eq!(claim(&test.store, 9).await.len(), 3);
}

async fn simultaneous_claims_never_share_a_message(test: TestStore) {
    queue_documents(&test, 12).await;
    let workers: Vec<_> = (0..6)
        .map(|worker| {
            let store = test.store.clone();
            tokio::spawn(async move { store.claim(&format!("worker {worker}"), 3, LEASE).await.unwrap() })
        })
        .collect();
    let mut claimed = Vec::new();
    for worker in workers {
        claimed.extend(worker.await.unwrap().into_iter().map(|delivery| delivery.document_id));
    }
    // On PostgreSQL a claim passes over what another one is just taking, and may come back with less.
    claimed.extend(claim(&test.store, 12).await.into_iter().map(|delivery| delivery.document_id));
    assert_eq!(claimed.len(), 12);
    assert_eq!(claimed.iter().collect::<BTreeSet<_>>().len(), 12);
}

async fn a_message_of_a_rolled_back_transaction_is_never_delivered(test: TestStore) {
    let document = test.upload(&test.tenant(), &test.new_document()).await;
    let mut tx = test.store.begin().await.unwrap();
    test.store.queue().send(&mut tx, &document.id, Duration::ZERO).await.unwrap();
    assert_eq!(test.store.queue().ready(&mut tx).await.unwrap(), 1);
    drop(tx);
    assert_eq!(claim(&test.store, 10).await, []);
}

async fn organizations_take_turns(test: TestStore) {
    let (busy, quiet) = (test.tenant(), test.other_tenant().await);
    let first: Vec<String> = upload_many(&test, &busy, 10).await;
    let late: Vec<String> = upload_many(&test, &quiet, 2).await;
    test.store.dispatch(4, 100).await.unwrap();
    let delivered: BTreeSet<String> = ids(claim(&test.store, 10).await).into_iter().collect();
    let expected = [&first[0], &first[1], &late[0], &late[1]].into_iter().cloned().collect();
    assert_eq!(delivered, expected);
}

async fn turns_go_on_where_they_ended(test: TestStore) {
    let (one, other) = (test.tenant(), test.other_tenant().await);
    upload_many(&test, &one, 4).await;
    upload_many(&test, &other, 4).await;
    let mut served = Vec::new();
    for _ in 0..6 {
        test.store.dispatch(1, 100).await.unwrap();
        let attempt = test.start("worker").await;
        served.push(attempt.document.organization_id.clone());
        test.store.cancel_attempt(&attempt).await.unwrap();
    }
    let alternates = served.windows(2).all(|pair| pair[0] != pair[1]);
    assert!(alternates, "{served:?}");
}

async fn priority_decides_within_an_organization(test: TestStore) {
    let mut uploaded = Vec::new();
    for priority in [0, -5, 7, 0] {
        let new = NewDocument { priority, ..test.new_document() };
        uploaded.push(test.upload(&test.tenant(), &new).await.id);
        test.clock.advance(Duration::from_millis(5));
    }
    let mut order = Vec::new();
    for _ in 0..4 {
        test.store.dispatch(1, 100).await.unwrap();
        order.extend(ids(claim(&test.store, 1).await));
    }
    let expected: Vec<String> = [2, 0, 3, 1].iter().map(|index| uploaded[*index].clone()).collect();
    assert_eq!(order, expected);
}

async fn in_flight_documents_of_an_organization_are_limited(test: TestStore) {
    upload_many(&test, &test.tenant(), 5).await;
    upload_many(&test, &test.other_tenant().await, 1).await;
    assert_eq!(test.store.dispatch(10, 2).await.unwrap(), 3);
    let attempt = test.start("worker").await;
    assert_eq!(test.store.dispatch(10, 2).await.unwrap(), 0);
    test.store.cancel_attempt(&attempt).await.unwrap();
    assert_eq!(test.store.dispatch(10, 2).await.unwrap(), 1);
}

async fn no_more_is_queued_than_workers_can_take(test: TestStore) {
    let uploaded = upload_many(&test, &test.tenant(), 5).await;
    assert_eq!(test.store.dispatch(2, 100).await.unwrap(), 2);
    assert_eq!(test.store.dispatch(2, 100).await.unwrap(), 0);
    assert_eq!(test.status(&uploaded[1]).await, DocumentStatus::Queued);
    assert_eq!(test.status(&uploaded[2]).await, DocumentStatus::Pending);
}

async fn simultaneous_dispatchers_queue_each_document_once(test: TestStore) {
    upload_many(&test, &test.tenant(), 8).await;
    let dispatchers: Vec<_> = (0..4)
        .map(|_| {
            let store = test.store.clone();
            tokio::spawn(async move { store.dispatch(8, 5).await.unwrap() })
        })
        .collect();
    let mut queued = 0;
    for dispatcher in dispatchers {
        queued += dispatcher.await.unwrap();
    }
    assert_eq!(queued, 5, "the limit of one organization");
    assert_eq!(claim(&test.store, 20).await.len(), 5);
}

async fn a_cancelled_document_is_not_queued(test: TestStore) {
    let uploaded = upload_many(&test, &test.tenant(), 1).await;
    test.store.cancel_document(&Actor::system(), &test.tenant(), &uploaded[0]).await.unwrap();
    assert_eq!(test.store.dispatch(5, 100).await.unwrap(), 0);
}

async fn queue_documents(test: &TestStore, count: u32) {
    upload_many(test, &test.tenant(), count).await;
    assert_eq!(test.store.dispatch(count, 100).await.unwrap(), count);
}

/// Uploads documents a few milliseconds apart, so that their ids are in order.
async fn upload_many(test: &TestStore, tenant: &Tenant, count: u32) -> Vec<String> {
    let mut uploaded = Vec::new();
    for _ in 0..count {
        uploaded.push(test.upload(tenant, &test.new_document()).await.id);
        test.clock.advance(Duration::from_millis(5));
    }
    uploaded
}

async fn claim(store: &Store, limit: u32) -> Vec<Delivery> {
    store.claim("worker", limit, LEASE).await.unwrap()
}

fn ids(deliveries: Vec<Delivery>) -> Vec<String> {
    deliveries.into_iter().map(|delivery| delivery.document_id).collect()
}
