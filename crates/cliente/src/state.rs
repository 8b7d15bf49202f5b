//! What is kept on disk between two runs: who was here, and for each user what makes a login survive.
//!
//! One file a user, replaced as a whole, readable by its owner only since it holds tokens. A user who was at home in several
//! clusters has a token of each, the latest first. Whoever comes second under one name on one machine uses the same token
//! and keeps nothing.
//!
//! A message is printed before it is noted as shown. So after a crash in between it is shown again, rather than never.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use papo_client::Saved;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

/// How many clusters a user is remembered in.
const CLUSTERS: usize = 8;

/// The directory.
#[derive(Clone, Debug)]
pub(crate) struct StateDir {
    root: PathBuf,
}

/// What is kept of one user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct UserState {
    /// The latest first.
    pub(crate) saved: Vec<Saved>,
    /// The request id of a first login whose end is not known: with the same id it can be asked again.
    pub(crate) login: Option<String>,
    /// The channel that was talked in.
    pub(crate) channel: Option<String>,
}

/// One user's file, and the right to write it if nobody else has it.
#[derive(Debug)]
pub(crate) struct UserFile {
    path: PathBuf,
    lock: Option<File>,
}

impl StateDir {
    /// `--state`, or where the desktop keeps such things.
    pub(crate) fn new(given: Option<PathBuf>, variable: impl Fn(&str) -> Option<PathBuf>) -> Option<Self> {
        let set = |name: &str| variable(name).filter(|path| path.is_absolute());
        let default = || {
            let base = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")));
            base.map(|base| base.join("papo"))
        };
        given.or_else(default).map(|root| Self { root })
    }

    /// Where typed lines are kept.
    pub(crate) fn history(&self) -> PathBuf {
        self.root.join("history")
    }

    pub(crate) fn create(&self) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(self.root.join("users"))
    }

    /// Who was here last, if they did not leave.
    pub(crate) fn current(&self) -> Option<String> {
        let name = fs::read_to_string(self.root.join("current")).ok()?;
        Some(name).filter(|name| !name.is_empty())
    }

    pub(crate) fn set_current(&self, user: Option<&str>) -> io::Result<()> {
        let path = self.root.join("current");
        match user {
            Some(user) => replace(&path, user.as_bytes()),
            None => match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        }
    }

    /// Opens a user's file. A file that cannot be read is put aside, not lost.
    pub(crate) fn open(&self, user: &str) -> io::Result<(UserState, UserFile)> {
        self.create()?;
        let path = self.root.join("users").join(format!("{}.json", file_name(user)));
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.with_extension("lock"))?;
        let lock = flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok().then_some(lock);
        let state = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => UserState::default(),
            Err(error) => return Err(error),
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(state) => state,
                Err(error) => {
                    tracing::warn!(%error, path = %path.display(), "unreadable: put aside");
                    fs::rename(&path, path.with_extension("bad"))?;
                    UserState::default()
                }
            },
        };
        Ok((state, UserFile { path, lock }))
    }
}

impl UserState {
    /// Puts the position in the cluster that the token is of in front.
    pub(crate) fn note(&mut self, saved: Saved) {
        self.saved.retain(|old| old.token != saved.token);
        self.saved.insert(0, saved);
        self.saved.truncate(CLUSTERS);
    }
}

impl UserFile {
    /// Whether somebody else keeps this user's state.
    pub(crate) fn is_shared(&self) -> bool {
        self.lock.is_none()
    }

    pub(crate) fn write(&self, state: &UserState) -> io::Result<()> {
        if self.is_shared() {
            return Ok(());
        }
        replace(&self.path, &serde_json::to_vec(state)?)
    }
}

/// Writes a file so that it is there in whole or not at all.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    drop(file);
    fs::rename(new, path)
}

