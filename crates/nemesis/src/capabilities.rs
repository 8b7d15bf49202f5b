//! What can be done here, and why the rest cannot.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::cluster::{Shape, Volume};
use crate::deed::Kind;

/// What a machine and a shape of the cluster allow.
#[derive(Clone, Debug)]
pub struct Capabilities {
    shape: Shape,
    /// Why no file system can be mounted.
    no_mounts: Option<String>,
    /// Whether programs of a previous release are there.
    has_previous: bool,
    /// Whether all that may be running knows how a cluster shrinks and grows.
    knows_growth: bool,
}

impl Capabilities {
    /// Looks: tries to mount something in `folder`, and asks the programs in `previous`.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn detect(shape: Shape, folder: &Path, previous: Option<&Path>) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(Self {
            shape,
            no_mounts: Volume::try_here(folder).err().map(|error| error.to_string()),
            has_previous: previous.is_some(),
            knows_growth: previous.is_none_or(knows_growth),
        })
    }

    /// Why that cannot be done; `None` if it can.
    pub fn forbid(&self, kind: Kind) -> Option<String> {
        if let Some(why) = kind.impossible_with(self.shape.servidores) {
            return Some(why.to_owned());
        }
        match kind {
            Kind::FullDisk | Kind::ReadOnly => {
                self.no_mounts.as_ref().map(|why| format!("no file system can be mounted here: {why}"))
            }
            Kind::Release if !self.has_previous => {
                Some("there are no programs of a previous release: --previous DIR".to_owned())
            }
            Kind::Growth if !self.knows_growth => Some(
                "the previous release knows no `papo members`: it could not read what is agreed".to_owned(),
            ),
            _ => None,
        }
    }

    /// Those of these kinds that can be done, and why the others cannot.
    pub fn sort(&self, kinds: &[Kind]) -> (Vec<Kind>, BTreeMap<Kind, String>) {
        let why_not = |kind: &Kind| self.forbid(*kind).map(|why| (*kind, why));
        let forbidden: BTreeMap<Kind, String> = kinds.iter().filter_map(why_not).collect();
        (kinds.iter().copied().filter(|kind| !forbidden.contains_key(kind)).collect(), forbidden)
    }
}

/// A release that has the command also has what it needs in the log and in every servidor: they came together. One without would have
/// its members refuse to dismiss anybody for as long as one of them is of that release.
fn knows_growth(previous: &Path) -> bool {
    let asked = Command::new(previous.join("papo"))
        .args(["members", "dismiss", "--help"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    asked.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn fine() -> Capabilities {
        Capabilities { shape: Shape::default(), no_mounts: None, has_previous: true, knows_growth: true }
    }

    #[test]
    fn what_cannot_be_done_is_told_with_why() {
        assert_eq!(fine().sort(&Kind::ALL), (Kind::ALL.to_vec(), BTreeMap::new()));
        let poor = Capabilities {
            no_mounts: Some("you must be root".to_owned()),
            has_previous: false,
            knows_growth: false,
            ..fine()
        };
        let (possible, forbidden) = poor.sort(&Kind::ALL);
        assert_eq!(
            forbidden.keys().copied().collect::<Vec<_>>(),
            [Kind::FullDisk, Kind::ReadOnly, Kind::Growth, Kind::Release]
        );
        assert_eq!(possible.len() + forbidden.len(), Kind::ALL.len());
        assert!(forbidden[&Kind::FullDisk].contains("you must be root"), "{forbidden:?}");
    }

    #[test]
    fn a_release_is_asked_whether_it_knows_how_to_grow() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(!knows_growth(folder.path()), "there is no papo at all");
        let papo = folder.path().join("papo");
        for (code, knows) in [(64, false), (0, true)] {
            fs::write(&papo, format!("#!/bin/sh\n[ \"$1 $2\" = 'members dismiss' ] && exit {code}\n"))
                .expect("it can be written");
            fs::set_permissions(&papo, fs::Permissions::from_mode(0o755)).expect("it is ours");
            assert_eq!(knows_growth(folder.path()), knows, "{code}");
        }
    }
}
