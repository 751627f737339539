#include "window.h"

#include "memory.h"

#include <stdlib.h>

/* Room that is made first: eight minutes at the default interval. */
#define FIRST_ROOM 64

struct window window_of(size_t size) {
    return (struct window){.size = size};
}

void window_free(struct window *window) {
    free(window->times);
    free(window->temperatures);
    *window = window_of(window->size);
}

/* Before the window is full, the oldest reading is the first: room is only ever added behind the newest. */
static void make_room(struct window *window) {
    size_t room = window->room ? window->room * 2 : FIRST_ROOM;
    window->room = room < window->size ? room : window->size;
    window->times = resize_memory(window->times, window->room, sizeof window->times[0]);
    window->temperatures = resize_memory(window->temperatures, window->room, sizeof window->temperatures[0]);
}

static size_t place(const struct window *window, size_t reading) {
    return (window->oldest + reading) % window->room;
}

void window_push(struct window *window, int64_t milliseconds, uint8_t temperature) {
    if (window->count == window->size)
        window->oldest = place(window, 1);
    else if (window->count++ == window->room)
        make_room(window);
    size_t newest = place(window, window->count - 1);
    window->times[newest] = milliseconds;
    window->temperatures[newest] = temperature;
}

int64_t window_time(const struct window *window, size_t reading) {
    return window->times[place(window, reading)];
}

uint8_t window_temperature(const struct window *window, size_t reading) {
    return window->temperatures[place(window, reading)];
}

bool window_newest(const struct window *window, struct moment *newest) {
    if (window->count == 0)
        return false;
    *newest = moment_of_milliseconds(window_time(window, window->count - 1));
    return true;
}

bool window_summary(const struct window *window, const struct moment *since, struct summary *summary) {
    uint64_t sum = 0, count = 0;
    for (size_t reading = 0; reading < window->count; reading++) {
        struct moment at = moment_of_milliseconds(window_time(window, reading));
        if (since && moment_is_before(at, *since))
            continue;
        uint8_t temperature = window_temperature(window, reading);
        if (count == 0)
            *summary = (struct summary){at, temperature, temperature, 0};
        if (temperature > summary->highest)
            summary->highest = temperature;
        if (temperature < summary->lowest)
            summary->lowest = temperature;
        sum += temperature;
        count++;
    }
    if (count == 0)
        return false;
    summary->mean = (double)sum / (double)count;
    return true;
}
