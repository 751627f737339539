#include "thermostat.h"

#include "host.h"
#include "print_number.h"
#include "surroundings.h"

/* What the sample this device follows reports before it has measured anything. */
#define FIRST_MAXIMUM 10.96

static void report_maximum(struct thermostat *thermostat) {
    if (thermostat->has_reported && thermostat->reported_maximum == thermostat->maximum)
        return;
    struct builder value = {0};
    append_number(&value, thermostat->maximum);
    if (host_report("the maximum", "maxTempSinceLastReboot", built(&value))) {
        thermostat->reported_maximum = thermostat->maximum;
        thermostat->has_reported = true;
    }
    discard(&value);
}

static void measure(struct thermostat *thermostat) {
    int temperature = host_random_in(10, 49);
    window_push(&thermostat->readings, moment_milliseconds(host_now()), (uint8_t)temperature);
    struct builder body = {0};
    append_literal(&body, "{\"temperature\":");
    append_signed(&body, temperature);
    append_character(&body, '}');
    host_send("a temperature", built(&body));
    discard(&body);
    if (thermostat->maximum < temperature)
        thermostat->maximum = temperature;
    report_maximum(thermostat);
}

struct thermostat thermostat_start(const struct settings *settings, const struct state *before) {
    struct thermostat thermostat = {
        .readings = before ? before->readings : window_of(settings->window),
        .maximum = before ? before->maximum : FIRST_MAXIMUM,
        .target = {.in_force = before ? before->target : DEFAULT_TARGET},
    };
    report_maximum(&thermostat);
    struct moment last;
    bool has_measured = window_newest(&thermostat.readings, &last);
    if (rhythm_begin(&thermostat.rhythm, settings->interval, has_measured ? &last : NULL))
        measure(&thermostat);
    return thermostat;
}

void thermostat_free(struct thermostat *thermostat) {
    window_free(&thermostat->readings);
}

void thermostat_timer(struct thermostat *thermostat, setpoint_device_timers_timer_t timer) {
    if (rhythm_beats(&thermostat->rhythm, timer))
        measure(thermostat);
}

void append_thermostat(struct builder *builder, const struct thermostat *thermostat) {
    struct state state = {thermostat->maximum, thermostat->target.in_force, thermostat->readings};
    append_state(builder, &state);
}
