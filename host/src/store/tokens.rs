//! API tokens: looked up by their public part, never stored themselves.

use std::time::Duration;

use serde_json::json;

use super::audit::Event;
use super::statement::{FromRow, Row, arguments, statements, to_json, within};
use super::{Error, Store, Transaction};
use crate::domain::audit::Actor;
use crate::domain::listing::{Listing, Page};
use crate::domain::tenant::Tenant;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{ApiToken, NewApiToken, TokenScope};

macro_rules! columns {
    () => {
        "id, organization_id, project_id, name, description, public_id, secret_hash, scopes, addresses, created_by,
            expires_at, last_used_at, revoked_at, created_at "
    };
}

statements! {
    "tokens";
    LIST = concat!(
        "select ", columns!(), "from api_tokens ",
        within!("api_tokens"),
        "order by id desc limit $3 offset $4"
    );
    COUNT = concat!(
        "select count(*) as total from api_tokens ",
        within!("api_tokens")
    );
    FIND = concat!("select ", columns!(), "from api_tokens where organization_id = $1 and id = $2");
    /// Across organizations: the token is what tells the organization.
    FIND_BY_PUBLIC_ID = concat!(
        "select ", columns!(), "from api_tokens
        where public_id = $1 and organization_id in (select id from organizations where is_active)"
    );
    INSERT = "insert into api_tokens (id, organization_id, project_id, kind, name, description, public_id,
            secret_hash, scopes, addresses, created_by, expires_at, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    TOUCH = "update api_tokens set last_used_at = $2 where id = $1";
    REVOKE = "update api_tokens set revoked_at = $3
        where organization_id = $1 and id = $2 and revoked_at is null";
    REPLACE = concat!(
        "update api_tokens set public_id = $3, secret_hash = $4, expires_at = $5
        where organization_id = $1 and id = $2 and revoked_at is null returning ", columns!()
    );
}

/// The last use of a token is remembered to this precision, so that reading does not become writing.
const LAST_USE_PRECISION: Duration = Duration::from_secs(60);

