/* What a device learns from its host: time, timers, randomness and configuration. */
#ifndef SURROUNDINGS_H
#define SURROUNDINGS_H

#include "device_guest.h"
#include "moment.h"

/* The time. A clock beyond all bounds is no better than none: 1970. */
struct moment host_now(void);

/* From low to high, each as likely as the others. */
int host_random_in(int low, int high);

/* The operator's value, added to what has been built. False when there is none. */
bool host_config(const char *key, struct builder *value);

/* Calls on_timer once, or again and again. Nanoseconds are rounded up to milliseconds. */
setpoint_device_timers_timer_t host_after(uint64_t nanoseconds);
setpoint_device_timers_timer_t host_every(uint64_t nanoseconds);

#endif
