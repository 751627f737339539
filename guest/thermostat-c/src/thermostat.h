/* A thermostat: its readings, their maximum, and the temperature it should hold. */
#ifndef THERMOSTAT_H
#define THERMOSTAT_H

#include "rhythm.h"
#include "settings.h"
#include "state.h"
#include "target.h"

struct thermostat {
    struct window readings;
    /* Of the readings, or before there are any, of the sample this device follows. */
    double maximum;
    /* What the cloud knows. Behind `maximum` after a report that could not be queued: the next reading tries again. */
    double reported_maximum;
    bool has_reported;
    struct target target;
    struct rhythm rhythm;
};

/* One that is turned on, or takes over what the instance before it knew, which is then its own: it reports its maximum,
   and measures unless it was not yet time to. */
struct thermostat thermostat_start(const struct settings *settings, const struct state *before);

void thermostat_free(struct thermostat *thermostat);

void thermostat_timer(struct thermostat *thermostat, setpoint_device_timers_timer_t timer);

/* What the next instance takes over. */
void append_thermostat(struct builder *builder, const struct thermostat *thermostat);

#endif
