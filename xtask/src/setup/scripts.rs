//! The networks for scripts that the OCR models do not know: Thai, Cyrillic, Vietnamese.
//!
//! Debian ships them in packages; apt fetches a package by name, at the exact version or, where that is not offered,
//! at any, since what counts is the SHA-256 of the file inside. Only the parts of a file that the program uses are
//! kept, without the dictionaries that make up most of it. Unlike the other models they may be missing: where there
//! is no apt and no folder of the operator's has them, set-up says which scripts are left out and goes on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::models::{check, is_file_with, place};
use crate::process;
use crate::workspace::{self, find_program};

/// The largest package is 9 MB.
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(600);
/// Folders inside one another in which a package may keep its files.
const MAX_DEPTH: usize = 8;

/// A network, under the name by which the program asks for it.
struct Network {
    name: &'static str,
    package: &'static str,
    /// Of the file in the package.
    sha256: &'static str,
    /// Of the parts that are kept.
    kept_sha256: &'static str,
}

/// Version of all packages, of Debian 12 and 13.
const VERSION: &str = "1:4.1.0-2";

/// All under Apache-2.0, as their packages are.
const NETWORKS: [Network; 3] = [
    Network {
        name: "Thai.traineddata",
        package: "tesseract-ocr-script-thai",
        sha256: "d9e34be94556ddb65fd7e04892ff606e1a5b696d0eb422b5a7efc6859943702d",
        kept_sha256: "d8387c93ae8ba45faf53806a8c2b5b8dcfd33defdfc1f648b6bfd8fe348770b3",
    },
    Network {
        name: "Cyrillic.traineddata",
        package: "tesseract-ocr-script-cyrl",
        sha256: "a80325ebb1c7aa2dca5002ec05b15052a51dcb2e9e65373c264a3df7ac284358",
        kept_sha256: "e9a492875a981a3b1709f942d058566049a7e9a034dd259d96708503faa59790",
    },
    Network {
        name: "vie.traineddata",
        package: "tesseract-ocr-vie",
        sha256: "79df64caf7bcfb2a27df5042ecb6121e196eada34da774956995747636d5bfa1",
        kept_sha256: "0567af011d4470b8ac925e56c4c6b8a31f0ef1d050d99e0ff2098e1fba78c2d0",
    },
];

/// Whether a file of that name belongs beside the models.
pub(super) fn is_network(name: &str) -> bool {
    NETWORKS.iter().any(|network| network.name == name)
}

/// Puts every network that can be had into `folder`, and says which cannot.
pub(super) fn prepare(folder: &Path, operator: Option<&Path>) -> Result<()> {
    let missing = missing(folder);
    if missing.is_empty() {
        return Ok(());
    }
    let cache = workspace::cache()?.join("models");
    fs::create_dir_all(&cache).with_context(|| format!("cannot create the cache `{}`", cache.display()))?;
    let mut failures = Vec::new();
    for network in missing {
        match network.fetch(&cache, operator) {
            Ok(()) => place(&cache.join(network.kept_sha256), &folder.join(network.name))?,
            Err(error) => failures.push(format!("{}: {error:#}", network.name)),
        }
    }
    if !failures.is_empty() {
        println!(
            "\n*** SCRIPTS LEFT OUT OF OCR: {}. The program works without them. Their files come in the Debian \
             packages {} (version {VERSION}; unpack with `dpkg-deb -x`): put them into a folder and type `cargo \
             xtask setup --models FOLDER` ***\n",
            failures.join("; "),
            NETWORKS.map(|network| network.package).join(", "),
        );
    }
    Ok(())
}

/// Fails where a network is not in `folder`.
pub(crate) fn require(folder: &Path) -> Result<()> {
    match missing(folder).first() {
        Some(network) => bail!("`{}` could not be fetched by set-up", network.name),
        None => Ok(()),
    }
}

fn missing(folder: &Path) -> Vec<&'static Network> {
    let is_there = |network: &Network| is_file_with(&folder.join(network.name), network.kept_sha256);
    NETWORKS.iter().filter(|network| !is_there(network)).collect()
}

