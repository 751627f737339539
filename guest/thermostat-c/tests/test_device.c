#include "check.h"
#include "mock_host.h"

#include <string.h>

#define POWER_ON EXPORTS_SETPOINT_DEVICE_DEVICE_START_REASON_POWER_ON
#define FAILURE EXPORTS_SETPOINT_DEVICE_DEVICE_START_REASON_FAILURE
#define REPLACED EXPORTS_SETPOINT_DEVICE_DEVICE_START_REASON_REPLACED
#define RESUMED EXPORTS_SETPOINT_DEVICE_DEVICE_START_REASON_RESUMED

static const struct text none;

/* One of the 16 values of 64 bits that would make low temperatures likelier than others. */
#define BEYOND UINT64_MAX

/* A thermostat that has started and draws these. */
static void turn_on(const uint64_t *draws, size_t count) {
    reset_host();
    host.draws = draws;
    host.draws_left = count;
    CHECK_TEXT(start(POWER_ON, none), "");
}

/* The same, after an update with an empty twin, whose effects are not looked at. */
static void turn_on_and_update(const uint64_t *draws, size_t count) {
    turn_on(draws, count);
    update(NULL, 0);
    effects();
}

static void pass(int64_t seconds, setpoint_device_timers_timer_t timer) {
    host.now.seconds += seconds;
    exports_setpoint_device_device_timer_fired(timer);
}

static void before_a_start_there_is_no_thermostat(void) {
    reset_host();
    update(NULL, 0);
    exports_setpoint_device_device_timer_fired(1);
    CHECK_TEXT(effects(), "");
    CHECK_TEXT(invoke(NULL, "getMaxMinReport", NULL), "503 {\"message\":\"the device has not started\"}");
    CHECK(save().length == 0);
    host.window = "0";
    CHECK_TEXT(start(POWER_ON, none), "config window is a number of readings from 1 to 100000, not \"0\"");
    CHECK(save().length == 0);
}

static void it_reports_its_maximum_and_measures_at_once(void) {
    static const uint64_t draws[] = {BEYOND, 12, 21};
    turn_on(draws, 3);
    CHECK_TEXT(effects(), "report maxTempSinceLastReboot 10.96\n"
                          "every 8000\n"
                          "send {\"temperature\":22}\n"
                          "report maxTempSinceLastReboot 22\n");
    pass(8, 2);
    CHECK_TEXT(effects(), "");
    pass(0, 1);
    CHECK_TEXT(effects(), "send {\"temperature\":31}\nreport maxTempSinceLastReboot 31\n");
    pass(8, 1);
    CHECK_TEXT(effects(), "send {\"temperature\":10}\n");
}

static void intervals_are_rounded_as_durations_are(void) {
    static const char *const intervals[][2] = {
        {"0.25", "every 250\n"},           {" 86400 ", "every 86400000\n"}, {"1.0005", "every 1001\n"},
        {"0.001000000499", "every 1\n"},   {"0.001000000501", "every 2\n"}, {"5e-10", "every 1\n"},
        {"86400.0000000001", "every 86400000\n"},
    };
    for (size_t i = 0; i < sizeof intervals / sizeof intervals[0]; i++) {
        reset_host();
        host.interval = intervals[i][0];
        CHECK_TEXT(start(POWER_ON, none), "");
        struct builder expected = {0};
        append_literal(&expected, "report maxTempSinceLastReboot 10.96\n");
        append_literal(&expected, intervals[i][1]);
        append_literal(&expected, "send {\"temperature\":10}\n");
        CHECK_TEXTS(effects(), built(&expected));
        discard(&expected);
    }
}

