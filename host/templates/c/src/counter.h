/* A device that counts: model {{model}}, in models/.

   Telemetry: `count`, every five seconds. `step` is writable: what is added each time, 1 by default. The command `reset`
   counts from 0 again and answers with the count it ended. Another instance goes on where the last one stopped. */
#ifndef COUNTER_H
#define COUNTER_H

#include "device_guest.h"
#include "state.h"

#include <stdbool.h>

#define MODEL_ID "{{model}}"

struct counter {
    struct state state;
    bool first_update_done;
};

/* Starts counting, from a saved state if there is one: without it `at` is NULL. */
struct counter counter_start(struct text saved);

void counter_update(struct counter *counter, const exports_setpoint_device_device_list_desired_value_t *desired);

/* Carries out a command: returns the status, and adds the payload to what has been built. */
uint16_t counter_invoke(struct counter *counter, const setpoint_device_types_member_t *target, struct builder *payload);

/* Goes one step further and says so. */
void counter_count(struct counter *counter);

#endif
