//! What another organization or project has is not there.

use std::collections::BTreeSet;

use ocriva::domain::audit::Actor;
use ocriva::domain::batch::{BatchChange, BatchDeletion, BatchFilter};
use ocriva::domain::document::{Cancellation, Deletion, DocumentFilter, NewProcessing, Reprocessing};
use ocriva::domain::project::{NewProject, ProjectChanges};
use ocriva::domain::project_member::ProjectAccess;
use ocriva::domain::template::{TemplateRevision, TemplateUpdate};
use ocriva::domain::tenant::{Reach, Tenant};
use ocriva::store::Record;
use support::on_each_engine;
use support::store::{TestStore, processed, template_content};

use super::{FIRST_PAGE, create_batch, create_template};

on_each_engine!(
    nothing_of_another_organization_is_there,
    nothing_of_another_project_is_there,
    who_reaches_no_project_sees_nothing,
    who_reaches_some_projects_sees_what_is_in_each,
);

async fn nothing_of_another_organization_is_there(test: TestStore) {
    let other = test.other_tenant().await;
    expect_nothing_there(&test, &Tenant::organization(&other.organization_id)).await;
    expect_nothing_there(&test, &other).await;
    let organization_id = &other.organization_id;
    let actor = Actor::system();
    assert_eq!(test.store.project(organization_id, &test.first.project_id).await.unwrap(), None);
    let changes = ProjectChanges { name: Some("mine".to_owned()), ..ProjectChanges::default() };
    let changed = test.store.update_project(&actor, organization_id, &test.first.project_id, changes).await;
    assert_eq!(changed.unwrap(), None);
    assert_eq!(test.store.token(organization_id, &test.first.token_id).await.unwrap(), None);
    assert!(!test.store.revoke_token(&actor, organization_id, &test.first.token_id).await.unwrap());
    let tokens = test.store.list_tokens(&Tenant::organization(organization_id), FIRST_PAGE).await.unwrap();
    assert_eq!(tokens.items, []);
}

async fn nothing_of_another_project_is_there(test: TestStore) {
    let organization_id = &test.first.organization_id;
    let new = NewProject {
        name: "Other".to_owned(),
        description: None,
        access: ProjectAccess::Organization,
        file_retention_days: 7,
    };
    let project = test.store.create_project(&Actor::system(), organization_id, new).await.unwrap();
    expect_nothing_there(&test, &Tenant::project(organization_id, project.id)).await;
}

async fn who_reaches_no_project_sees_nothing(test: TestStore) {
    let nothing = Tenant { projects: Reach::Only(BTreeSet::new()), ..test.tenant() };
    expect_nothing_there(&test, &nothing).await;
}

async fn who_reaches_some_projects_sees_what_is_in_each(test: TestStore) {
    let organization_id = &test.first.organization_id;
    let new = |name: &str| NewProject {
        name: name.to_owned(),
        description: None,
        access: ProjectAccess::Members,
        file_retention_days: 7,
    };
    let mut projects = vec![test.first.project_id.clone()];
    for name in ["Second", "Third"] {
        projects
            .push(test.store.create_project(&Actor::system(), organization_id, new(name)).await.unwrap().id);
    }
    let mut documents = Vec::new();
    for project in &projects {
        let tenant = Tenant::project(organization_id, project);
        documents.push(test.upload(&tenant, &test.new_document()).await.id);
    }
    let some = Tenant {
        organization_id: organization_id.clone(),
        projects: Reach::Only(projects[..2].iter().cloned().collect()),
    };
    let seen = test.store.list_documents(&some, &DocumentFilter::default(), FIRST_PAGE).await.unwrap();
    let seen: BTreeSet<String> = seen.items.into_iter().map(|document| document.id).collect();
    assert_eq!(seen, documents[..2].iter().cloned().collect());
    for (document, is_seen) in documents.iter().zip([true, true, false]) {
        assert_eq!(test.store.document(&some, document).await.unwrap().is_some(), is_seen);
        let project = test.store.project_of(&some, Record::Document(document)).await.unwrap();
        assert_eq!(project.is_some(), is_seen);
    }
}

/// Records one of each for the first tenant, and sees that `stranger` has no way to it.
async fn expect_nothing_there(test: &TestStore, stranger: &Tenant) {
    let actor = Actor::system();
    let template = create_template(test, "Receipts").await;
    let batch = create_batch(test, &[test.new_document()]).await.unwrap();
    let attempt = test.upload_and_start().await;
    let id = attempt.document.id.as_str();
    test.store.complete_attempt(&attempt, &processed("secret")).await.unwrap();

    let store = &test.store;
    assert_eq!(store.document(stranger, id).await.unwrap(), None);
    assert_eq!(store.result(stranger, id).await.unwrap(), None);
    let everything = DocumentFilter::default();
    assert_eq!(store.list_documents(stranger, &everything, FIRST_PAGE).await.unwrap().total, 0);
    let this_batch = DocumentFilter { batch_id: Some(batch.clone()), ..DocumentFilter::default() };
    assert_eq!(store.list_documents(stranger, &this_batch, FIRST_PAGE).await.unwrap().items, []);
    let by_id = DocumentFilter { search: Some(id.to_owned()), ..DocumentFilter::default() };
    assert_eq!(store.list_documents(stranger, &by_id, FIRST_PAGE).await.unwrap().items, []);
    assert_eq!(store.batch(stranger, &batch).await.unwrap(), None);
    assert_eq!(store.batch_uploads(stranger, &batch).await.unwrap(), Vec::<String>::new());
    assert_eq!(store.list_batches(stranger, &BatchFilter::default(), FIRST_PAGE).await.unwrap().items, []);
    assert_eq!(store.template(stranger, &template.id).await.unwrap(), None);
    assert_eq!(store.list_templates(stranger).await.unwrap(), []);
    let revision = TemplateRevision {
        expected_updated_at: template.updated_at,
        content: template_content("mine"),
        is_active: true,
    };
    let updated = store.update_template(&actor, stranger, &template.id, revision).await.unwrap();
    assert_eq!(updated, TemplateUpdate::NotFound);
    assert!(!store.delete_template(&actor, stranger, &template.id).await.unwrap());
    assert_eq!(store.delete_document(&actor, stranger, id).await.unwrap(), Deletion::NotFound);
    let cancelled = store.cancel_document(&actor, stranger, id).await.unwrap();
    assert_eq!(cancelled, Cancellation::NotFound);
    let reprocessed =
        store.reprocess_document(&actor, stranger, id, &NewProcessing::default()).await.unwrap();
    assert_eq!(reprocessed, Reprocessing::NotFound);
    let cancelled = store.cancel_batch(&actor, stranger, &batch).await.unwrap();
    assert_eq!(cancelled, BatchChange::NotFound);
    let new = NewProcessing::default();
    let reprocessed = store.reprocess_batch(&actor, stranger, &batch, &new).await.unwrap();
    assert_eq!(reprocessed, BatchChange::NotFound);
    assert_eq!(store.delete_batch(&actor, stranger, &batch).await.unwrap(), BatchDeletion::NotFound);
    assert_eq!(store.template_version(stranger, &template.id, 1).await.unwrap(), None);
    let counted = store.document_statistics(stranger, &DocumentFilter::default()).await.unwrap();
    assert!(counted.by_status.iter().all(|(_, count)| *count == 0));

    assert_eq!(store.template(&test.tenant(), &template.id).await.unwrap(), Some(template));
    assert!(store.result(&test.tenant(), id).await.unwrap().is_some());
}