/// Letters and digits as they are, every other byte as `%xx`: no name can leave the directory or be another's.
fn file_name(user: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let mut name = String::new();
    for byte in user.bytes() {
        if plain(&byte) {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02x}"));
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn saved(token: &str, complete: u64) -> Saved {
        Saved { user: "ana".to_owned(), token: token.to_owned(), complete, ..Saved::default() }
    }

    fn dir() -> (tempfile::TempDir, StateDir) {
        let temp = tempfile::tempdir().expect("a directory");
        let root = temp.path().join("state");
        (temp, StateDir { root })
    }

    #[test]
    fn a_later_run_reads_what_an_earlier_one_wrote_and_nobody_else_can() {
        let (_temp, dir) = dir();
        let (mut state, file) = dir.open("ana").expect("it opens");
        assert_eq!(state, UserState::default());
        state.note(saved("token", 7));
        file.write(&state).expect("it is written");
        drop(file);
        let (read, file) = dir.open("ana").expect("it opens");
        assert_eq!(read, state);
        let mode = fs::metadata(&file.path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_second_client_of_one_user_keeps_nothing() {
        let (_temp, dir) = dir();
        let (_, first) = dir.open("ana").expect("it opens");
        let (mut state, second) = dir.open("ana").expect("it opens");
        assert!(second.is_shared() && !first.is_shared());
        state.note(saved("token", 7));
        second.write(&state).expect("nothing is written");
        assert!(!second.path.exists());
    }

    #[test]
    fn a_torn_file_is_put_aside() {
        let (_temp, dir) = dir();
        let (_, file) = dir.open("ana").expect("it opens");
        fs::write(&file.path, b"{\"saved\": [").expect("it is written");
        let (state, _) = dir.open("ana").expect("it opens");
        assert_eq!(state, UserState::default());
        assert!(file.path.with_extension("bad").exists());
    }

    #[test]
    fn clusters_are_told_apart_by_their_tokens() {
        let mut state = UserState::default();
        state.note(saved("here", 1));
        state.note(saved("there", 2));
        state.note(saved("here", 3));
        assert_eq!(state.saved, [saved("here", 3), saved("there", 2)]);
    }

    #[test]
    fn whoever_left_is_not_there_any_more() {
        let (_temp, dir) = dir();
        dir.create().expect("it is created");
        dir.set_current(Some("ana")).expect("it is written");
        assert_eq!(dir.current().as_deref(), Some("ana"));
        dir.set_current(None).expect("it is removed");
        dir.set_current(None).expect("once more");
        assert_eq!(dir.current(), None);
    }

    #[test]
    fn no_name_leaves_the_directory() {
        assert_eq!(file_name("../ana maria"), "%2e%2e%2fana%20maria");
    }

    #[test]
    fn the_directory_is_the_one_given_or_the_desktops() {
        let from = |variables: &[(&str, &str)]| {
            let variables = variables.to_vec();
            let dir = StateDir::new(None, move |name| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| PathBuf::from(value))
            });
            dir.map(|dir| dir.root)
        };
        assert_eq!(from(&[("XDG_STATE_HOME", "/x"), ("HOME", "/h")]), Some("/x/papo".into()));
        assert_eq!(
            from(&[("XDG_STATE_HOME", "relative"), ("HOME", "/h")]),
            Some("/h/.local/state/papo".into())
        );
        assert_eq!(from(&[]), None);
        let given = StateDir::new(Some("here".into()), |_| None).map(|dir| dir.root);
        assert_eq!(given, Some("here".into()));
    }

    mod fuzz {
        //! What a file on a laptop can hold, and what people can type.

        use papo_fuzz::{spoils, spoilt};
        use proptest::prelude::*;

        use super::*;

        proptest! {
            #![proptest_config(papo_fuzz::cases(128))]

            /// It is read, or put aside and nothing is lost.
            #[test]
            fn any_file_is_a_state_or_put_aside(bytes: Vec<u8>, whole in any::<bool>(), spoils in spoils()) {
                let (_temp, dir) = dir();
                let (mut state, file) = dir.open("ana").expect("it opens");
                state.note(saved("token", 7));
                file.write(&state).expect("it is written");
                let written = fs::read(&file.path).expect("it is there");
                let path = file.path.clone();
                drop(file);
                let content = if whole { bytes } else { spoilt(&written, &written, &spoils) };
                fs::write(&path, &content).expect("it is written");
                let (read, _file) = dir.open("ana").expect("it opens");
                if read == UserState::default() && path.with_extension("bad").exists() {
                    prop_assert_eq!(fs::read(path.with_extension("bad")).expect("it is there"), content);
                } else {
                    let again = serde_json::to_vec(&read).expect("it is plain data");
                    prop_assert_eq!(serde_json::from_slice::<UserState>(&again).expect("it was just written"), read);
                }
            }

            #[test]
            fn no_user_has_the_file_of_another(one in any::<String>(), other in any::<String>()) {
                prop_assert_eq!(file_name(&one) == file_name(&other), one == other);
                prop_assert!(!file_name(&one).contains(['/', '.', '\0']));
            }

            #[test]
            fn any_line_means_something(line in any::<String>(), word in "/?[a-zç-]{0,12}", talking in any::<bool>()) {
                for line in [line.clone(), format!("{word} {line}"), format!("{word} \"{line}")] {
                    let _ = crate::command::parse(&line, talking);
                    let _ = crate::command::takes(&word);
                }
            }
        }
    }
}
