//! The command getMaxMinReport.

use crate::window::Window;
use setpoint_guest::chrono::{DateTime, SecondsFormat, SubsecRound, Utc};
use setpoint_guest::{Command, Json, Response, json};

/// 200 with the report; 400 for a payload that is neither absent, empty nor an RFC 3339 time; 404 when no reading is
/// kept from that time on, which a time to come always is.
pub(crate) fn answer(readings: &Window, command: &Command, now: DateTime<Utc>) -> Response {
    let since = match since(command) {
        Ok(since) => since,
        Err(refusal) => return refusal,
    };
    let Some(summary) = readings.since(since) else {
        return Response::error(404, nothing_kept(readings, since));
    };
    // Readings are kept to the millisecond, and the report is no finer.
    let now = now.trunc_subsecs(3);
    Response::ok(json!({
        "avgTemp": summary.mean,
        "endTime": rfc3339(now),
        "maxTemp": summary.highest,
        "minTemp": summary.lowest,
        "startTime": rfc3339(since.map_or(summary.oldest, |since| since.max(summary.oldest))),
    }))
}

/// When the report begins. None: with the oldest reading.
fn since(command: &Command) -> Result<Option<DateTime<Utc>>, Response> {
    let text = command.decode::<Option<String>>().map_err(|error| {
        Response::error(
            400,
            format!("getMaxMinReport takes an RFC 3339 date and time in a string, or nothing: {error}"),
        )
    })?;
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    match DateTime::parse_from_rfc3339(&text) {
        Ok(since) => Ok(Some(since.to_utc())),
        Err(error) => {
            // A payload may be as large as an answer, and then leaves no room for one around it.
            let quoted = Json::from(text.chars().take(80).collect::<String>());
            let takes = "getMaxMinReport takes an RFC 3339 date and time such as 2026-01-31T12:00:00Z";
            Err(Response::error(400, format!("{takes}, not {quoted}: {error}")))
        }
    }
}

fn nothing_kept(readings: &Window, since: Option<DateTime<Utc>>) -> String {
    match (since, readings.newest()) {
        (Some(since), Some(newest)) => {
            format!(
                "there is no reading since {}; the last one is of {}",
                rfc3339(since),
                rfc3339(newest)
            )
        }
        _ => "there is no reading yet".to_owned(),
    }
}

fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
