#include "host.h"

/* The bindings know no const; they change nothing that is lent. */
device_guest_string_t lent(struct text text) {
    return (device_guest_string_t){(uint8_t *)text.at, text.length};
}

struct text borrowed(device_guest_string_t string) {
    return (struct text){(const char *)string.ptr, string.len};
}

static void append_reason(struct builder *builder, const setpoint_device_types_send_error_t *error) {
    switch (error->tag) {
    case SETPOINT_DEVICE_TYPES_SEND_ERROR_OUTBOX_FULL:
        append_literal(builder, "the outbox is full");
        break;
    case SETPOINT_DEVICE_TYPES_SEND_ERROR_TOO_LARGE:
        append_literal(builder, "larger than the ");
        append_unsigned(builder, error->val.too_large);
        append_literal(builder, " bytes the cloud takes");
        break;
    default:
        append(builder, borrowed(error->val.invalid));
    }
}

static bool taken(const char *what, bool queued, setpoint_device_types_send_error_t *error) {
    if (queued)
        return true;
    struct builder message = {0};
    append_literal(&message, what);
    append_literal(&message, " was not sent: ");
    append_reason(&message, error);
    host_warn(built(&message));
    discard(&message);
    setpoint_device_types_send_error_free(error);
    return false;
}

bool host_send(const char *what, struct text body) {
    setpoint_device_telemetry_message_t message = {.body = lent(body)};
    setpoint_device_types_send_error_t error;
    return taken(what, setpoint_device_telemetry_send(&message, &error), &error);
}

bool host_report(const char *what, const char *property, struct text value) {
    setpoint_device_types_member_t member = {.name = lent(text_of(property))};
    setpoint_device_properties_json_t json = lent(value);
    setpoint_device_types_send_error_t error;
    return taken(what, setpoint_device_properties_report(&member, &json, &error), &error);
}

bool host_acknowledge(const char *what, setpoint_device_properties_acknowledgement_t *acknowledgement) {
    setpoint_device_types_send_error_t error;
    return taken(what, setpoint_device_properties_acknowledge(acknowledgement, &error), &error);
}

void host_warn(struct text message) {
    device_guest_string_t line = lent(message);
    setpoint_device_logging_log(SETPOINT_DEVICE_LOGGING_LEVEL_WARN, &line);
}

bool member_is(const setpoint_device_types_member_t *member, const char *name) {
    return !member->component.is_some && text_equals(borrowed(member->name), name);
}

void append_member(struct builder *builder, const setpoint_device_types_member_t *member) {
    if (member->component.is_some) {
        append(builder, borrowed(member->component.val));
        append_character(builder, '.');
    }
    append(builder, borrowed(member->name));
}
