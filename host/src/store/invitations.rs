//! Invitations: sent by mail, accepted once, withdrawn, or left to expire.

use serde_json::json;

use super::audit::Event;
use super::statement::{FromRow, Row, arguments, statements};
use super::{Error, Store, users};
use crate::domain::audit::{Actor, ActorKind};
use crate::domain::invitation::{Invitation, NewInvitation};
use crate::domain::listing::{Listing, Page};
use crate::domain::organization::{Member, Role};
use crate::domain::user::{User, normalized_email};

macro_rules! columns {
    () => {
        "id, organization_id, email, role, invited_by, expires_at, created_at "
    };
}

statements! {
    "invitations";
    LIST = concat!(
        "select ", columns!(), "from invitations
        where organization_id = $1 and accepted_at is null and withdrawn_at is null and expires_at > $2
        order by id desc limit $3 offset $4"
    );
    COUNT = "select count(*) as total from invitations
        where organization_id = $1 and accepted_at is null and withdrawn_at is null and expires_at > $2";
    INSERT = "insert into invitations (id, organization_id, email, role, invited_by, token_hash, expires_at,
            created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)";
    SUPERSEDE = "update invitations set withdrawn_at = $3
        where organization_id = $1 and email = $2 and accepted_at is null and withdrawn_at is null";
    WITHDRAW = concat!(
        "update invitations set withdrawn_at = $3
        where organization_id = $1 and id = $2 and accepted_at is null and withdrawn_at is null returning ",
        columns!()
    );
    /// Across organizations: the token is what tells the organization. Of two callers with the same token, one gets the
    /// row.
    ACCEPT = concat!(
        "update invitations set accepted_at = $2
        where token_hash = $1 and accepted_at is null and withdrawn_at is null and expires_at > $2
            and organization_id in (select id from organizations where is_active)
        returning ", columns!()
    );
    IS_MEMBER = "select u.id as id from memberships m join users u on u.id = m.user_id
        where m.organization_id = $1 and u.email = $2";
    FIND_USER = "select id, email, name, is_active, email_verified_at, created_at, updated_at
        from users where email = $1";
    /// The first owner of an address that was signed up but never confirmed.
    TAKE_OVER = "update users set name = $2, password_hash = $3, email_verified_at = $4, updated_at = $4
        where id = $1 returning id, email, name, is_active, email_verified_at, created_at, updated_at";
}

/// Who somebody without an account will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPerson {
    /// Name for people.
    pub name: String,
    /// Argon2 hash of the password in PHC form.
    pub password_hash: String,
}

/// What became of an accepted invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acceptance {
    /// The invited are members now.
    Accepted {
        /// The organization.
        organization_id: String,
        /// The member.
        member: Member,
    },
    /// Unknown, expired, withdrawn or accepted before.
    Invalid,
    /// The address has no account yet, and nobody said who the new person is.
    AccountNeeded,
    /// The account with the address is closed.
    AccountClosed,
    /// They are members already.
    AlreadyMember,
}

