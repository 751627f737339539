/* A host for tests: the contract's imports, and its exports called as the host would call them. */
#ifndef MOCK_HOST_H
#define MOCK_HOST_H

#include "device_guest.h"
#include "moment.h"

#include <stdbool.h>

/* What the device meets. */
struct mock_host {
    struct moment now;
    /* Drawn one after the other, then 0 for ever. */
    const uint64_t *draws;
    size_t draws_left;
    /* The operator's values, or NULL. */
    const char *interval, *window;
    /* What everything that is to be queued is refused with, if it is. */
    bool refuses;
    setpoint_device_types_send_error_t refusal;
};

/* On 2026-01-01T00:00:00Z, with nothing configured. */
extern struct mock_host host;

/* Takes a host as it is at the beginning, and forgets what the device has done. */
void reset_host(void);

/* What the device has done since this was last asked: a line for each effect. Lent until it is asked again. */
struct text effects(void);

/* The exports. The texts that they return are lent until the next call of one. Without a state, its `at` is NULL. */
struct text start(exports_setpoint_device_device_start_reason_t reason, struct text state);
struct text save(void);

/* A desired value, of the component if one is given, or removed if no value is. */
struct desired {
    const char *component, *name, *value;
    uint64_t version;
};
void update(const struct desired *desired, size_t count);

/* Calls a command and returns the status and the payload: `200 null`. Without a payload if none is given. */
struct text invoke(const char *component, const char *name, const char *payload);

#endif
