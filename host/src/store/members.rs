//! Who belongs to an organization, and as what.

use serde_json::{Value, json};

use super::audit::Event;
use super::statement::{FromRow, Row, arguments, statements};
use super::{Error, Store, Transaction, refresh_tokens, users};
use crate::domain::audit::{Actor, ActorKind};
use crate::domain::listing::{Listing, Page};
use crate::domain::organization::{Member, MemberChange, NewMember, Role};
use crate::domain::timestamp::Timestamp;
use crate::domain::user::User;

macro_rules! members {
    () => {
        "select u.id as id, u.email as email, u.name as name, u.is_active as is_active,
            u.email_verified_at as email_verified_at, u.created_at as created_at, u.updated_at as updated_at,
            m.role as role
        from memberships m join users u on u.id = m.user_id where m.organization_id = $1 "
    };
}

statements! {
    "members";
    LIST = concat!(members!(), "order by u.id limit $2 offset $3");
    COUNT = "select count(*) as total from memberships where organization_id = $1";
    FIND = concat!(members!(), "and m.user_id = $2");
    INSERT = "insert into memberships (organization_id, user_id, role, created_at) values ($1, $2, $3, $4)";
    SET_ROLE = "update memberships set role = $3 where organization_id = $1 and user_id = $2";
    DELETE = "delete from memberships where organization_id = $1 and user_id = $2";
    OWNERS = "select count(*) as total from memberships where organization_id = $1 and role = 'owner'";
    /// Of two changes at the same time the second waits here, and then counts the owners that are left.
    LOCK = "update organizations set updated_at = updated_at where id = $1";
}

impl Store {
    /// A page of those who belong to the organization, oldest account first.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn list_members(&self, organization_id: &str, page: Page) -> Result<Listing<Member>, Error> {
        let items = self.engine.list(&LIST, arguments![organization_id, page.limit, page.offset()]).await?;
        let total = self.engine.count(&COUNT, arguments![organization_id]).await?;
        Ok(Listing { items, total })
    }

    /// Makes a user, whose address the organization vouches for, and gives them a place in it.
    ///
    /// # Errors
    /// [`Error::Duplicate`] where the address is taken, [`Error::MissingReference`] where there is no such organization,
    /// or whatever else the database answers.
    pub async fn create_member(
        &self,
        actor: &Actor,
        organization_id: &str,
        new: NewMember,
    ) -> Result<Member, Error> {
        let user = self.new_user(&new.email, &new.name);
        let mut tx = self.begin().await?;
        users::insert(&mut tx, &user, &new.password_hash).await?;
        let member = Member { user, role: new.role };
        self.insert_member(&mut tx, actor, organization_id, &member).await?;
        tx.commit().await?;
        Ok(member)
    }

    /// Gives an existing user a place in the organization; `None` where there is no such user.
    ///
    /// # Errors
    /// [`Error::Duplicate`] where they have one, [`Error::MissingReference`] where there is no such organization, or
    /// whatever else the database answers.
    pub async fn add_member(
        &self,
        actor: &Actor,
        organization_id: &str,
        user_id: &str,
        role: Role,
    ) -> Result<Option<Member>, Error> {
        let Some(user) = self.user(user_id).await? else { return Ok(None) };
        let member = Member { user, role };
        let mut tx = self.begin().await?;
        self.insert_member(&mut tx, actor, organization_id, &member).await?;
        tx.commit().await?;
        Ok(Some(member))
    }

    /// Gives a member another role, on behalf of somebody whose own role is `by`.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn set_member_role(
        &self,
        actor: &Actor,
        by: Role,
        place: Place<'_>,
        role: Role,
    ) -> Result<MemberChange, Error> {
        self.change_member(actor, by, place, Some(role)).await
    }

    /// Takes a member out of the organization, on behalf of somebody whose own role is `by`, which does not matter to
    /// those who leave by themselves; their logins to it end. Tokens that they made belong to the organization and stay.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn remove_member(
        &self,
        actor: &Actor,
        by: Role,
        place: Place<'_>,
    ) -> Result<MemberChange, Error> {
        self.change_member(actor, by, place, None).await
    }

    /// Gives the member the role `next`, or removes them where there is none.
    async fn change_member(
        &self,
        actor: &Actor,
        by: Role,
        Place { organization_id, user_id }: Place<'_>,
        next: Option<Role>,
    ) -> Result<MemberChange, Error> {
        let mut tx = self.begin().await?;
        tx.execute(&LOCK, arguments![organization_id]).await?;
        let Some(member) = tx.find::<Member>(&FIND, arguments![organization_id, user_id]).await? else {
            return Ok(MemberChange::NotFound);
        };
        let leaves = next.is_none() && actor.kind == ActorKind::User && actor.id.as_deref() == Some(user_id);
        let may_change = by.may_assign(member.role) && next.is_none_or(|role| by.may_assign(role));
        if !leaves && !may_change {
            return Ok(MemberChange::OwnersOnly);
        }
        if member.role == Role::Owner && next != Some(Role::Owner) {
            let row = tx.fetch_optional(&OWNERS, arguments![organization_id]).await?;
            if row.map_or(Ok(0), |row| row.number::<u64>("total"))? <= 1 {
                return Ok(MemberChange::LastOwner);
            }
        }
        let (action, changes) = match next {
            Some(role) => {
                tx.execute(&SET_ROLE, arguments![organization_id, user_id, role.as_str()]).await?;
                let changes = json!({ "role": { "from": member.role.as_str(), "to": role.as_str() } });
                ("member.updated", changes)
            }
            None => {
                tx.execute(&DELETE, arguments![organization_id, user_id]).await?;
                let now = self.clock.now();
                refresh_tokens::revoke_member(&mut tx, organization_id, user_id, now).await?;
                ("member.removed", described(&member))
            }
        };
        let event = Event { organization_id, actor, action, target: user_id, changes: Some(changes) };
        self.audit(&mut tx, event).await?;
        tx.commit().await?;
        Ok(MemberChange::Done(Member { role: next.unwrap_or(member.role), ..member }))
    }

    /// Writes a member's place and its line in the audit log in the caller's transaction.
    pub(super) async fn insert_member(
        &self,
        tx: &mut Transaction,
        actor: &Actor,
        organization_id: &str,
        member: &Member,
    ) -> Result<(), Error> {
        let user_id = &member.user.id;
        insert(tx, organization_id, user_id, member.role, self.clock.now()).await?;
        let changes = Some(described(member));
        let event = Event { organization_id, actor, action: "member.created", target: user_id, changes };
        self.audit(tx, event).await
    }
}

/// A user's place in an organization.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The organization.
    pub organization_id: &'a str,
    /// The user.
    pub user_id: &'a str,
}

/// Writes a membership in the caller's transaction.
pub(super) async fn insert(
    tx: &mut Transaction,
    organization_id: &str,
    user_id: &str,
    role: Role,
    now: Timestamp,
) -> Result<(), Error> {
    tx.execute(&INSERT, arguments![organization_id, user_id, role.as_str(), now]).await.map(drop)
}

fn described(member: &Member) -> Value {
    json!({ "email": member.user.email, "role": member.role.as_str() })
}

impl FromRow for Member {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self { user: User::from_row(row)?, role: row.word("role", Role::parse)? })
    }
}
