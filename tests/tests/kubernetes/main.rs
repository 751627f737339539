//! The manifests in deploy/: what Kubernetes takes of them, whether their parts agree, and the real program in their pods.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod kubelet;
mod manifests;

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use kubelet::Pod;
use manifests::{Manifests, held_to_schemas, overlays, read, rendered};
use serde_json::{Value, json};
use setpoint_tests::Place;
use setpoint_tests::kill::command;

/// How long devices may take to connect. Only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long all devices of a fleet may take to end, and a little for the process itself.
const DRAIN_SECONDS: u64 = 60 + 10;

#[test]
fn a_mistake_in_a_manifest_is_found() {
    let text = rendered(overlays().iter().find(|overlay| overlay.ends_with("fleet")).unwrap());
    for (right, wrong, said) in [
        ("completionMode: Indexed", "completionsMode: Indexed", "completionsMode"),
        ("containerPort: 9464", "containerPort: many", "'many'"),
        ("action: FailIndex", "", "'action' is a required property"),
        ("apiVersion: batch/v1", "apiVersion: batch/v7", "batch/v7"),
    ] {
        assert!(text.contains(right), "{right}");
        let (_, mistakes) = held_to_schemas(&text.replace(right, wrong));
        assert!(
            !mistakes.is_empty() && mistakes.iter().all(|mistake| mistake.contains(said)),
            "{wrong}: {mistakes:?}"
        );
    }
}

#[test]
fn there_are_as_many_pods_as_parts() {
    for manifests in Manifests::all() {
        let (name, pods) = (&manifests.name, manifests.pods());
        let settings = &manifests.the("ConfigMap").unwrap()["data"];
        let number = |value: &Value| value.as_str().unwrap().parse::<u64>().unwrap();
        assert_eq!(number(&settings["SHARDS"]), pods, "{name}");
        if let Some(job) = manifests.the("Job") {
            assert_eq!(job["spec"]["completionMode"], "Indexed", "{name}");
            // Parts that wait for others would be a fleet of another size.
            assert_eq!(job["spec"]["parallelism"], pods, "{name}");
        }
        let variables = manifests.container()["env"].as_array().unwrap();
        let shard = variables.iter().find(|variable| variable["name"] == "SETPOINT_SHARD");
        let shard = shard.unwrap()["value"].as_str().unwrap();
        let (_, of) = shard.split_once('/').unwrap();
        assert_eq!(of, pods.to_string(), "{name}");
        // What resources.requests are for.
        assert!(number(&settings["DEVICES"]).div_ceil(pods) <= 10_000, "{name}");
    }
}

#[test]
fn what_a_pod_names_is_there() {
    for manifests in Manifests::all() {
        let (name, workload, template) = (&manifests.name, manifests.workload(), manifests.template());
        let (labels, container) = (&template["metadata"]["labels"], manifests.container());
        let spread = &template["spec"]["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"];
        assert_eq!(spread, labels, "{name}");
        if let Some(set) = manifests.the("StatefulSet") {
            assert_eq!(&set["spec"]["selector"]["matchLabels"], labels, "{name}");
            let service = manifests.the("Service").unwrap();
            assert_eq!(&service["spec"]["selector"], labels, "{name}");
            assert_eq!(set["spec"]["serviceName"], service["metadata"]["name"], "{name}");
            assert_eq!(service["spec"]["ports"][0]["targetPort"], container["ports"][0]["name"]);
        }
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let mut volumes: Vec<Value> = list(&template["spec"]["volumes"])
            .iter()
            .map(|volume| volume["name"].clone())
            .collect();
        volumes.extend(
            list(&workload["spec"]["volumeClaimTemplates"])
                .iter()
                .map(|claim| claim["metadata"]["name"].clone()),
        );
        let mounted: Vec<Value> = list(&container["volumeMounts"])
            .iter()
            .map(|mount| mount["name"].clone())
            .collect();
        assert_eq!(volumes, mounted, "{name}");
        // Prometheus and the probes find the port on which the metrics are.
        let port = &container["ports"][0]["containerPort"];
        let metrics = format!("--metrics=0.0.0.0:{port}");
        assert!(manifests.arguments().contains(&metrics.as_str()), "{name}");
        let annotations = &template["metadata"]["annotations"];
        assert_eq!(annotations["prometheus.io/port"], port.to_string(), "{name}");
        for probe in ["livenessProbe", "readinessProbe"] {
            if let Some(probe) = container.get(probe) {
                assert_eq!(probe["httpGet"]["port"], container["ports"][0]["name"], "{name}");
                assert_eq!(probe["httpGet"]["path"], annotations["prometheus.io/path"], "{name}");
            }
        }
    }
}

#[test]
fn a_pod_may_do_little_and_its_key_is_in_a_secret() {
    for manifests in Manifests::all() {
        let (name, pod, container) = (&manifests.name, &manifests.template()["spec"], manifests.container());
        let of_pod = &pod["securityContext"];
        assert_eq!(of_pod["runAsNonRoot"], true, "{name}");
        assert!(of_pod["runAsUser"].as_u64().unwrap() > 0, "{name}");
        assert_eq!(of_pod["seccompProfile"]["type"], "RuntimeDefault", "{name}");
        assert_eq!(pod["automountServiceAccountToken"], false, "{name}");
        let of_container = json!({
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]},
        });
        assert_eq!(container["securityContext"], of_container, "{name}");
        let drain = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
        assert!(drain >= DRAIN_SECONDS, "{name}");
        for argument in manifests.arguments() {
            assert!(!argument.contains("key") && !argument.contains("KEY"), "{argument}");
        }
        let variables = container["env"].as_array().unwrap();
        let key = variables
            .iter()
            .find(|variable| variable["name"] == "SETPOINT_GROUP_KEY");
        assert!(key.unwrap()["valueFrom"]["secretKeyRef"].is_object(), "{name}");
        assert!(manifests.the("Secret").is_none(), "{name}: a key in the tree");
    }
}

