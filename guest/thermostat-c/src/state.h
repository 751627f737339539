/* What one instance hands to the next, whatever language that one is written in. */
#ifndef STATE_H
#define STATE_H

#include "window.h"

/* As JSON, times are differences, which are short and alike: milliseconds, the first since 1970, each other one since
   the one before it. */
struct state {
    double maximum, target;
    struct window readings;
};

void append_state(struct builder *builder, const struct state *state);

/* Reads what append_state wrote, of which it keeps the last `window` readings: to be freed. NULL, or why it cannot be
   used. */
const char *read_state(struct text saved, size_t window, struct state *state);

#endif
