//! A server that speaks the S3 protocol on loopback and keeps its objects in a folder.

use std::path::{Path, PathBuf};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tower::ServiceExt as _;

const ACCESS_KEY: &str = "ocriva-tests";
const SECRET_KEY: &str = "a secret that only the tests know";
const BUCKET: &str = "documents";

/// The server, with one empty bucket. Stops when dropped.
pub struct S3Server {
    folder: TempDir,
    endpoint: String,
    _stop: DropGuard,
}

impl S3Server {
    /// Starts it on a free port.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        std::fs::create_dir(folder.path().join(BUCKET)).expect("a folder can be made");
        let files = FileSystem::new(folder.path()).expect("the folder is there");
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        let service = builder.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let address = listener.local_addr().expect("the listener has an address");
        let router = Router::new().fallback(move |request| answer(service.clone(), request));
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        tokio::spawn(async move { axum::serve(listener, router).with_graceful_shutdown(stopped).await });
        Self { folder, endpoint: format!("http://{address}"), _stop: stop.drop_guard() }
    }

    /// The blob store's URL in the settings.
    pub fn url(&self) -> String {
        format!("s3://{BUCKET}/kept")
    }

    /// What a process needs in its environment to reach it.
    pub fn environment(&self) -> [(&'static str, String); 5] {
        [
            ("AWS_ENDPOINT", self.endpoint.clone()),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()),
        ]
    }

    /// The keys of all objects in the bucket, and what remains there of unfinished uploads.
    pub fn objects(&self) -> Vec<PathBuf> {
        let bucket = self.folder.path().join(BUCKET);
        files(&bucket)
            .into_iter()
            .map(|path| path.strip_prefix(&bucket).expect("it is below").to_owned())
            .collect()
    }
}

async fn answer(service: S3Service, request: Request) -> axum::response::Response {
    let answered = service.oneshot(request).await.expect("the protocol's errors are answers");
    answered.map(Body::new)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder can be read");
    let paths = entries.map(|entry| entry.expect("the folder can be read").path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
