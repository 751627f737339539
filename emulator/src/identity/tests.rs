use std::time::UNIX_EPOCH;

use super::*;

/// A directory of the test's own, removed at its end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let dir = std::env::temp_dir().join(format!("setpoint-identity-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        Scratch(dir)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn secrets(identity: &Identity) -> Vec<String> {
    let kept = Kept::of(identity);
    let [a, b] = kept.group_keys;
    let [c, d] = kept.device_keys;
    vec![a, b, c, d, kept.service_key, kept.ca_key]
}

#[test]
fn a_directory_keeps_its_identity() {
    let scratch = Scratch::new("keeps");
    let first = Identity::open(&scratch.0).unwrap();
    let again = Identity::open(&scratch.0).unwrap();
    assert_eq!(secrets(&first), secrets(&again));
    assert_eq!(first.id_scope(), again.id_scope());
    assert_eq!(fs::read_to_string(first.ca_path().unwrap()).unwrap(), again.ca_pem());
    again.server_config().unwrap();
}

#[test]
fn every_key_is_new_in_every_identity() {
    let mut all = secrets(&Identity::temporary().unwrap());
    all.extend(secrets(&Identity::temporary().unwrap()));
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count);
}

#[test]
fn those_who_open_an_empty_directory_at_once_agree() {
    let scratch = Scratch::new("agree");
    let opened: Vec<Vec<String>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| Identity::open(&scratch.0).unwrap()))
            .collect();
        threads
            .into_iter()
            .map(|thread| secrets(&thread.join().unwrap()))
            .collect()
    });
    assert!(opened.iter().all(|one| *one == opened[0]));
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new("modes");
    Identity::open(&scratch.0).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&scratch.0), 0o700);
    for entry in fs::read_dir(&scratch.0).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn an_ending_authority_is_replaced_and_the_keys_stay() {
    let scratch = Scratch::new("ending");
    let first = Identity::open(&scratch.0).unwrap();
    let mut kept = Kept::of(&first);
    kept.ca_not_after = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    kept.write(&scratch.0.join("identity.json")).unwrap();
    let second = Identity::open(&scratch.0).unwrap();
    assert_ne!(first.ca_pem(), second.ca_pem());
    assert_eq!(fs::read_to_string(second.ca_path().unwrap()).unwrap(), second.ca_pem());
    assert_eq!(first.service_key(), second.service_key());
    assert_eq!(second.ca_pem(), Identity::open(&scratch.0).unwrap().ca_pem());
}

#[test]
fn a_damaged_file_is_named_and_not_quoted() {
    let scratch = Scratch::new("damaged");
    let kept = Kept::of(&Identity::open(&scratch.0).unwrap());
    let path = scratch.0.join("identity.json");
    let text = fs::read_to_string(&path).unwrap();
    let damaged = [
        text[..text.len() / 2].to_owned(),
        text.replace(&kept.ca_not_after.to_string(), &format!("\"{}\"", kept.service_key)),
        text.replace(&kept.service_key, "c2VjcmV"),
        text.replace(kept.ca_key.lines().nth(1).unwrap(), "AAAA"),
    ];
    for text in damaged {
        fs::write(&path, &text).unwrap();
        let error = Identity::open(&scratch.0).unwrap_err();
        assert!(matches!(error, IdentityError::Malformed { .. }), "{error}");
        let shown = format!("{error} {error:?}");
        assert!(
            shown.contains("identity.json") && shown.contains("remove the file"),
            "{shown}"
        );
        for secret in [kept.service_key.as_str(), kept.group_keys[0].as_str(), "c2VjcmV"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[test]
fn debug_shows_no_secret() {
    let identity = Identity::temporary().unwrap().with_host("127.9.9.9");
    let shown = format!("{identity:?}");
    assert!(shown.contains("127.9.9.9"));
    assert!(
        secrets(&identity).iter().all(|secret| !shown.contains(secret.as_str())),
        "{shown}"
    );
}
