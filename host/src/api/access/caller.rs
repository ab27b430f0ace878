//! Whoever sent a request: what their credential reaches, and what they may do there.
//!
//! All that a request may touch comes from [`Caller::tenant`] and its like, which leave out the projects that the caller
//! does not reach, and those in which they may not do what the operation needs.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{ApiError, Code};
use crate::api::extract::Id;
use crate::domain::audit::{Actor, ActorKind};
use crate::domain::organization::Role;
use crate::domain::project::Project;
use crate::domain::project_member::Standing;
use crate::domain::tenant::{Reach, Tenant};
use crate::domain::token::{ApiToken, LoginFamily, TokenScope};
use crate::store::{Record, Store};

/// Whoever sent the request, once the credential has been checked. What checks it before the handler does leaves it in
/// the request's extensions.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The organization all of the request's data belongs to.
    pub organization_id: String,
    /// The project the credential is bound to; `None` for a person, and for a token of the whole organization.
    pub project_id: Option<String>,
    /// The user, where the credential is a person's.
    pub user_id: Option<String>,
    /// The same for the audit log.
    pub actor: Actor,
    address: Option<IpAddr>,
    grants: Grants,
    /// What the operation takes; `None` for any valid credential.
    needs: Option<TokenScope>,
}

/// What a credential allows.
#[derive(Debug, Clone)]
enum Grants {
    /// What goes with a user's roles.
    Person {
        /// What the user may do in the organization.
        standing: Standing,
        /// The login that the credential descends from.
        login: LoginFamily,
    },
    /// What a token's maker chose.
    Token(Box<ApiToken>),
}

/// A person who is logged in.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// The user.
    pub user_id: &'a str,
    /// The login that the request's credential descends from.
    pub login: &'a str,
}

impl Caller {
    /// Whoever calls with a token that holds.
    pub(super) fn of_token(token: ApiToken, address: Option<IpAddr>) -> Self {
        Self {
            organization_id: token.organization_id.clone(),
            project_id: token.project_id.clone(),
            user_id: None,
            actor: actor(ActorKind::Token, &token.id, address),
            address,
            grants: Grants::Token(Box::new(token)),
            needs: None,
        }
    }

    /// Whoever calls with a login that lasts.
    pub(super) fn of_person(login: LoginFamily, standing: Standing, address: Option<IpAddr>) -> Self {
        Self {
            organization_id: login.organization_id.clone(),
            project_id: None,
            user_id: Some(login.user_id.clone()),
            actor: actor(ActorKind::User, &login.user_id, address),
            address,
            grants: Grants::Person { standing, login },
            needs: None,
        }
    }

    /// The same caller for an operation that takes a scope. What they reach from then on is where they have it.
    ///
    /// # Errors
    /// 403 where they have it nowhere.
    pub(super) fn permitted(mut self, scope: Option<TokenScope>) -> Result<Self, ApiError> {
        scope.map_or(Ok(()), |scope| self.check_scope(scope))?;
        self.needs = scope;
        Ok(self)
    }

    /// All data on which the caller may do the operation.
    pub fn tenant(&self) -> Tenant {
        self.reach(self.needs)
    }

    /// The data of one of the caller's projects.
    pub fn tenant_of(&self, project: &Project) -> Tenant {
        Tenant::project(&self.organization_id, &project.id)
    }

    /// The data of the project that a request names, or all on which the caller may do the operation where it names
    /// none.
    ///
    /// # Errors
    /// As [`Caller::project`].
    pub async fn tenant_in(&self, store: &Store, project_id: Option<&Id>) -> Result<Tenant, ApiError> {
        match project_id {
            None => Ok(self.tenant()),
            Some(id) => Ok(self.tenant_of(&self.project(store, Some(id)).await?)),
        }
    }

    /// All data on which the caller may do the operation, which is about this record.
    ///
    /// # Errors
    /// 403 where the caller may look at the record and do no more. One that is out of reach is not there in the tenant.
    pub async fn tenant_for(&self, store: &Store, record: Record<'_>) -> Result<Tenant, ApiError> {
        let (tenant, seen) = (self.tenant(), self.reach(None));
        if tenant != seen
            && let Some(project_id) = store.project_of(&seen, record).await?
        {
            self.check_project(&project_id)?;
        }
        Ok(tenant)
    }

    /// The project that a request is about: the one it names, or the one its token is bound to.
    ///
    /// # Errors
    /// 400 where neither is there; 401 where the credential does not reach the project, be it unknown or another
    /// tenant's; 403 where the caller's role in it is too little.
    pub async fn project(&self, store: &Store, named: Option<&Id>) -> Result<Project, ApiError> {
        let id = match (named, &self.project_id) {
            (Some(Id(named)), _) => named,
            (None, Some(bound)) => bound,
            (None, None) => return Err(ApiError::fields(vec!["`projectId` is missing".to_owned()])),
        };
        self.check_project(id)?;
        store.project(&self.organization_id, id).await?.ok_or_else(out_of_reach)
    }

    /// Whether the credential reaches a project of its organization.
    pub fn reaches(&self, project_id: &str) -> bool {
        self.reach(None).projects.contains(project_id)
    }