static void settings_out_of_range_are_refused_by_name(void) {
    static const char *const wrong[] = {"",      " ",     "0",   "-1",  "86400.5", "1e300",
                                        "1e400", "4e-10", "nan", "inf", "8s",      "8,5"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        reset_host();
        host.interval = wrong[i];
        struct builder refusal = {0};
        append_literal(&refusal, "config interval is a number of seconds above 0 and at most 86400, not \"");
        append_literal(&refusal, wrong[i]);
        append_literal(&refusal, "\"");
        CHECK_TEXTS(start(POWER_ON, none), built(&refusal));
        discard(&refusal);
    }
    static const char *const windows[] = {"", "+", "++5", "-1", "1.5", "100001", "18446744073709551617", "many"};
    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
        reset_host();
        host.window = windows[i];
        CHECK(start(POWER_ON, none).length > 0);
    }
    reset_host();
    host.window = " +000000000000000000000000000002\n";
    CHECK_TEXT(start(POWER_ON, none), "");
}

static void what_is_refused_is_logged_and_the_maximum_reported_once_there_is_room(void) {
    static const uint64_t draws[] = {12, 30, 20, 20};
    turn_on_and_update(draws, 4);
    host.refuses = true;
    pass(8, 1);
    CHECK_TEXT(effects(), "warn a temperature was not sent: the outbox is full\n"
                          "warn the maximum was not sent: the outbox is full\n");
    host.refusal = (setpoint_device_types_send_error_t){SETPOINT_DEVICE_TYPES_SEND_ERROR_TOO_LARGE, {.too_large = 5}};
    update(&(struct desired){NULL, "targetTemperature", "21", 2}, 1);
    CHECK_TEXT(effects(), "warn an acknowledgement was not sent: larger than the 5 bytes the cloud takes\n");
    host.refusal.tag = SETPOINT_DEVICE_TYPES_SEND_ERROR_INVALID;
    host.refusal.val.invalid = (device_guest_string_t){(uint8_t *)"no", 2};
    pass(8, 1);
    CHECK_TEXT(effects(), "warn a temperature was not sent: no\nwarn the maximum was not sent: no\n");
    host.refuses = false;
    pass(8, 1);
    CHECK_TEXT(effects(), "send {\"temperature\":30}\nreport maxTempSinceLastReboot 40\n");
}

static void the_default_is_acknowledged_once_beside_what_is_unknown(void) {
    turn_on(NULL, 0);
    effects();
    update(&(struct desired){NULL, "colour", "\"red\"", 3}, 1);
    update(NULL, 0);
    CHECK_TEXT(effects(), "acknowledge targetTemperature 203 v0 20: the default is in force\n"
                          "acknowledge colour 404 v3 \"red\": this device has no writable property colour\n");
}

static void a_target_is_taken_as_it_was_sent_or_refused_with_the_one_in_force(void) {
    static const struct desired desired[] = {
        {NULL, "targetTemperature", " 42.50 ", 2},  {NULL, "targetTemperature", "\"warm\"", 3},
        {NULL, "targetTemperature", "1e999", 4},    {NULL, "targetTemperature", "1e300", 5},
        {NULL, "targetTemperature", "true", 6},     {NULL, "targetTemperature", NULL, 7},
        {NULL, "targetTemperature", "[1]", 8},      {NULL, "targetTemperature", " null", 9},
        {"thermostat1", "targetTemperature", "5", 10}, {NULL, "colour", "null", UINT64_MAX},
    };
    static const char refusal[] = ": targetTemperature is a number of degrees Celsius; "
                                  "the value before it stays in force\n";
    turn_on(NULL, 0);
    effects();
    update(desired, sizeof desired / sizeof desired[0]);
    struct builder expected = {0};
    append_literal(&expected, "acknowledge targetTemperature 200 v2  42.50 : Successfully executed patch\n");
    append_literal(&expected, "acknowledge targetTemperature 400 v3 42.5");
    append_literal(&expected, refusal);
    append_literal(&expected, "acknowledge targetTemperature 400 v4 42.5");
    append_literal(&expected, refusal);
    append_literal(&expected, "acknowledge targetTemperature 200 v5 1e300: Successfully executed patch\n");
    append_literal(&expected, "acknowledge targetTemperature 400 v6 1e+300");
    append_literal(&expected, refusal);
    append_literal(&expected, "acknowledge targetTemperature 203 v7 20: the default is in force\n");
    append_literal(&expected, "acknowledge targetTemperature 400 v8 20");
    append_literal(&expected, refusal);
    append_literal(&expected, "acknowledge targetTemperature 203 v9 20: the default is in force\n");
    append_literal(&expected, "acknowledge thermostat1.targetTemperature 404 v10 5: "
                              "this device has no writable property thermostat1.targetTemperature\n");
    append_literal(&expected, "acknowledge colour 404 v18446744073709551615 : "
                              "this device has no writable property colour\n");
    CHECK_TEXTS(effects(), built(&expected));
    discard(&expected);
}

