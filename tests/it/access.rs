//! Every operation of the API's description, called by every kind of caller: each gets through or is refused as the
//! table in `rows` says. A new operation fails here until it has a row, and a row fails that nobody can call with
//! success.

use std::collections::{BTreeMap, BTreeSet};

use ocriva::domain::organization::Role;
use ocriva::domain::project_member::ProjectRole;
use ocriva::domain::token::TokenScope;
use reqwest::StatusCode;
use serde_json::{Value, json};
use support::api::{Answer, TestApi};
use support::contract::{DESCRIPTION, Operation};
use support::over_http;

mod rows;
mod world;

use rows::{Needs, ROWS, Reach, Row, Who};
use world::{Person, World};

over_http!(
    no_operation_is_open_to_those_who_may_not,
    every_operation_succeeds_for_all_who_may,
    what_is_another_tenants_looks_like_what_is_not_there,
);

#[test]
fn the_table_and_the_description_agree_on_operations_and_scopes() {
    let mut used = BTreeSet::new();
    let mut wrong = Vec::new();
    for operation in DESCRIPTION.operations() {
        let Some(row) = Row::find(&operation) else {
            wrong.push(format!("`{} {}` has no row in `access/rows.rs`", operation.method, operation.path));
            continue;
        };
        used.insert(row.operation);
        let expected = match row.needs {
            Needs::Nothing => json!([]),
            Needs::Operator => json!([{"operator": []}]),
            Needs::Credential => json!([{"bearer": []}, {"apiKey": []}]),
            Needs::Scope(scope) => {
                json!([{"bearer": [scope.as_str()]}, {"apiKey": [scope.as_str()]}])
            }
        };
        let described = &DESCRIPTION.operation(&operation)["security"];
        if *described != expected {
            wrong.push(format!("{} says {described}, its row {expected}", row.operation));
        }
    }
    let unused = ROWS.iter().map(|row| row.operation).filter(|operation| !used.contains(operation));
    wrong.extend(unused.map(|operation| format!("the row `{operation}` names no operation")));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whoever calls, with the credential.
struct Caller {
    kind: Kind,
    credential: String,
    /// Who it is, of users.
    person: Option<Person>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Nobody,
    Garbage,
    Expired,
    /// A user with this role in the organization, and in its project.
    Role(Role),
    /// A user who has this role in the project only, and the other of `member` and `viewer` in the organization.
    InProject(ProjectRole),
    /// A user with the role `member` in the organization, who is no member of its project.
    Outside,
    Scope(TokenScope),
    EveryScope,
    /// Every scope, bound to another project of the organization.
    OtherProject,
    /// Every scope of another organization.
    ForeignToken,
    ForeignOwner,
}

/// What a caller gets.
#[derive(Debug, Clone, Copy)]
enum Expected {
    /// The operation is done.
    Done,
    /// An answer about the caller's own data.
    OwnData,
    /// An error with this status and code.
    Refused(u16, &'static str),
}

impl Kind {
    fn expected(self, row: &Row, is_open_api: bool) -> Expected {
        use Expected::{Done, OwnData, Refused};
        let is_user = matches!(self, Self::Role(_) | Self::InProject(_) | Self::Outside | Self::ForeignOwner);
        let role = match self {
            Self::Role(role) => Some(role),
            Self::InProject(role) => Some(role.into()),
            Self::Outside => Some(Role::Member),
            _ => None,
        };
        let scope = match row.needs {
            Needs::Nothing => return row.hindered.map_or(Done, |(status, code)| Refused(status, code)),
            Needs::Operator if self == Self::Nobody => return Refused(401, "auth.credential_missing"),
            Needs::Operator => return Refused(403, "operator.off"),
            Needs::Credential => None,
            Needs::Scope(scope) => Some(scope),
        };
        let reached = |reach: Reach| match reach {
            Reach::Unknown(code) => Refused(404, code),
            Reach::Elsewhere => Refused(401, "auth.project_out_of_reach"),
            Reach::Refused(status, code) => Refused(status, code),
            Reach::Own => OwnData,
        };
        let named = |who: &Who| match who {
            Who::Tokens => !is_user,
            Who::Role(role) => self == Self::Role(*role),
        };
        let refused = row.refused.iter().find(|(who, ..)| named(who));
        match self {
            Self::Nobody => return Refused(401, "auth.credential_missing"),
            Self::Garbage | Self::Expired => return Refused(401, "auth.credential_invalid"),
            _ if is_user && is_open_api => return Refused(401, "auth.credential_invalid"),
            _ if role.zip(scope).is_some_and(|(role, scope)| !allows(role, scope)) => {
                return Refused(403, "auth.role_insufficient");
            }
            Self::Scope(held) if scope.is_some_and(|scope| scope != held) => {
                return Refused(403, "auth.scope_missing");
            }
            Self::OtherProject if refused.is_none() => return reached(row.beside),
            Self::Outside if refused.is_none() => return reached(row.outside.unwrap_or(row.beside)),
            Self::ForeignToken | Self::ForeignOwner if refused.is_none() => return reached(row.elsewhere),
            _ => {}
        }
        match (refused, row.hindered) {
            (Some((_, status, code)), _) => Refused(*status, code),
            (None, Some((status, code))) => Refused(status, code),
            (None, None) => Done,
        }
    }
}

/// What goes with a role, as the contract has it.
fn allows(role: Role, scope: TokenScope) -> bool {
    use TokenScope::{DocumentsRead, DocumentsWrite, PluginsRead, TemplatesRead, TemplatesWrite};
    match role {
        Role::Owner | Role::Admin => true,
        Role::Member => {
            matches!(scope, DocumentsRead | DocumentsWrite | TemplatesRead | TemplatesWrite | PluginsRead)
        }
        Role::Viewer => matches!(scope, DocumentsRead | TemplatesRead | PluginsRead),
    }
}

async fn callers(world: &World<'_>) -> Vec<Caller> {
    let api = world.api;
    let organization = api.organization();
    let foreign = api.base.other_tenant().await.organization_id;
    let mut callers = Vec::new();
    let (member, viewer) = (ProjectRole::Member, ProjectRole::Viewer);
    for (kind, organization, role, given) in [
        (Kind::Role(Role::Owner), &organization, Role::Owner, None),
        (Kind::Role(Role::Admin), &organization, Role::Admin, None),
        (Kind::Role(Role::Member), &organization, Role::Member, Some(member)),
        (Kind::Role(Role::Viewer), &organization, Role::Viewer, Some(viewer)),
        (Kind::InProject(member), &organization, Role::Viewer, Some(member)),
        (Kind::InProject(viewer), &organization, Role::Member, Some(viewer)),
        (Kind::Outside, &organization, Role::Member, None),
        (Kind::ForeignOwner, &foreign, Role::Owner, None),
    ] {
        let person = world.person(organization, role, given).await;
        callers.push(Caller { kind, credential: world.login(&person.email).await, person: Some(person) });
    }
    let mut tokens = vec![
        (Kind::Nobody, String::new()),
        (Kind::Garbage, "ocr_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned()),
        (Kind::Expired, world.expired_token().await),
        (Kind::EveryScope, api.token.clone()),
        (Kind::OtherProject, world.other_projects_token().await),
        (Kind::ForeignToken, api.token_with(&foreign, None, TokenScope::ALL).await),
    ];
    for scope in TokenScope::ALL.iter().copied() {
        tokens.push((Kind::Scope(scope), api.token_with(&organization, None, &[scope]).await));
    }
    let tokens = tokens.into_iter();
    callers.extend(tokens.map(|(kind, credential)| Caller { kind, credential, person: None }));
    callers
}

/// Puts back what an operation has ended, and logs all users in again.
async fn renew(callers: &mut [Caller], world: &World<'_>) {
    for caller in callers {
        if let Some(person) = &caller.person {
            world.restore(person).await;
            caller.credential = world.login(&person.email).await;
        }
    }
}

/// Every operation with its row, in the table's order; which of them have none is another test's business.
fn operations() -> Vec<(Operation, &'static Row)> {
    let known = DESCRIPTION.operations().into_iter();
    let mut rows: Vec<_> =
        known.filter_map(|operation| Row::find(&operation).map(|row| (operation, row))).collect();
    rows.sort_by_key(|(_, row)| ROWS.iter().position(|known| known.operation == row.operation));
    rows
}

fn is_open_api(operation: &Operation) -> bool {
    operation.path.starts_with("/v1/openapi")
}

async fn no_operation_is_open_to_those_who_may_not(api: TestApi) {
    let world = World::new(&api).await;
    let mut callers = callers(&world).await;
    // Things that refused callers aim at are made once, and are all still there afterwards.
    let mut calls = Vec::new();
    for (operation, row) in operations() {
        let call = world.shared_call(&operation, row).await;
        calls.push((operation, row, call));
    }
    let mut before = world.state().await;
    let mut wrong = Vec::new();
    let unseen = before.iter().filter(|(_, seen)| seen["status"] != 200);
    wrong.extend(unseen.map(|(path, seen)| format!("{path} cannot be seen: {seen}")));
    for (operation, row, call) in calls {
        for caller in &callers {
            let expected = caller.kind.expected(row, is_open_api(&operation));
            if matches!(expected, Expected::Done) {
                continue;
            }
            let answer = world.send(&call, &caller.credential).await;
            let secrets = world.secrets(caller.kind, &call).await;
            if let Err(problem) = check(&answer, expected, &secrets) {
                wrong
                    .push(format!("{} {} by {:?}: {problem}", operation.method, operation.path, caller.kind));
            }
        }
        if row.ends_logins {
            renew(&mut callers, &world).await;
        }
        let after = world.state().await;
        for (path, was) in before.iter().filter(|(path, was)| after.get(*path) != Some(*was)) {
            let is = &after[path];
            wrong.push(format!("{} {} changed {path} from {was} to {is}", operation.method, operation.path));
        }
        before = after;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn every_operation_succeeds_for_all_who_may(api: TestApi) {
    let world = World::new(&api).await;
    let mut callers = callers(&world).await;
    let mut wrong = Vec::new();
    for (operation, row) in operations() {
        let mut succeeded = Vec::new();
        for caller in &callers {
            let is_done = matches!(caller.kind.expected(row, is_open_api(&operation)), Expected::Done);
            // An open operation is the same for all.
            let is_needed = row.needs != Needs::Nothing || caller.kind == Kind::Nobody;
            if !(is_done && is_needed) {
                continue;
            }
            let call = world.fresh_call(&operation, row).await;
            let answer = world.send(&call, &caller.credential).await;
            if answer.status.is_success() {
                succeeded.push(caller.kind);
            } else {
                let told = format!("{} {}", answer.status, answer.body);
                wrong.push(format!("{} {} by {:?}: {told}", operation.method, operation.path, caller.kind));
            }
        }
        let expected = successes(row, is_open_api(&operation));
        if succeeded.len() != expected {
            let told = format!("{expected} callers were to succeed, {succeeded:?} did");
            wrong.push(format!("{} {}: {told}", operation.method, operation.path));
        }
        if row.ends_logins {
            renew(&mut callers, &world).await;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// How many of the callers get an operation done, by what the row says alone.
fn successes(row: &Row, is_open_api: bool) -> usize {
    let is_refused = |who: Who| row.refused.iter().any(|(refused, ..)| *refused == who);
    let (people, tokens) = match row.needs {
        _ if row.hindered.is_some() => (0, 0),
        Needs::Operator => (0, 0),
        // Nobody's.
        Needs::Nothing => return 1,
        // Four roles, and two that are had in the project only; each scope, and all of them together.
        Needs::Credential => (6, TokenScope::ALL.len() + 1),
        Needs::Scope(scope) if allows(Role::Viewer, scope) => (6, 2),
        Needs::Scope(scope) if allows(Role::Member, scope) => (4, 2),
        Needs::Scope(_) => (2, 2),
    };
    let refused = Role::ALL.iter().filter(|role| is_refused(Who::Role(**role))).count();
    let people = if is_open_api { 0 } else { people - refused.min(people) };
    people + if is_refused(Who::Tokens) { 0 } else { tokens }
}

async fn what_is_another_tenants_looks_like_what_is_not_there(api: TestApi) {
    let world = World::new(&api).await;
    let callers = callers(&world).await;
    let mut wrong = Vec::new();
    for (operation, row) in operations() {
        let real = world.shared_call(&operation, row).await;
        let elsewhere = world.unreal_call(&operation, row, &[]);
        // Who is of the same organization knows it.
        let beside = world.unreal_call(&operation, row, &[("organizationId", api.organization())]);
        for caller in &callers {
            let is_colleague = matches!(caller.kind, Kind::OtherProject | Kind::Outside);
            let is_stranger = is_colleague || matches!(caller.kind, Kind::ForeignToken | Kind::ForeignOwner);
            let expected = caller.kind.expected(row, is_open_api(&operation));
            if !is_stranger || !matches!(expected, Expected::Refused(..)) {
                continue;
            }
            let unreal = if is_colleague { &beside } else { &elsewhere };
            let there = world.send(&real, &caller.credential).await;
            let not_there = world.send(unreal, &caller.credential).await;
            let (there, not_there) = (told(&there, &real.things), told(&not_there, &unreal.things));
            if there != not_there {
                wrong.push(format!(
                    "{} {} by {:?}: {there:?}, but {not_there:?} for what is not there",
                    operation.method, operation.path, caller.kind
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn check(answer: &Answer, expected: Expected, secrets: &BTreeMap<String, String>) -> Result<(), String> {
    let told = || format!("{} {}", answer.status, answer.body);
    let headers = answer.headers.values().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let text = headers.chain([answer.body.to_string()]).collect::<Vec<_>>().join("\n").to_lowercase();
    if let Some((name, secret)) = secrets.iter().find(|(_, secret)| text.contains(secret.as_str())) {
        return Err(format!("{} tells `{name}`: `{secret}`", told()));
    }
    let is_right = match expected {
        Expected::Done => true,
        Expected::Refused(status, code) => answer.status.as_u16() == status && answer.body["code"] == code,
        Expected::OwnData => answer.status.is_success(),
    };
    if is_right { Ok(()) } else { Err(format!("{} instead of {expected:?}", told())) }
}

/// An answer without what differs between any two: the request's id, and the names of things that the client sent.
fn told(answer: &Answer, things: &[String]) -> (StatusCode, String) {
    let mut body = answer.body.clone();
    if let Value::Object(members) = &mut body {
        members.shift_remove("requestId");
    }
    let mut body = body.to_string();
    for thing in things {
        body = body.replace(thing.as_str(), "THING");
    }
    (answer.status, body)
}
