//! The manifest in a component: read, shown, and held against what the component is.

use ocriva_plugin_build::embed;
use support::guest;

use super::engine;

/// What is said of the guest `witness`, which uses the reference files, with this manifest.
async fn problems(manifest: &str) -> Vec<String> {
    let report = engine(|_| {}).check(embed(&guest("witness"), manifest)).await;
    report.problems.into_iter().map(|problem| format!("{}; {}", problem.problem, problem.remedy)).collect()
}

const WHO: &str = "name = \"witness\"\nversion = \"0.1.0\"\n";

#[tokio::test]
async fn a_report_shows_the_manifest_of_a_component_that_has_one() {
    let component = embed(&guest("witness"), &format!("{WHO}[capabilities]\nlookup = true\n"));
    let report = engine(|_| {}).check(component).await;
    assert_eq!(report.problems, []);
    assert!(report.manifest.unwrap().capabilities.lookup);
    assert_eq!(engine(|_| {}).check(guest("witness")).await.manifest, None);
}

#[tokio::test]
async fn a_component_that_uses_what_its_manifest_does_not_ask_for_is_refused() {
    insta::assert_debug_snapshot!(problems(WHO).await);
}

#[tokio::test]
async fn a_manifest_that_cannot_be_used_says_why() {
    let another = WHO.replace("witness", "another") + "[capabilities]\nlookup = true\n";
    let twice = embed(&embed(&guest("witness"), WHO), WHO);
    let mut said = Vec::new();
    said.extend(problems(&another).await);
    said.extend(problems(&format!("{WHO}[capability]\nlookup = true\n")).await);
    said.extend(problems(&format!("{WHO}[capabilities]\nlookup = \"yes\"\n")).await);
    said.extend(engine(|_| {}).check(twice).await.problems.into_iter().map(|problem| problem.problem));
    insta::assert_debug_snapshot!(said);
}
