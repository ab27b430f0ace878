//! How the calls of plugins went: counted in the transaction of a document's outcome, so that all processes count
//! together, and a canary is judged by what all of them saw.

use super::columns;
use crate::domain::document::Failure;
use crate::domain::plugin::{CallBucket, ExtractorCall, Plugin, bucket};
use crate::store::engine::Transaction;
use crate::store::statement::{FromRow, Row, arguments, statements};
use crate::store::{Error, Store};

statements! {
    "plugin_calls";
    COUNT = "insert into plugin_calls (organization_id, name, sha256, failed, bucket, calls, micros, failure_code,
            failure_message, failed_at)
        values ($1, $2, $3, $4, $5, 1, $6, $7, $8, $9)
        on conflict (organization_id, name, sha256, failed, bucket) do update set
            calls = plugin_calls.calls + 1, micros = plugin_calls.micros + excluded.micros,
            failure_code = excluded.failure_code, failure_message = excluded.failure_message,
            failed_at = excluded.failed_at";
    /// An organization's own plugin comes before everybody's. The second condition holds where the canary has ended
    /// while this waited for the row.
    COUNT_CANARY = concat!(
        "update plugins set canary_calls = canary_calls + 1, canary_failures = canary_failures + $4
        where id = (
            select p.id from plugins p join plugin_versions v on v.id = p.canary_version_id
            where p.name = $2 and v.sha256 = $3 and (p.organization_id = $1 or p.organization_id is null)
            order by coalesce(p.organization_id, '') desc limit 1
        ) and canary_version_id in (select v.id from plugin_versions v where v.sha256 = $3)
        returning ", columns!()
    );
    BUCKETS = "select name, sha256, failed, bucket, calls, micros, failure_code, failure_message, failed_at
        from plugin_calls where organization_id = $1 and name = $2 order by sha256, failed, bucket";
}

impl Store {
    /// The calls of a plugin that an organization's documents made, of all its versions.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn plugin_calls(&self, organization_id: &str, name: &str) -> Result<Vec<CallBucket>, Error> {
        self.engine.list(&BUCKETS, arguments![organization_id, name]).await
    }

    /// Counts calls in the caller's transaction, which has written all else but the audit log, and judges the canary if
    /// one was its. Answers whether that has changed a plugin: then [`Store::tell_of_plugin`] is to follow the commit.
    pub(in crate::store) async fn count_calls(
        &self,
        tx: &mut Transaction,
        organization_id: &str,
        calls: &[ExtractorCall],
    ) -> Result<bool, Error> {
        let mut is_changed = false;
        for call in calls {
            is_changed |= self.count_call(tx, organization_id, call).await?;
        }
        Ok(is_changed)
    }

    async fn count_call(
        &self,
        tx: &mut Transaction,
        organization_id: &str,
        call: &ExtractorCall,
    ) -> Result<bool, Error> {
        let extractor = &call.extractor;
        let is_failed = call.is_plugins_failure();
        let failure = call.failure.as_ref().filter(|_| is_failed);
        let micros = u64::try_from(call.elapsed.as_micros()).unwrap_or(u64::MAX);
        tx.execute(
            &COUNT,
            arguments![
                organization_id,
                &extractor.plugin,
                &extractor.digest,
                is_failed,
                bucket(call.elapsed),
                micros,
                failure.map(|failure| failure.code.as_str()),
                failure.map(|failure| failure.message.as_str()),
                is_failed.then(|| self.clock.now())
            ],
        )
        .await?;
        let bound = arguments![organization_id, &extractor.plugin, &extractor.digest, i64::from(is_failed)];
        let counted: Option<Plugin> = tx.find(&COUNT_CANARY, bound).await?;
        match counted {
            Some(Plugin { id, canary: Some(canary), .. }) => self.judge_canary(tx, &id, &canary).await,
            _ => Ok(false),
        }
    }

    /// Tells who follows plugins in this process that one has changed.
    pub(in crate::store) fn tell_of_plugin(&self) {
        self.plugin_changes.notify_one();
    }
}

impl FromRow for CallBucket {
    fn from_row(row: &Row) -> Result<Self, Error> {
        let failure = match row.get::<Option<String>>("failure_code")? {
            None => None,
            Some(code) => {
                Some((Failure { code, message: row.get("failure_message")? }, row.time("failed_at")?))
            }
        };
        Ok(Self {
            plugin: row.get("name")?,
            digest: row.get("sha256")?,
            is_failed: row.get("failed")?,
            bucket: row.number("bucket")?,
            calls: row.number("calls")?,
            micros: row.number("micros")?,
            last_failure: failure,
        })
    }
}