    /// Checks that a path names the caller's own organization.
    ///
    /// # Errors
    /// 404 for any other one.
    pub fn check_organization(&self, Id(id): &Id) -> Result<(), ApiError> {
        if *id == self.organization_id {
            return Ok(());
        }
        Err(ApiError::new(Code::OrganizationUnknown, format!("there is no organization `{id}`")))
    }

    /// Checks that the credential reaches the organization as a whole.
    ///
    /// # Errors
    /// 401 for one that is bound to a project.
    pub fn check_whole_organization(&self) -> Result<(), ApiError> {
        match self.project_id {
            None => Ok(()),
            Some(_) => Err(ApiError::new(
                Code::ProjectOutOfReach,
                "a project's token does not reach the organization as a whole",
            )),
        }
    }

    /// The person who calls.
    ///
    /// # Errors
    /// 403 for an API token.
    pub fn person(&self) -> Result<Person<'_>, ApiError> {
        match &self.grants {
            Grants::Person { login, .. } => Ok(Person { user_id: &login.user_id, login: &login.family }),
            Grants::Token(_) => {
                Err(ApiError::new(Code::UserRequired, "only a person who is logged in can do this"))
            }
        }
    }

    /// What the caller counts as among the members: a person's role; an API token that may manage the organization is
    /// no more than an administrator.
    pub fn role(&self) -> Role {
        match &self.grants {
            Grants::Person { standing, .. } => standing.role,
            Grants::Token(_) => Role::Admin,
        }
    }

    /// The API token that the credential is or was made from.
    pub fn token(&self) -> Option<&ApiToken> {
        match &self.grants {
            Grants::Person { .. } => None,
            Grants::Token(token) => Some(token),
        }
    }

    /// The login that the credential descends from, of a person.
    pub(super) fn login_family(&self) -> Option<LoginFamily> {
        match &self.grants {
            Grants::Person { login, .. } => Some(login.clone()),
            Grants::Token(_) => None,
        }
    }

    pub(super) fn address(&self) -> Option<IpAddr> {
        self.address
    }

    pub(super) fn needs(&self) -> Option<TokenScope> {
        self.needs
    }

    /// All data for which the caller has a scope, or any data of theirs.
    fn reach(&self, scope: Option<TokenScope>) -> Tenant {
        let projects = match &self.grants {
            Grants::Token(token) => token
                .project_id
                .as_ref()
                .map_or(Reach::All, |project_id| Reach::Only(BTreeSet::from([project_id.clone()]))),
            Grants::Person { standing: Standing { projects: None, .. }, .. } => Reach::All,
            Grants::Person { standing: Standing { projects: Some(roles), .. }, .. } => Reach::Only(
                roles
                    .iter()
                    .filter(|(_, role)| scope.is_none_or(|scope| role_allows(**role, scope)))
                    .map(|(id, _)| id.clone())
                    .collect(),
            ),
        };
        Tenant { organization_id: self.organization_id.clone(), projects }
    }

    /// Checks that the operation may be done in a project, which may be another organization's.
    fn check_project(&self, project_id: &str) -> Result<(), ApiError> {
        let role = match &self.grants {
            Grants::Token(token) => {
                let is_bound_elsewhere = token.project_id.as_ref().is_some_and(|bound| bound != project_id);
                return if is_bound_elsewhere { Err(out_of_reach()) } else { Ok(()) };
            }
            Grants::Person { standing, .. } => standing.role_in(project_id).ok_or_else(out_of_reach)?,
        };
        match self.needs {
            Some(scope) if !role_allows(role, scope) => Err(ApiError::new(
                Code::RoleInsufficient,
                format!("this needs `{scope}`, which your role `{role}` in the project does not include"),
            )),
            _ => Ok(()),
        }
    }

    fn check_scope(&self, scope: TokenScope) -> Result<(), ApiError> {
        match &self.grants {
            Grants::Person { standing, .. } if standing.roles().any(|role| role_allows(role, scope)) => {
                Ok(())
            }
            Grants::Person { standing: Standing { role, .. }, .. } => Err(ApiError::new(
                Code::RoleInsufficient,
                format!("this needs `{scope}`, which the role `{role}` does not include"),
            )),
            Grants::Token(token) if token.scopes.contains(&scope) => Ok(()),
            Grants::Token(_) => {
                Err(ApiError::new(Code::ScopeMissing, format!("the token lacks the scope `{scope}`")))
            }
        }
    }
}

fn actor(kind: ActorKind, id: &str, address: Option<IpAddr>) -> Actor {
    Actor { kind, id: Some(id.to_owned()), address: address.map(|address| address.to_string()) }
}

fn out_of_reach() -> ApiError {
    ApiError::new(Code::ProjectOutOfReach, "the project is outside the reach of this credential")
}

/// The roles that a scope goes with.
pub fn roles_with(scope: TokenScope) -> impl Iterator<Item = Role> {
    Role::ALL.iter().copied().filter(move |role| role_allows(*role, scope))
}

fn role_allows(role: Role, scope: TokenScope) -> bool {
    match scope {
        TokenScope::DocumentsRead | TokenScope::TemplatesRead | TokenScope::PluginsRead => true,
        TokenScope::DocumentsWrite | TokenScope::TemplatesWrite => role.may_write(),
        TokenScope::PluginsWrite
        | TokenScope::WebhooksManage
        | TokenScope::TokensManage
        | TokenScope::OrganizationManage => role.may_manage(),
    }
}
