/* Moments in time, and how RFC 3339 writes them. */
#ifndef MOMENT_H
#define MOMENT_H

#include "text.h"

#define NANOSECONDS UINT32_C(1000000000)
#define DAY (24 * 60 * 60)

/* Time since 1970-01-01T00:00:00Z. Second 60 of a minute is second 59 with more than a second of nanoseconds. */
struct moment {
    int64_t seconds;
    uint32_t nanoseconds;
};

/* The years -262143 to 262142, in milliseconds: what every language's thermostat takes for a time. */
#define FIRST_MILLISECOND INT64_C(-8334601228800000)
#define LAST_MILLISECOND INT64_C(8210266876799999)

/* Times beyond those never come from a clock; from a saved state they become 1970. */
struct moment moment_of_milliseconds(int64_t milliseconds);

/* Rounded down. */
int64_t moment_milliseconds(struct moment moment);

bool moment_is_before(struct moment a, struct moment b);

/* In UTC, with as many decimals as it takes: none, three, six or nine. */
void append_moment(struct builder *builder, struct moment moment);

/* False for a text that is not a time, or names a day or a time of day that there is not. */
bool read_moment(struct text text, struct moment *moment);

#endif
