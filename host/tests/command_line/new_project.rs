//! `setpoint new`: what it makes, what it says, and what it refuses.

use std::fs;

use setpoint::template::Language;

use crate::program::Environment;

#[test]
fn a_project_is_made_and_its_commands_are_shown() {
    for language in Language::ALL.map(Language::id) {
        let environment = Environment::new();
        let made = environment.run(&["new", "--lang", language, "my-device"]);
        assert_eq!((made.code, made.stderr.as_str()), (Some(0), ""), "{language}");
        assert!(made.stdout.contains("dtmi:com:example:MyDevice;1"), "{}", made.stdout);
        let readme = fs::read_to_string(environment.path("my-device/README.md")).unwrap();
        let commands: Vec<_> = made.stdout.lines().filter_map(|line| line.split_once("  # ")).collect();
        assert_eq!(commands.len(), 3, "{}", made.stdout);
        for (command, _) in commands {
            let command = command.trim();
            assert!(readme.contains(command), "{command:?} is not in {readme}");
        }
    }
}

/// Runs it and expects exit code 2 and all of these parts in its one line.
fn refused(environment: &Environment, name: &str, parts: &[&str]) {
    let ended = environment.run(&["new", "--lang", "rust", name]);
    assert_eq!(ended.code, Some(2), "{name:?}: {}", ended.stderr);
    for part in parts {
        assert!(ended.error().contains(part), "{part:?} is not in {:?}", ended.error());
    }
}

#[test]
fn a_name_that_is_none_is_refused_with_the_rule() {
    let environment = Environment::new();
    for name in ["My Device", "2nd", "../elsewhere", "\u{1b}[2J"] {
        refused(&environment, name, &["words of the letters a to z and digits"]);
    }
    refused(
        &environment,
        "fn",
        &["\"fn\" cannot be the name of a project in Rust", "such as my-fn"],
    );
    assert_eq!(fs::read_dir(environment.folder.path()).unwrap().count(), 0);
}

#[test]
fn a_folder_that_holds_something_is_left_alone() {
    let environment = Environment::new();
    fs::create_dir(environment.path("mine")).unwrap();
    environment.write("mine/precious", b"as it was");
    environment.write("file", b"as it was");
    for name in ["mine", "file"] {
        refused(&environment, name, &[name, "is there already", "give another name"]);
    }
    assert_eq!(fs::read(environment.path("mine/precious")).unwrap(), b"as it was");
    assert_eq!(fs::read_dir(environment.path("mine")).unwrap().count(), 1);
    assert_eq!(fs::read(environment.path("file")).unwrap(), b"as it was");
}

#[test]
fn an_unknown_language_is_refused_with_those_there_are() {
    let environment = Environment::new();
    let ended = environment.run(&["new", "--lang", "cobol", "my-device"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.error().contains("\"cobol\" is no language"), "{}", ended.stderr);
    for language in Language::ALL {
        assert!(ended.error().contains(language.id()), "{}", ended.stderr);
    }
}

#[test]
fn a_place_that_cannot_be_written_to_is_named() {
    let environment = Environment::new();
    // A link to nowhere is not there, and cannot be made either.
    std::os::unix::fs::symlink("nowhere/at/all", environment.path("linked")).unwrap();
    let ended = environment.run(&["new", "--lang", "rust", "linked"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.error().contains("linked"), "{}", ended.stderr);
}