impl Store {
    /// A page of the tokens of an organization, or of those bound to one of its projects: revoked and expired ones
    /// too, newest first.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn list_tokens(&self, tenant: &Tenant, page: Page) -> Result<Listing<ApiToken>, Error> {
        let Tenant { organization_id, projects } = tenant;
        let arguments = arguments![organization_id, projects, page.limit, page.offset()];
        let items = self.engine.list(&LIST, arguments).await?;
        let total = self.engine.count(&COUNT, arguments![organization_id, projects]).await?;
        Ok(Listing { items, total })
    }

    /// A token of the organization.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn token(&self, organization_id: &str, id: &str) -> Result<Option<ApiToken>, Error> {
        self.engine.find(&FIND, arguments![organization_id, id]).await
    }

    /// The token with this public part, of any active organization, also if it is expired or revoked: comparing
    /// its hash and times is the caller's part.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn token_by_public_id(&self, public_id: &str) -> Result<Option<ApiToken>, Error> {
        self.engine.find(&FIND_BY_PUBLIC_ID, arguments![public_id]).await
    }

    /// Remembers a new token.
    ///
    /// # Errors
    /// [`Error::Duplicate`] where the public part is taken, [`Error::MissingReference`] where there is no such
    /// project, or whatever else the database answers.
    pub async fn create_token(
        &self,
        actor: &Actor,
        organization_id: &str,
        new: NewApiToken,
    ) -> Result<ApiToken, Error> {
        let token = self.new_token(organization_id, new);
        let mut tx = self.begin().await?;
        insert(&mut tx, &token).await?;
        let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
        let changes = Some(json!({
            "name": token.name,
            "projectId": token.project_id,
            "scopes": scopes,
            "allowedAddresses": token.addresses,
            "expiresAt": token.expires_at.to_iso(),
        }));
        let event = Event { organization_id, actor, action: "token.created", target: &token.id, changes };
        self.audit(&mut tx, event).await?;
        tx.commit().await?;
        Ok(token)
    }

    /// Remembers that a token was used, to the minute.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn touch_token(&self, token: &ApiToken) -> Result<(), Error> {
        let now = self.clock.now();
        if token.last_used_at.is_some_and(|last| last.until(now) < LAST_USE_PRECISION) {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        tx.execute(&TOUCH, arguments![&token.id, now]).await?;
        tx.commit().await
    }

    /// Revokes a token of the organization; `false` where there is none that is not revoked.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn revoke_token(&self, actor: &Actor, organization_id: &str, id: &str) -> Result<bool, Error> {
        let mut tx = self.begin().await?;
        let revoked = tx.execute(&REVOKE, arguments![organization_id, id, self.clock.now()]).await?;
        if revoked > 0 {
            let event = Event { organization_id, actor, action: "token.revoked", target: id, changes: None };
            self.audit(&mut tx, event).await?;
        }
        tx.commit().await?;
        Ok(revoked > 0)
    }

    /// Gives a token of the organization another secret; the old one stops working. `None` where there is no such
    /// token, or it is revoked.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn regenerate_token(
        &self,
        actor: &Actor,
        organization_id: &str,
        id: &str,
        secret: TokenSecret,
    ) -> Result<Option<ApiToken>, Error> {
        let mut tx = self.begin().await?;
        let replaced = tx
            .find(
                &REPLACE,
                arguments![organization_id, id, secret.public_id, secret.secret_hash, secret.expires_at],
            )
            .await?;
        if replaced.is_some() {
            let event =
                Event { organization_id, actor, action: "token.regenerated", target: id, changes: None };
            self.audit(&mut tx, event).await?;
        }
        tx.commit().await?;
        Ok(replaced)
    }

    pub(super) fn new_token(&self, organization_id: &str, new: NewApiToken) -> ApiToken {
        ApiToken {
            id: self.clock.new_id(),
            organization_id: organization_id.to_owned(),
            project_id: new.project_id,
            name: new.name,
            description: new.description,
            public_id: new.public_id,
            secret_hash: new.secret_hash,
            scopes: new.scopes,
            addresses: new.addresses,
            created_by: new.created_by,
            expires_at: new.expires_at,
            last_used_at: None,
            revoked_at: None,
            created_at: self.clock.now(),
        }
    }
}

/// What replaces a token's secret.
#[derive(Debug, Clone)]
pub struct TokenSecret {
    /// The part by which it is looked up.
    pub public_id: String,
    /// HMAC-SHA256 of the whole token in hexadecimal.
    pub secret_hash: String,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// Writes a new token in the caller's transaction.
pub(super) async fn insert(tx: &mut Transaction, token: &ApiToken) -> Result<(), Error> {
    let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
    tx.execute(
        &INSERT,
        arguments![
            &token.id,
            &token.organization_id,
            &token.project_id,
            token.kind().as_str(),
            &token.name,
            &token.description,
            &token.public_id,
            &token.secret_hash,
            to_json("scopes", &scopes)?,
            to_json("addresses", &token.addresses)?,
            &token.created_by,
            token.expires_at,
            token.created_at
        ],
    )
    .await?;
    Ok(())
}

impl FromRow for ApiToken {
    fn from_row(row: &Row) -> Result<Self, Error> {
        let words: Vec<String> = row.json("scopes")?;
        let scopes = words
            .iter()
            .map(|word| {
                TokenScope::parse(word)
                    .ok_or_else(|| row.corrupt("scopes", format!("`{word}` is not a scope")))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            id: row.get("id")?,
            organization_id: row.get("organization_id")?,
            project_id: row.get("project_id")?,
            name: row.get("name")?,
            description: row.get("description")?,
            public_id: row.get("public_id")?,
            secret_hash: row.get("secret_hash")?,
            scopes,
            addresses: row.json("addresses")?,
            created_by: row.get("created_by")?,
            expires_at: row.time("expires_at")?,
            last_used_at: row.optional_time("last_used_at")?,
            revoked_at: row.optional_time("revoked_at")?,
            created_at: row.time("created_at")?,
        })
    }
}
