/* What a device tells its host, and how the contract names things. */
#ifndef HOST_H
#define HOST_H

#include "device_guest.h"
#include "text.h"

/* Lends a text to the host, or takes one that the host has lent. */
device_guest_string_t lent(struct text text);
struct text borrowed(device_guest_string_t string);

/* Queue something for the cloud, `what`; what the host refuses goes to the log. True when it was taken. */
bool host_send(const char *what, struct text body);
bool host_report(const char *what, const char *property, struct text value);
bool host_acknowledge(const char *what, setpoint_device_properties_acknowledgement_t *acknowledgement);

void host_warn(struct text message);

/* Whether it is the device's own, not a component's, and has this name. */
bool member_is(const setpoint_device_types_member_t *member, const char *name);

/* `component.name`, or the name alone. */
void append_member(struct builder *builder, const setpoint_device_types_member_t *member);

#endif
