//! Versions of plugins: their order, and what a template may ask for.

use semver::{Prerelease, Version, VersionReq};

use super::Unavailable;
use crate::plugins::journal::cut;

/// Which versions of a plugin will do.
pub(super) enum Wanted<'a> {
    Any,
    One(&'a str),
    Range(VersionReq),
}

impl<'a> Wanted<'a> {
    pub(super) fn read(version: Option<&'a str>) -> Result<Self, Unavailable> {
        let Some(version) = version.map(str::trim) else { return Ok(Self::Any) };
        if !version.starts_with(['^', '~', '>', '<', '=', '*']) {
            return Ok(Self::One(version));
        }
        VersionReq::parse(version).map(Self::Range).map_err(|error| Unavailable::BadRange {
            range: cut(version, 64).to_owned(),
            reason: error.to_string(),
        })
    }

    pub(super) fn has(&self, version: &str) -> bool {
        match self {
            Self::Any => true,
            Self::One(wanted) => version == *wanted,
            Self::Range(range) => whole(version).is_some_and(|version| range.matches(&version)),
        }
    }
}

/// Whether somebody who asks for the version or range `wanted` would have none without `version`: it is the one, and
/// none of the `others` is in the range.
pub fn is_needed<'a>(wanted: &str, version: &str, mut others: impl Iterator<Item = &'a str>) -> bool {
    match Wanted::read(Some(wanted)) {
        Ok(wanted @ Wanted::Range(_)) => wanted.has(version) && !others.any(|other| wanted.has(other)),
        Ok(wanted) => wanted.has(version),
        Err(_) => false,
    }
}

/// A version of one, two or three numbers as one of three.
fn whole(version: &str) -> Option<Version> {
    let (numbers, suffix) = version.split_once('-').unwrap_or((version, ""));
    let mut numbers = numbers.split('.').map(|number| number.parse().ok());
    let mut next = || numbers.next().unwrap_or(Some(0));
    let mut version = Version::new(next()?, next()?, next()?);
    version.pre = Prerelease::new(suffix).ok()?;
    Some(version)
}

/// Orders versions by their numbers; one with a suffix comes before the same without.
pub(super) fn version_key(version: &str) -> (Vec<u32>, bool, &str) {
    let (numbers, suffix) = version.split_once('-').unwrap_or((version, ""));
    (numbers.split('.').map(|number| number.parse().unwrap_or_default()).collect(), suffix.is_empty(), suffix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_takes_versions_of_one_to_three_numbers_and_no_previews() {
        let taken = |range: &str| -> Vec<&str> {
            let wanted = Wanted::read(Some(range)).unwrap();
            ["1", "1.2", "1.2.3", "1.4.0-rc1", "2.0"]
                .into_iter()
                .filter(|version| wanted.has(version))
                .collect()
        };
        assert_eq!(taken("^1.2"), ["1.2", "1.2.3"]);
        assert_eq!(taken(">=1, <2.1"), ["1", "1.2", "1.2.3", "2.0"]);
        assert_eq!(taken("1.2"), ["1.2"]);
        assert!(Wanted::read(Some("^one")).is_err());
    }

    #[test]
    fn versions_are_ordered_by_number_and_suffixes_come_before() {
        let ordered = ["0.9.9", "0.10.0-rc1", "0.10.0", "1.0", "1.0.1", "10.0.0"];
        assert!(ordered.is_sorted_by_key(|version| version_key(version)));
    }

    #[test]
    fn a_version_is_needed_by_who_names_it_and_by_a_range_that_no_other_is_in() {
        assert!(is_needed("1.2.0", "1.2.0", ["1.3.0"].into_iter()));
        assert!(is_needed("~1.2", "1.2.0", ["1.3.0"].into_iter()));
        assert!(!is_needed("^1.2", "1.2.0", ["1.3.0"].into_iter()));
        assert!(!is_needed("1.3.0", "1.2.0", [].into_iter()));
    }
}
