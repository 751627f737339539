#include "surroundings.h"

#include "host.h"

#define MILLISECOND UINT64_C(1000000)

struct moment host_now(void) {
    setpoint_device_clock_datetime_t now;
    setpoint_device_clock_now(&now);
    if (now.seconds > LAST_MILLISECOND / 1000 || now.nanoseconds >= NANOSECONDS)
        return (struct moment){0, 0};
    return (struct moment){(int64_t)now.seconds, now.nanoseconds};
}

int host_random_in(int low, int high) {
    uint64_t choices = (uint64_t)(high - low) + 1;
    /* 2^64 is rarely a multiple of `choices`: what lies beyond the last multiple would favour the low values. */
    uint64_t beyond = (UINT64_MAX % choices + 1) % choices;
    for (;;) {
        uint64_t drawn = setpoint_device_random_next();
        if (drawn <= UINT64_MAX - beyond)
            return low + (int)(drawn % choices);
    }
}

bool host_config(const char *key, struct builder *value) {
    device_guest_string_t asked = lent(text_of(key)), found;
    if (!setpoint_device_config_get(&asked, &found))
        return false;
    append(value, borrowed(found));
    device_guest_string_free(&found);
    return true;
}

static uint64_t milliseconds(uint64_t nanoseconds) {
    return nanoseconds / MILLISECOND + (nanoseconds % MILLISECOND > 0);
}

setpoint_device_timers_timer_t host_after(uint64_t nanoseconds) {
    return setpoint_device_timers_after(milliseconds(nanoseconds));
}

setpoint_device_timers_timer_t host_every(uint64_t nanoseconds) {
    return setpoint_device_timers_every(milliseconds(nanoseconds));
}
