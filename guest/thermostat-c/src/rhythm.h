/* When to measure. */
#ifndef RHYTHM_H
#define RHYTHM_H

#include "device_guest.h"
#include "moment.h"

/* Beats once every interval, in the rhythm of the instance before it if there was one. */
struct rhythm {
    /* Nanoseconds. */
    uint64_t interval;
    setpoint_device_timers_timer_t timer;
    /* Whether the timer fires only once, when the beat is due that the instance before this one would have had. */
    bool takes_over;
};

/* Begins one whose last beat was at `last`, if there was one. True when one is due at once. */
bool rhythm_begin(struct rhythm *rhythm, uint64_t interval, const struct moment *last);

/* Whether this timer is a beat. */
bool rhythm_beats(struct rhythm *rhythm, setpoint_device_timers_timer_t timer);

#endif