/* Readings 20, 40, 30 at 00:00:00, 00:00:08, 00:00:16; it is 00:00:20. */
static void three_readings(void) {
    static const uint64_t draws[] = {10, 30, 20, 15};
    turn_on_and_update(draws, 4);
    pass(8, 1);
    pass(8, 1);
    host.now.seconds += 4;
    effects();
}

static void reports_cover_what_was_read_since_a_time(void) {
    static const char all[] = "200 {\"avgTemp\":30.0,\"endTime\":\"2026-01-01T00:00:20.999Z\",\"maxTemp\":40,"
                              "\"minTemp\":20,\"startTime\":\"2026-01-01T00:00:00Z\"}";
    static const char last[] = "200 {\"avgTemp\":30.0,\"endTime\":\"2026-01-01T00:00:20.999Z\",\"maxTemp\":30,"
                               "\"minTemp\":30,\"startTime\":\"2026-01-01T00:00:16Z\"}";
    three_readings();
    host.now.nanoseconds = 999999999;
    CHECK_TEXT(invoke(NULL, "getMaxMinReport", NULL), all);
    CHECK_TEXT(invoke(NULL, "getMaxMinReport", "null"), all);
    CHECK_TEXT(invoke(NULL, "getMaxMinReport", "\"\""), all);
    CHECK_TEXT(invoke(NULL, "getMaxMinReport", "\"1970-01-01T00:00:00+01:00\""), all);
    CHECK_TEXT(invoke(NULL, "getMaxMinReport", "\"2026-01-01T00:00:16Z\""), last);
    CHECK_TEXT(invoke(NULL, "getMaxMinReport", "\"2026-01-01T01:00:08.000000001+01:00\""), last);
    CHECK_TEXT(invoke(NULL, "getMaxMinReport", "\"2026-01-01T00:00:16.001Z\""),
               "404 {\"message\":\"there is no reading since 2026-01-01T00:00:16.001Z; "
               "the last one is of 2026-01-01T00:00:16Z\"}");
}

static void anything_but_a_time_gets_400(void) {
    three_readings();
    CHECK_TEXT(invoke(NULL, "getMaxMinReport", "5"),
               "400 {\"message\":\"getMaxMinReport takes an RFC 3339 date and time in a string, or nothing: "
               "it is neither\"}");
    CHECK_TEXT(invoke(NULL, "getMaxMinReport", "\"\\\"soon\""),
               "400 {\"message\":\"getMaxMinReport takes an RFC 3339 date and time such as 2026-01-31T12:00:00Z, not "
               "\\\"\\\\\\\"soon\\\": there is no such time, or it is written otherwise\"}");
    struct builder payload = {0}, expected = {0};
    append_character(&payload, '"');
    append_literal(&expected, "400 {\"message\":\"getMaxMinReport takes an RFC 3339 date and time such as "
                              "2026-01-31T12:00:00Z, not \\\"");
    for (int characters = 0; characters < 100000; characters++) {
        append_literal(&payload, "\u20ac");
        append_literal(&expected, characters < 80 ? "\u20ac" : "");
    }
    append_literal(&payload, "\"");
    append_character(&payload, '\0');
    append_literal(&expected, "\\\": there is no such time, or it is written otherwise\"}");
    CHECK_TEXTS(invoke(NULL, "getMaxMinReport", payload.at), built(&expected));
    discard(&payload);
    discard(&expected);
}

