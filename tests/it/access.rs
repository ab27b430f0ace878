//! Every operation of the API's description, called by every kind of caller: each gets through or is refused as the
//! table in `rows` says. A new operation fails here until it has a row, and a row fails that nobody can call with
//! success.

use std::collections::BTreeSet;

use ocriva::domain::organization::Role;
use ocriva::domain::token::TokenScope;
use reqwest::StatusCode;
use serde_json::{Value, json};
use support::api::{Answer, TestApi};
use support::contract::{DESCRIPTION, Operation};
use support::over_http;

mod rows;
mod world;

use rows::{Needs, ROWS, Reach, Row, Who};
use world::World;

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
    /// To log in with, of users.
    email: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Nobody,
    Garbage,
    Expired,
    Role(Role),
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
        let is_user = matches!(self, Self::Role(_) | Self::ForeignOwner);
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
            Self::Role(role) if scope.is_some_and(|scope| !allows(role, scope)) => {
                return Refused(403, "auth.role_insufficient");
            }
            Self::Scope(held) if scope.is_some_and(|scope| scope != held) => {
                return Refused(403, "auth.scope_missing");
            }
            Self::OtherProject if refused.is_none() => return reached(row.beside),
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
    let users = Role::ALL.iter().map(|role| (Kind::Role(*role), organization.as_str(), *role));
    for (kind, organization, role) in users.chain([(Kind::ForeignOwner, foreign.as_str(), Role::Owner)]) {
        let email = world.member(organization, role).await;
        callers.push(Caller { kind, credential: world.login(&email).await, email });
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
    callers.extend(tokens.into_iter().map(|(kind, credential)| Caller {
        kind,
        credential,
        email: String::new(),
    }));
    callers
}

/// Puts back what an operation has ended, and logs all users in again.
async fn renew(callers: &mut [Caller], world: &World<'_>) {
    for caller in callers {
        if let Kind::Role(role) = caller.kind {
            world.restore(&caller.email, role).await;
        }
        if let Kind::Role(_) | Kind::ForeignOwner = caller.kind {
            caller.credential = world.login(&caller.email).await;
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
    let mut wrong = Vec::new();
    for (operation, row) in operations() {
        // Things that refused callers aim at are made once, and are all still there afterwards.
        let call = world.shared_call(&operation, row).await;
        let before = world.state().await;
        for caller in &callers {
            let expected = caller.kind.expected(row, is_open_api(&operation));
            if matches!(expected, Expected::Done) {
                continue;
            }
            let answer = world.send(&call, &caller.credential).await;
            if let Err(problem) = check(&answer, expected, &world) {
                wrong
                    .push(format!("{} {} by {:?}: {problem}", operation.method, operation.path, caller.kind));
            }
        }
        if row.ends_logins {
            renew(&mut callers, &world).await;
        }
        if world.state().await != before {
            wrong.push(format!("{} {} changed something", operation.method, operation.path));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn every_operation_succeeds_for_all_who_may(api: TestApi) {
    let world = World::new(&api).await;
    let mut callers = callers(&world).await;
    let mut wrong = Vec::new();
    for (operation, row) in operations() {
        for caller in &callers {
            let is_done = matches!(caller.kind.expected(row, is_open_api(&operation)), Expected::Done);
            // An open operation is the same for all.
            let is_needed = row.needs != Needs::Nothing || caller.kind == Kind::Nobody;
            if !(is_done && is_needed) {
                continue;
            }
            let call = world.fresh_call(&operation, row).await;
            let answer = world.send(&call, &caller.credential).await;
            if !answer.status.is_success() {
                let told = format!("{} {}", answer.status, answer.body);
                wrong.push(format!("{} {} by {:?}: {told}", operation.method, operation.path, caller.kind));
            }
        }
        if row.ends_logins {
            renew(&mut callers, &world).await;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn what_is_another_tenants_looks_like_what_is_not_there(api: TestApi) {
    let world = World::new(&api).await;
    let callers = callers(&world).await;
    let mut wrong = Vec::new();
    for (operation, row) in operations() {
        let real = world.shared_call(&operation, row).await;
        let elsewhere = world.unreal_call(&operation, row, &[]);
        // Whose token is of another project knows their own organization.
        let beside = world.unreal_call(&operation, row, &[("organizationId", api.organization())]);
        for caller in &callers {
            let is_stranger =
                matches!(caller.kind, Kind::OtherProject | Kind::ForeignToken | Kind::ForeignOwner);
            let expected = caller.kind.expected(row, is_open_api(&operation));
            if !is_stranger || !matches!(expected, Expected::Refused(..)) {
                continue;
            }
            let unreal = if caller.kind == Kind::OtherProject { &beside } else { &elsewhere };
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

fn check(answer: &Answer, expected: Expected, world: &World<'_>) -> Result<(), String> {
    let told = || format!("{} {}", answer.status, answer.body);
    match expected {
        Expected::Done => Ok(()),
        Expected::Refused(status, code) => {
            let is_right = answer.status.as_u16() == status && answer.body["code"] == code;
            if is_right { Ok(()) } else { Err(format!("{} instead of {status} {code}", told())) }
        }
        Expected::OwnData => {
            let body = answer.body.to_string();
            let denied = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&answer.status);
            let leaks = world.secrets().into_iter().find(|secret| body.contains(secret));
            match (denied, leaks) {
                (true, _) => Err(format!("{} instead of its own data", told())),
                (false, Some(secret)) => Err(format!("{} tells `{secret}`", told())),
                (false, None) => Ok(()),
            }
        }
    }
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
