/* What one instance hands to the next: JSON. */
#ifndef STATE_H
#define STATE_H

#include "text.h"

#define DEFAULT_STEP 1
/* What DTDL calls an integer. */
#define LOWEST_STEP INT32_MIN
#define HIGHEST_STEP INT32_MAX
/* Where counting stops, either way: the cloud may read numbers as doubles, which tell integers apart up to here. */
#define FURTHEST ((INT64_C(1) << 53) - 1)

struct state {
    int64_t count, step;
};

void append_state(struct builder *builder, const struct state *state);

/* False when it cannot be used, which another version may have saved. */
bool read_state(struct text saved, struct state *state);

#endif