impl Network {
    /// Puts the kept parts into the cache, if they are not there.
    fn fetch(&self, cache: &Path, operator: Option<&Path>) -> Result<()> {
        let cached = cache.join(self.kept_sha256);
        if is_file_with(&cached, self.kept_sha256) {
            return Ok(());
        }
        let unpacked = tempfile::tempdir()?;
        let file = match operator.map(|folder| folder.join(self.name)) {
            Some(file) if file.is_file() => file,
            Some(file) => bail!("`{}` is not there", file.display()),
            None => self.download(unpacked.path())?,
        };
        if is_file_with(&file, self.kept_sha256) {
            return place(&file, &cached);
        }
        check(&file, self.sha256)?;
        let kept = unpacked.path().join("kept");
        fs::write(&kept, kept_parts(&fs::read(&file)?)?)?;
        check(&kept, self.kept_sha256)?;
        place(&kept, &cached)
    }

    /// Downloads the package and unpacks it; gives the file in it.
    fn download(&self, folder: &Path) -> Result<PathBuf> {
        let [Some(apt), Some(unpack)] = ["apt-get", "dpkg-deb"].map(|name| find_program(name, &[])) else {
            bail!("there is no apt here to fetch `{}` with", self.package);
        };
        println!("setup: downloading the OCR network of {} (once)", self.package);
        let download = |requirement: &str| {
            let mut command = Command::new(&apt);
            // The sandbox user of a root's apt could not write to the folder, and would be complained about.
            command
                .args(["-qq", "-o", "APT::Sandbox::User=root", "download", requirement])
                .current_dir(folder);
            process::run_within(quiet(&mut command), DOWNLOAD_LIMIT)
        };
        let exact = format!("{}={VERSION}", self.package);
        download(&exact).or_else(|_| download(self.package)).or_else(|_| {
            // New machines have no list of packages; only root can get one.
            process::run_within(quiet(Command::new(&apt).args(["-qq", "update"])), DOWNLOAD_LIMIT)?;
            download(&exact).or_else(|_| download(self.package))
        })?;
        let package = find(folder, 1, |name| name.ends_with(".deb")).context("apt left no package")?;
        let unpacked = folder.join("unpacked");
        process::run(Command::new(unpack).arg("-x").arg(&package).arg(&unpacked))?;
        find(&unpacked, MAX_DEPTH, |name| name == self.name)
            .with_context(|| format!("`{}` is not in {}", self.name, self.package))
    }
}

/// Keeps what a command writes to itself: a second attempt may do what the first could not.
fn quiet(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
}

/// The first file below a folder whose name is wanted.
fn find(folder: &Path, depth: usize, is_wanted: impl Fn(&str) -> bool + Copy) -> Option<PathBuf> {
    let entries: Vec<PathBuf> = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    let is_file = |path: &&PathBuf| {
        path.is_file() && path.file_name().and_then(|name| name.to_str()).is_some_and(is_wanted)
    };
    if let Some(file) = entries.iter().find(is_file) {
        return Some(file.clone());
    }
    let deeper = depth.checked_sub(1)?;
    entries.iter().filter(|path| path.is_dir()).find_map(|folder| find(folder, deeper, is_wanted))
}

/// Network, characters and their codes: the same kind of file with the other parts left out.
///
/// A file is a count, as many offsets (−1 for parts that are not there), and the parts.
fn kept_parts(file: &[u8]) -> Result<Vec<u8>> {
    const KEPT: [usize; 3] = [17, 21, 22];
    const COUNT: usize = 23;
    let number = |at: usize| {
        let bytes = file.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
        bytes.map(i64::from_le_bytes).context("the file is cut off")
    };
    let count = file.first().copied().map(usize::from).unwrap_or_default();
    let offsets: Vec<i64> = (0..count).map(|part| number(4 + 8 * part)).collect::<Result<_>>()?;
    let header = 4 + 8 * COUNT;
    let mut table = [-1i64; COUNT];
    let mut parts = Vec::new();
    for part in KEPT {
        let start = offsets.get(part).copied().filter(|&start| start >= 0).context("a part is missing")?;
        let end =
            offsets.iter().copied().filter(|&end| end > start).min().map_or(file.len(), |end| end as usize);
        let bytes = file.get(start as usize..end).context("the file is cut off")?;
        table[part] = (header + parts.len()) as i64;
        parts.extend_from_slice(bytes);
    }
    ensure!(!parts.is_empty(), "the file is empty");
    let mut kept = (COUNT as u32).to_le_bytes().to_vec();
    kept.extend(table.iter().flat_map(|offset| offset.to_le_bytes()));
    kept.extend(parts);
    Ok(kept)
}
