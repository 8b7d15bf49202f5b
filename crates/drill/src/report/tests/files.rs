//! Which files there are in the end.

use std::fs;

use super::sample::leader_kill;
use crate::report::{write, write_suite};

#[test]
fn a_report_is_four_files_in_a_directory_that_is_made() {
    let dir = tempfile::tempdir().expect("a directory");
    let target = dir.path().join("not/there/yet");
    write(&target, &leader_kill()).expect("written");
    for name in ["report.txt", "report.json", "report.xml", "report.html"] {
        let text = fs::read_to_string(target.join(name)).expect(name);
        assert!(text.contains("leader-kill"), "{name}");
    }
}

#[test]
fn the_report_of_a_suite_stands_beside() {
    let dir = tempfile::tempdir().expect("a directory");
    write_suite(dir.path(), &[leader_kill(), leader_kill()], &[]).expect("written");
    for name in ["suite.txt", "suite.json", "suite.xml", "index.html"] {
        let text = fs::read_to_string(dir.path().join(name)).expect(name);
        assert!(text.matches("leader-kill").count() >= 2, "{name}");
    }
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("file");
    fs::write(&file, "").expect("written");
    let error = write(&file.join("below"), &leader_kill()).expect_err("a file is no directory");
    assert!(error.to_string().contains("file"), "{error}");
}