#[test]
fn the_image_is_built_by_the_compiler_of_the_tree() {
    let toolchain = read("rust-toolchain.toml");
    let channel = toolchain
        .lines()
        .find_map(|line| line.strip_prefix("channel = "))
        .unwrap();
    let from = format!("FROM docker.io/library/rust:{}-", channel.trim_matches('"'));
    let image = read("deploy/Containerfile");
    assert!(image.lines().any(|line| line.starts_with(&from)), "{from}");
    // Whose volumes they are is the same to the image and to the pod.
    for manifests in Manifests::all() {
        let user = &manifests.template()["spec"]["securityContext"]["runAsUser"];
        assert!(image.contains(&format!("\nUSER {user}:{user}\n")), "{user}");
        assert!(image.contains(&format!("--chown={user}:{user} ")), "{user}");
    }
}

#[test]
fn a_part_whose_program_has_had_its_last_word_is_not_tried_again() {
    let help = Command::new(command()).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let (_, codes) = help.split_once("Exit codes:").unwrap();
    let documented: HashSet<u64> = codes
        .split(',')
        .map(|code| code.split_whitespace().next().unwrap().parse().unwrap())
        .collect();
    let table = read("docs/errors.md");
    let rows = table
        .lines()
        .skip_while(|line| *line != "| exit code | means |")
        .skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    let in_table: HashSet<u64> = rows
        .map(|row| row.split('|').nth(1).unwrap().trim().parse().unwrap())
        .collect();
    assert_eq!(documented, in_table);

    for manifests in Manifests::all() {
        let Some(job) = manifests.the("Job") else { continue };
        let rules = job["spec"]["podFailurePolicy"]["rules"].as_array().unwrap();
        assert_eq!(rules[0]["action"], "Ignore");
        assert_eq!(rules[0]["onPodConditions"][0]["type"], "DisruptionTarget");
        assert_eq!(rules[1]["action"], "FailIndex");
        let on = &rules[1]["onExitCodes"];
        assert_eq!(
            (&on["operator"], &on["containerName"]),
            (&json!("In"), &manifests.container()["name"])
        );
        let mut given_up: HashSet<u64> = on["values"]
            .as_array()
            .unwrap()
            .iter()
            .map(|code| code.as_u64().unwrap())
            .collect();
        // Done, and told to end before that: only the one is not run again.
        assert!(!given_up.contains(&143));
        given_up.extend([0, 143]);
        assert_eq!(given_up, documented);
        assert_eq!(manifests.template()["spec"]["restartPolicy"], "Never");
        assert!(job["spec"]["backoffLimitPerIndex"].as_u64().unwrap() > 0);
        assert_eq!(job["spec"]["podReplacementPolicy"], "Failed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_runs_in_its_pods_as_they_are_described() {
    for manifests in Manifests::all() {
        let place = Place::new().await;
        let hub = place.emulator.hub();
        let before = hub.devices().len();
        for index in [0, manifests.pods() - 1] {
            let folder = tempfile::tempdir().unwrap();
            let pod = Pod::new(&manifests, index, &place, folder.path());
            let ended = tokio::task::block_in_place(|| {
                let mut running = pod.start();
                let address = running
                    .ready()
                    .unwrap_or_else(|ended| panic!("{:?} {}", ended.code, ended.said));
                let probed = &manifests.container()["livenessProbe"]["httpGet"]["path"];
                wait_for_devices(&format!("{address}{}", probed.as_str().unwrap()));
                running.terminated()
            });
            // A Job's part is not done before its duration is over, and a gateway's never is.
            let expected = if manifests.the("Job").is_some() { 143 } else { 0 };
            assert_eq!(ended.code, Some(expected), "{}: {}", manifests.name, ended.said);
            assert!(ended.said.contains("2 of 2 ran"), "{}", ended.said);
            assert!(
                holds_compiled_code(folder.path()),
                "{}: nothing is cached",
                manifests.name
            );
        }
        // Two of one name would be one.
        assert_eq!(hub.devices().len(), before + 4, "{}", manifests.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_variable_of_a_pod_is_one_that_the_program_reads() {
    // The one is for the overlay itself; what the other does is seen above.
    const OTHERS: [&str; 2] = ["SHARDS", "XDG_CACHE_HOME"];
    let place = Place::new().await;
    for manifests in Manifests::all() {
        let folder = tempfile::tempdir().unwrap();
        let pod = || Pod::new(&manifests, 0, &place, folder.path());
        for (name, _) in pod().variables() {
            if OTHERS.contains(&name.as_str()) {
                continue;
            }
            let ended = tokio::task::block_in_place(|| pod().with(&name, "").start().ready());
            match ended {
                Ok(_) => panic!("{}: {name} makes no difference", manifests.name),
                Err(ended) => assert_eq!(ended.code, Some(2), "{}: {name}: {}", manifests.name, ended.said),
            }
        }
    }
}

/// Waits until both devices of a pod are connected.
fn wait_for_devices(url: &str) {
    let began = Instant::now();
    loop {
        let text = ureq::get(url).call().unwrap().body_mut().read_to_string().unwrap();
        if text.contains("setpoint_fleet_connected 2\n") {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{text}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn holds_compiled_code(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        let compiled = path.extension().is_some_and(|extension| extension == "cwasm");
        compiled || path.is_dir() && holds_compiled_code(&path)
    })
}