impl Store {
    /// A page of the organization's open invitations, newest first.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn list_invitations(
        &self,
        organization_id: &str,
        page: Page,
    ) -> Result<Listing<Invitation>, Error> {
        let now = self.clock.now();
        let arguments = arguments![organization_id, now, page.limit, page.offset()];
        let items = self.engine.list(&LIST, arguments).await?;
        let total = self.engine.count(&COUNT, arguments![organization_id, now]).await?;
        Ok(Listing { items, total })
    }

    /// Remembers an invitation; an open one to the same address is withdrawn. `None` where the address belongs to a
    /// member already.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn create_invitation(
        &self,
        actor: &Actor,
        organization_id: &str,
        new: NewInvitation,
    ) -> Result<Option<Invitation>, Error> {
        let now = self.clock.now();
        let email = normalized_email(&new.email);
        let mut tx = self.begin().await?;
        if tx.fetch_optional(&IS_MEMBER, arguments![organization_id, &email]).await?.is_some() {
            return Ok(None);
        }
        tx.execute(&SUPERSEDE, arguments![organization_id, &email, now]).await?;
        let invitation = Invitation {
            id: self.clock.new_id(),
            organization_id: organization_id.to_owned(),
            email,
            role: new.role,
            invited_by: new.invited_by,
            expires_at: new.expires_at,
            created_at: now,
        };
        let Invitation { id, email, role, invited_by, expires_at, .. } = &invitation;
        let arguments = arguments![
            id,
            organization_id,
            email,
            role.as_str(),
            invited_by,
            new.token_hash,
            *expires_at,
            now
        ];
        tx.execute(&INSERT, arguments).await?;
        let changes = Some(json!({ "email": email, "role": role.as_str() }));
        let event = Event { organization_id, actor, action: "invitation.created", target: id, changes };
        self.audit(&mut tx, event).await?;
        tx.commit().await?;
        Ok(Some(invitation))
    }

    /// Withdraws an open invitation of the organization; `false` where there is none.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn withdraw_invitation(
        &self,
        actor: &Actor,
        organization_id: &str,
        id: &str,
    ) -> Result<bool, Error> {
        let mut tx = self.begin().await?;
        let withdrawn: Option<Invitation> =
            tx.find(&WITHDRAW, arguments![organization_id, id, self.clock.now()]).await?;
        if let Some(invitation) = &withdrawn {
            let changes = Some(json!({ "email": invitation.email }));
            let event = Event { organization_id, actor, action: "invitation.withdrawn", target: id, changes };
            self.audit(&mut tx, event).await?;
        }
        tx.commit().await?;
        Ok(withdrawn.is_some())
    }

    /// Makes whoever holds the token with this hash a member. The token shows that they read mail to the invited
    /// address: the account with it joins, and where there is none, or one that nobody confirmed, `person` becomes it.
    ///
    /// # Errors
    /// [`Error::Duplicate`] where the same address joins at the same moment, or whatever else the database answers.
    pub async fn accept_invitation(
        &self,
        token_hash: &str,
        person: Option<NewPerson>,
        address: Option<String>,
    ) -> Result<Acceptance, Error> {
        let now = self.clock.now();
        let mut tx = self.begin().await?;
        let accepted: Option<Invitation> = tx.find(&ACCEPT, arguments![token_hash, now]).await?;
        let Some(invitation) = accepted else { return Ok(Acceptance::Invalid) };
        let Invitation { id, organization_id, email, role, .. } = invitation;
        if tx.fetch_optional(&IS_MEMBER, arguments![&organization_id, &email]).await?.is_some() {
            return Ok(Acceptance::AlreadyMember);
        }
        let found: Option<User> = tx.find(&FIND_USER, arguments![&email]).await?;
        let user = match (found, person) {
            (Some(user), _) if !user.is_active => return Ok(Acceptance::AccountClosed),
            (Some(user), _) if user.email_verified_at.is_some() => user,
            (_, None) => return Ok(Acceptance::AccountNeeded),
            (Some(user), Some(person)) => {
                let arguments = arguments![&user.id, &person.name, &person.password_hash, now];
                tx.read(&TAKE_OVER, arguments).await?
            }
            (None, Some(person)) => {
                let user = self.new_user(&email, &person.name);
                users::insert(&mut tx, &user, &person.password_hash).await?;
                user
            }
        };
        let actor = Actor { kind: ActorKind::User, id: Some(user.id.clone()), address };
        let member = Member { user, role };
        self.insert_member(&mut tx, &actor, &organization_id, &member).await?;
        let event = Event {
            organization_id: &organization_id,
            actor: &actor,
            action: "invitation.accepted",
            target: &id,
            changes: None,
        };
        self.audit(&mut tx, event).await?;
        tx.commit().await?;
        Ok(Acceptance::Accepted { organization_id, member })
    }
}

impl FromRow for Invitation {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.get("id")?,
            organization_id: row.get("organization_id")?,
            email: row.get("email")?,
            role: row.word("role", Role::parse)?,
            invited_by: row.get("invited_by")?,
            expires_at: row.time("expires_at")?,
            created_at: row.time("created_at")?,
        })
    }
}
