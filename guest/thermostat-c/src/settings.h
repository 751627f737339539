/* What the operator may set. */
#ifndef SETTINGS_H
#define SETTINGS_H

#include "text.h"

struct settings {
    /* Nanoseconds between two readings. */
    uint64_t interval;
    /* Readings kept, at least one. */
    size_t window;
};

/* Reads `interval` and `window`. False when one is out of its range; the first such is named in what has been built. */
bool read_settings(struct settings *settings, struct builder *refusal);

#endif
