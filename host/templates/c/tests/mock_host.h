/* A host for tests: the contract's imports, and its exports called as the host would call them. */
#ifndef MOCK_HOST_H
#define MOCK_HOST_H

#include "device_guest.h"
#include "text.h"

/* What everything that is to be queued is refused with; NULL when it is taken. */
extern const setpoint_device_types_send_error_t *refusal;

/* Forgets what the device has done, and refuses nothing. */
void reset_host(void);

/* What the device has done since this was last asked: a line for each effect. Lent until it is asked again. */
struct text effects(void);

/* The exports. The texts that they return are lent until the next call of one. Without a state, `saved` is NULL. */
void start(const char *saved);
struct text save(void);

/* A desired value of version 2: of the component if one is given, or removed if no value is. */
void update(const char *component, const char *name, const char *value);
void update_nothing(void);

/* Calls a command and returns the status and the payload: `200 1`. */
struct text invoke(const char *component, const char *name);

#endif
