//! `setpoint-bench flat-out N`: a fleet whose guests send whenever there is room, without the limits that guests have otherwise.

use std::sync::Arc;
use std::time::Duration;

use setpoint::clock::SystemClock;
use setpoint::cloud::{Access, Credential, Trust};
use setpoint::fleet::report::Report;
use setpoint::fleet::{Group, Mix, Plan, Tally, run};
use setpoint::sandbox::{Limits, Program, Rate, Rates, Sandbox};
use setpoint_tests::ROGUE;

use crate::task::Task;

pub(crate) fn measure(task: &Task) -> anyhow::Result<Report> {
    let unlimited = Rate {
        burst: u32::MAX,
        per_second: u32::MAX,
    };
    let limits = Limits {
        instances: u32::try_from(task.devices)?,
        rates: Rates {
            telemetry: unlimited,
            ..Rates::default()
        },
        ..Limits::default()
    };
    let program = Program::load(&Sandbox::new(limits, None)?, "stream", ROGUE)?;
    let tally = Arc::new(Tally::default());
    let plan = Plan {
        pattern: task.pattern.clone(),
        devices: task.devices,
        shard: "0/1".parse()?,
        mix: Mix::only(program),
        config: [("does".to_owned(), "stream".to_owned())].into(),
        group: Group {
            endpoint: task.endpoint.clone(),
            id_scope: task.id_scope.clone(),
            key: task.key.clone(),
        },
        access: Access::new(Credential::Key(task.key.clone()), &Trust::system(None)?),
        put_aside: false,
        ramp: task.ramp,
        duration: Some(task.duration),
        clock: Arc::new(SystemClock::new()),
    };
    let before = task.before("stream");
    let runtime = tokio::runtime::Runtime::new()?;
    let ending = runtime.block_on(run(
        plan,
        Arc::clone(&tally),
        async || std::future::pending::<()>().await,
        |_, _| {},
    ));
    // What has not been delivered is not waited for.
    runtime.shutdown_timeout(Duration::ZERO);
    Ok(Report::of(before, &ending, &tally))
}