static void other_commands_get_404(void) {
    three_readings();
    CHECK_TEXT(invoke(NULL, "reboot", NULL), "404 {\"message\":\"this device has no command reboot\"}");
    CHECK_TEXT(invoke("thermostat1", "getMaxMinReport", NULL),
               "404 {\"message\":\"this device has no command thermostat1.getMaxMinReport\"}");
}

static const char three_saved[] = "{\"version\":1,\"maximum\":40.0,\"target\":20.0,"
                                  "\"times\":[1767225600000,8000,8000],\"temperatures\":[20,40,30]}";

static void the_next_instance_keeps_maximum_readings_and_rhythm(void) {
    static const uint64_t draws[] = {2, 3};
    static const exports_setpoint_device_device_start_reason_t reasons[] = {REPLACED, RESUMED};
    for (size_t i = 0; i < 2; i++) {
        three_readings();
        CHECK_TEXT(save(), three_saved);
        struct moment now = host.now;
        reset_host();
        host.now = now;
        host.draws = draws;
        host.draws_left = 2;
        CHECK_TEXT(start(reasons[i], text_of(three_saved)), "");
        CHECK_TEXT(effects(), "report maxTempSinceLastReboot 40\nafter 4000\n");
        pass(4, 1);
        CHECK_TEXT(effects(), "every 8000\nsend {\"temperature\":12}\n");
        pass(8, 1);
        CHECK_TEXT(effects(), "");
        pass(0, 2);
        CHECK_TEXT(effects(), "send {\"temperature\":13}\n");
        CHECK_TEXT(save(), "{\"version\":1,\"maximum\":40.0,\"target\":20.0,"
                           "\"times\":[1767225600000,8000,8000,8000,8000],\"temperatures\":[20,40,30,12,13]}");
    }
}

static void an_instance_that_comes_late_or_early_measures_at_once(void) {
    static const int64_t times[] = {8, 1000000000, -17};
    for (size_t i = 0; i < 3; i++) {
        three_readings();
        host.now.seconds += times[i] - 4;
        CHECK_TEXT(start(RESUMED, text_of(three_saved)), "");
        CHECK_TEXT(effects(), "report maxTempSinceLastReboot 40\nevery 8000\nsend {\"temperature\":25}\n");
    }
}

static void a_window_keeps_the_latest_readings(void) {
    three_readings();
    host.window = "2";
    CHECK_TEXT(start(REPLACED, text_of(three_saved)), "");
    CHECK_TEXT(save(), "{\"version\":1,\"maximum\":40.0,\"target\":20.0,"
                       "\"times\":[1767225608000,8000],\"temperatures\":[40,30]}");
    effects();
    pass(4, 2);
    CHECK_TEXT(save(), "{\"version\":1,\"maximum\":40.0,\"target\":20.0,"
                       "\"times\":[1767225616000,8000],\"temperatures\":[30,25]}");
    reset_host();
    host.window = "1000";
    start(POWER_ON, none);
    for (int readings = 0; readings < 2500; readings++)
        pass(8, 1);
    struct text kept = invoke(NULL, "getMaxMinReport", "\"\"");
    CHECK_TEXT(kept, "200 {\"avgTemp\":10.0,\"endTime\":\"2026-01-01T05:33:20Z\",\"maxTemp\":10,\"minTemp\":10,"
                     "\"startTime\":\"2026-01-01T03:20:08Z\"}");
}

static void after_power_on_or_a_failure_the_maximum_begins_anew(void) {
    static const exports_setpoint_device_device_start_reason_t reasons[] = {POWER_ON, FAILURE};
    for (size_t i = 0; i < 2; i++) {
        reset_host();
        start(reasons[i], text_of(three_saved));
        CHECK_TEXT(effects(), "report maxTempSinceLastReboot 10.96\nevery 8000\nsend {\"temperature\":10}\n");
    }
}

