//! A PostgreSQL server for the tests alone: made in a temporary folder, reached by a Unix socket in it, stopped and
//! removed when the test process ends, however it ends.
//!
//! PostgreSQL refuses to run as root; where the tests do, it runs as `postgres` or `nobody`.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// Name of the database that each test's own is a copy of.
pub const TEMPLATE: &str = "ocriva_template";

/// Set to anything, it lets the tests pass without PostgreSQL.
pub const WITHOUT_POSTGRES: &str = "OCRIVA_TESTS_WITHOUT_POSTGRES";

/// Runs until its standard input is closed, which the end of the test process does, even by `kill -9`.
const KEEPER: &str = r#"
"$1/initdb" -D "$2/data" -U ocriva -A trust -E UTF8 --locale=C --no-sync >"$2/log" 2>&1 &&
"$1/pg_ctl" -D "$2/data" -l "$2/log" -w -o "-k '$2' -c listen_addresses='' -F -c max_connections=200" start \
    >>"$2/log" 2>&1 &&
echo ready &&
cat >/dev/null
"$1/pg_ctl" -D "$2/data" -m immediate stop >/dev/null 2>&1
rm -rf "$2"
"#;

/// The server, once started.
struct Server {
    socket_folder: PathBuf,
    /// Its standard input is what keeps the server alive.
    _keeper: Child,
}

/// URL of the database called `name` on the tests' server, which is started by the first call.
///
/// `None` where there is no PostgreSQL and the environment says that it may be missing.
///
/// # Panics
/// Where there is no PostgreSQL, or it does not start.
pub fn url(name: &str) -> Option<String> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let server = SERVER.get_or_init(|| match programs() {
        Some(programs) => Some(start(&programs)),
        None if may_be_missing() => {
            eprintln!("WARNING: no PostgreSQL found and {WITHOUT_POSTGRES} is set: its tests DO NOT RUN");
            None
        }
        None => panic!(
            "no PostgreSQL found: install it (Debian: `apt install postgresql`) or, to go without its tests, \
             set {WITHOUT_POSTGRES}=1"
        ),
    });
    let folder = server.as_ref()?.socket_folder.display();
    Some(format!("postgres://ocriva@localhost/{name}?host={folder}"))
}

#[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of the program")]
fn may_be_missing() -> bool {
    std::env::var_os(WITHOUT_POSTGRES).is_some()
}

/// The folder of PostgreSQL's programs: the newest that Debian has installed, or on the path.
fn programs() -> Option<PathBuf> {
    let mut folders: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin")))
        })
        .collect();
    folders.sort();
    folders
        .into_iter()
        .rev()
        .map(|(_, folder)| folder)
        .chain(path_folders())
        .find(|folder| ["initdb", "pg_ctl", "postgres"].iter().all(|program| folder.join(program).is_file()))
}

#[expect(clippy::disallowed_methods, reason = "the tests look for a program as a shell would")]
fn path_folders() -> Vec<PathBuf> {
    std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect()
}

fn start(programs: &Path) -> Server {
    // Short: the path of a Unix socket has about a hundred characters at most.
    let folder =
        tempfile::Builder::new().prefix("ocriva-pg-").tempdir().expect("a folder can be made").keep();
    let mut command = Command::new("sh");
    command.args(["-c", KEEPER, "keeper"]).arg(programs).arg(&folder).current_dir(&folder);
    if folder.metadata().expect("the folder is there").uid() == 0 {
        let (user, group) = ordinary_user();
        chown(&folder, Some(user), Some(group)).expect("root may give a folder away");
        command.uid(user).gid(group);
    }
    let mut keeper = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // A terminal's Ctrl-C reaches the tests; the server follows when they are gone.
        .process_group(0)
        .spawn()
        .expect("a shell can be started");
    let mut output = BufReader::new(keeper.stdout.take().expect("the output is piped"));
    let mut line = String::new();
    output.read_line(&mut line).expect("the keeper's output can be read");
    if line.trim() != "ready" {
        let mut log = String::new();
        if let Ok(mut file) = std::fs::File::open(folder.join("log")) {
            let _ = file.read_to_string(&mut log);
        }
        panic!("PostgreSQL in `{}` does not start:\n{log}", programs.display());
    }
    Server { socket_folder: folder, _keeper: keeper }
}

/// User and group under which root's tests run the server.
fn ordinary_user() -> (u32, u32) {
    let users = std::fs::read_to_string("/etc/passwd").expect("the list of users can be read");
    ["postgres", "nobody"]
        .iter()
        .find_map(|wanted| {
            users.lines().find_map(|line| {
                let mut parts = line.split(':');
                let name = parts.next()?;
                let user = parts.nth(1)?.parse().ok()?;
                let group = parts.next()?.parse().ok()?;
                (name == *wanted).then_some((user, group))
            })
        })
        .expect("there is a user `postgres` or `nobody`")
}
