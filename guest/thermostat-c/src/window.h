/* The readings a report can look back on. */
#ifndef WINDOW_H
#define WINDOW_H

#include "moment.h"

/* The last so many readings, in two columns: nine bytes each. */
struct window {
    /* Milliseconds since 1970, and degrees Celsius. */
    int64_t *times;
    uint8_t *temperatures;
    /* Readings kept at most; readings there is memory for; readings there are. */
    size_t size, room, count;
    /* Where the oldest one lies. The others follow, from the end of the columns on at their beginning. */
    size_t oldest;
};

/* What some readings have in common. */
struct summary {
    struct moment oldest;
    uint8_t highest, lowest;
    double mean;
};

/* Keeps the last `size` readings, at least 1. To be freed with window_free. */
struct window window_of(size_t size);

void window_free(struct window *window);

/* Takes a reading; the oldest one goes when the window is full. */
void window_push(struct window *window, int64_t milliseconds, uint8_t temperature);

/* Readings by age, the oldest is 0. */
int64_t window_time(const struct window *window, size_t reading);
uint8_t window_temperature(const struct window *window, size_t reading);

/* When the last reading was taken. False when there is none. */
bool window_newest(const struct window *window, struct moment *newest);

/* Sums up the readings taken at `since` or later; all readings without one. False when there are none. */
bool window_summary(const struct window *window, const struct moment *since, struct summary *summary);

#endif