/* Also with members in another order, escapes in their names, and more of them. */
static void states_are_read_as_json(void) {
    three_readings();
    CHECK_TEXT(start(REPLACED, text_of("{\"temperatures\":[ 7 , 255 ],\"more\":{\"times\":[{}]},\"maximum\":4e1,"
                                       "\"t\\u0069mes\":[-5,4],\"target\":-0,\"version\":1} ")),
               "");
    host.now = (struct moment){0, 0};
    CHECK_TEXT(save(), "{\"version\":1,\"maximum\":40.0,\"target\":-0.0,\"times\":[-5,4,1767225620001],"
                       "\"temperatures\":[7,255,25]}");
}

static void states_that_cannot_be_read_are_logged_and_ignored(void) {
    static const char *const wrong[] = {
        "",
        "{}",
        "{",
        "[]",
        "{\"version\":2,\"maximum\":1,\"target\":1,\"times\":[],\"temperatures\":[]}",
        "{\"version\":1.0,\"maximum\":1,\"target\":1,\"times\":[],\"temperatures\":[]}",
        "{\"version\":1,\"version\":1,\"maximum\":1,\"target\":1,\"times\":[],\"temperatures\":[]}",
        "{\"version\":1,\"maximum\":1,\"target\":1,\"times\":[1],\"temperatures\":[]}",
        "{\"version\":1,\"maximum\":1,\"target\":1,\"times\":[1],\"temperatures\":[256]}",
        "{\"version\":1,\"maximum\":1,\"target\":1,\"times\":[1],\"temperatures\":[1.0]}",
        "{\"version\":1,\"maximum\":1e999,\"target\":1,\"times\":[],\"temperatures\":[]}",
        "{\"version\":1,\"maximum\":1,\"target\":\"1\",\"times\":[],\"temperatures\":[]}",
        "{\"version\":1,\"maximum\":1,\"target\":1,\"times\":[],\"temperatures\":[],}",
        "{\"version\":1,\"maximum\":1,\"target\":1,\"times\":[],\"temperatures\":[]} 1",
        "{\"version\":1,\"maximum\":1,\"target\":1,\"times\":[],\"temperatures\":[],\"more\":[1,]}",
        "{\"version\":1,\"maximum\":1,\"target\":1,\"times\":[9223372036854775808],\"temperatures\":[1]}",
    };
    static const char line[] = "warn the saved state cannot be read and is ignored: ";
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        reset_host();
        CHECK_TEXT(start(REPLACED, text_of(wrong[i])), "");
        struct text did = effects();
        CHECK(did.length > sizeof line && memcmp(did.at, line, sizeof line - 1) == 0);
    }
}

static void times_out_of_all_bounds_become_1970(void) {
    reset_host();
    CHECK_TEXT(start(REPLACED, text_of("{\"version\":1,\"maximum\":31,\"target\":1,"
                                       "\"times\":[9223372036854775807,1,-9223372036854775808],"
                                       "\"temperatures\":[1,2,3]}")),
               "");
    CHECK_TEXT(save(), "{\"version\":1,\"maximum\":31.0,\"target\":1.0,\"times\":[0,0,0,1767225600000],"
                       "\"temperatures\":[1,2,3,10]}");
}

int main(void) {
    before_a_start_there_is_no_thermostat();
    it_reports_its_maximum_and_measures_at_once();
    intervals_are_rounded_as_durations_are();
    settings_out_of_range_are_refused_by_name();
    what_is_refused_is_logged_and_the_maximum_reported_once_there_is_room();
    the_default_is_acknowledged_once_beside_what_is_unknown();
    a_target_is_taken_as_it_was_sent_or_refused_with_the_one_in_force();
    reports_cover_what_was_read_since_a_time();
    anything_but_a_time_gets_400();
    other_commands_get_404();
    the_next_instance_keeps_maximum_readings_and_rhythm();
    an_instance_that_comes_late_or_early_measures_at_once();
    a_window_keeps_the_latest_readings();
    after_power_on_or_a_failure_the_maximum_begins_anew();
    states_are_read_as_json();
    states_that_cannot_be_read_are_logged_and_ignored();
    times_out_of_all_bounds_become_1970();
    reset_host();
    return failures();
}
