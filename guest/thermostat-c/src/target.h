/* The writable property targetTemperature. */
#ifndef TARGET_H
#define TARGET_H

#include "device_guest.h"

#include <stdbool.h>

/* Degrees Celsius, while the cloud wants nothing else. */
#define DEFAULT_TARGET 20.0

/* The temperature the room should have, and whether the cloud has been told about the default. */
struct target {
    /* Degrees Celsius. */
    double in_force;
    bool first_update_done;
};

/* Takes desired values and acknowledges each. The first update holds all there are: without a target among them the
   default is in force, and is acknowledged unasked. */
void target_update(struct target *target, const exports_setpoint_device_device_list_desired_value_t *desired);

#endif
