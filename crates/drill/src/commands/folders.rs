//! Where a suite's reports go: a folder of their own, with one in it for each drill, numbered in the order in which they are held, since
//! a suite may hold one drill twice.

use std::path::Path;

use super::unwritable;
use crate::stop::Stop;

/// The folder of a drill at this position of a suite.
pub(super) fn name(position: usize, drill: &str) -> String {
    format!("{:02}-{drill}", position + 1)
}

/// Makes the folder.
///
/// # Errors
/// [`Stop::Usage`] where there is something in it: the reports of another suite are not to be mixed with these, nor written over.
pub(super) fn claim(folder: &Path) -> Result<(), Stop> {
    std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    let mut entries = std::fs::read_dir(folder).map_err(|error| unwritable(folder, &error))?;
    match entries.next() {
        None => Ok(()),
        Some(_) => Err(Stop::Usage(format!(
            "{} is not empty, so nothing was done; give a new folder for the reports",
            folder.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drill_that_is_held_twice_has_two_folders_and_they_are_in_order() {
        let names = [name(0, "freeze"), name(1, "freeze"), name(10, "drain")];
        assert_eq!(names, ["01-freeze", "02-freeze", "11-drain"]);
    }

    #[test]
    fn a_folder_is_made_and_one_with_something_in_it_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let new = dir.path().join("not/there/yet");
        claim(&new).expect("a new one");
        claim(&new).expect("an empty one");
        std::fs::write(new.join("suite.txt"), "all was well").expect("written");
        let stop = claim(&new).expect_err("somebody's");
        assert!(
            matches!(&stop, Stop::Usage(why) if why.contains("is not empty, so nothing was done")),
            "{stop}"
        );
        claim(&new.join("suite.txt")).expect_err("a file is no folder");
        assert_eq!(std::fs::read_to_string(new.join("suite.txt")).expect("there"), "all was well");
    }
}
