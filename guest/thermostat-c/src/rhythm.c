#include "rhythm.h"

#include "surroundings.h"

/* Nanoseconds until the next beat is due. 0: now, and when the clock has been set back. */
static uint64_t until_due(uint64_t interval, const struct moment *last) {
    struct moment now = host_now();
    if (!last || moment_is_before(now, *last) || now.seconds - last->seconds > DAY)
        return 0;
    uint64_t since_last = (uint64_t)(now.seconds - last->seconds) * NANOSECONDS + now.nanoseconds - last->nanoseconds;
    return since_last < interval ? interval - since_last : 0;
}

bool rhythm_begin(struct rhythm *rhythm, uint64_t interval, const struct moment *last) {
    uint64_t delay = until_due(interval, last);
    *rhythm = (struct rhythm){.interval = interval, .takes_over = delay > 0};
    rhythm->timer = delay > 0 ? host_after(delay) : host_every(interval);
    return delay == 0;
}

bool rhythm_beats(struct rhythm *rhythm, setpoint_device_timers_timer_t timer) {
    if (timer != rhythm->timer)
        return false;
    if (rhythm->takes_over) {
        rhythm->takes_over = false;
        rhythm->timer = host_every(rhythm->interval);
    }
    return true;
}
