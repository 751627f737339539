//! `setpoint emulator --config`: what a file declares.

use rustix::process::Signal;

use crate::program::Environment;

const DECLARATION: &str = "devices:\n  - id: shed.1\ngroups:\n  - id: sheds\n";

#[test]
fn what_is_declared_is_in_the_block_beside_it_too() {
    let environment = Environment::new();
    let data = environment.path("azure");
    let file = environment.write("azure.yaml", DECLARATION.as_bytes());
    let any = "127.0.0.1:0";
    let arguments = ["emulator", "--data", &data, "--config", &file];
    let program = environment.start(&[&arguments[..], &["--listen", any, "--https", any, "--no-page"]].concat());
    let mut block = Vec::new();
    while !block
        .last()
        .is_some_and(|line: &String| line.starts_with("export IOTHUB_DEVICE_DPS_GROUP_KEY_SHEDS="))
    {
        block.push(program.line());
    }
    assert!(
        block
            .iter()
            .any(|line| line.starts_with("export IOTHUB_DEVICE_CONNECTION_STRING_SHED_1='HostName=localhost"))
    );
    // The keys that were made are the same the next time.
    let beside = environment.run(&[&arguments[..], &["--env"]].concat());
    assert_eq!(beside.code, Some(0), "{}", beside.stderr);
    assert_eq!(beside.stdout.lines().collect::<Vec<_>>(), block[1..]);
    program.signal(Signal::TERM);
    assert_eq!(program.wait().0.code(), Some(0));
}

#[test]
fn a_mistake_is_told_with_its_place() {
    let environment = Environment::new();
    let data = environment.path("azure");
    let any = "127.0.0.1:0";
    for (text, expected) in [
        (
            "devices:\n  - id: d\n    kes: 1\n",
            "azure.yaml:3:5: unknown field `kes`",
        ),
        (
            "devices:\n  - id: d\n    hub: two\n",
            "azure.yaml:3:10: there is no such hub",
        ),
    ] {
        let file = environment.write("azure.yaml", text.as_bytes());
        let arguments = [
            "emulator", "--data", &data, "--config", &file, "--listen", any, "--https", any,
        ];
        let refused = environment.run(&arguments);
        assert_eq!(refused.code, Some(2), "{}", refused.stderr);
        assert!(refused.stderr.contains(expected), "{}", refused.stderr);
        assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);
    }
}
