#include "mock_host.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

const setpoint_device_types_send_error_t *refusal;

static struct builder journal, asked, returned;

void reset_host(void) {
    refusal = NULL;
    discard(&journal);
    discard(&asked);
    discard(&returned);
}

struct text effects(void) {
    discard(&asked);
    asked = journal;
    journal = (struct builder){0};
    return built(&asked);
}

static void note_string(device_guest_string_t string) {
    append(&journal, (struct text){(const char *)string.ptr, string.len});
}

/* Copied to where whoever gets it will free it. */
static device_guest_string_t copy_of(struct text text) {
    device_guest_string_t copy = {NULL, text.length};
    if (text.length > 0) {
        copy.ptr = resize_memory(NULL, text.length, 1);
        memcpy(copy.ptr, text.at, text.length);
    }
    return copy;
}

void device_guest_string_dup(device_guest_string_t *ret, const char *s) {
    *ret = copy_of(text_of(s));
}

void device_guest_string_free(device_guest_string_t *ret) {
    if (ret->len > 0)
        free(ret->ptr);
}

void setpoint_device_types_send_error_free(setpoint_device_types_send_error_t *ptr) {
    if (ptr->tag == SETPOINT_DEVICE_TYPES_SEND_ERROR_INVALID)
        device_guest_string_free(&ptr->val.invalid);
}

void device_guest_list_u8_free(device_guest_list_u8_t *ptr) {
    if (ptr->len > 0)
        free(ptr->ptr);
}

void device_guest_list_tuple2_string_string_free(device_guest_list_tuple2_string_string_t *ptr) {
    if (ptr->len > 0)
        free(ptr->ptr);
}

static void free_member(setpoint_device_types_member_t *member) {
    if (member->component.is_some)
        device_guest_string_free(&member->component.val);
    device_guest_string_free(&member->name);
}

void exports_setpoint_device_device_command_free(exports_setpoint_device_device_command_t *ptr) {
    device_guest_string_free(&ptr->id);
    free_member(&ptr->target);
}

void exports_setpoint_device_device_list_desired_value_free(exports_setpoint_device_device_list_desired_value_t *ptr) {
    for (size_t i = 0; i < ptr->len; i++) {
        free_member(&ptr->ptr[i].property);
        if (ptr->ptr[i].value.is_some)
            device_guest_string_free(&ptr->ptr[i].value.val);
    }
    if (ptr->len > 0)
        free(ptr->ptr);
}

setpoint_device_timers_timer_t setpoint_device_timers_every(uint64_t milliseconds) {
    append_literal(&journal, "every ");
    append_unsigned(&journal, milliseconds);
    append_literal(&journal, "\n");
    return 1;
}

static bool queued(setpoint_device_types_send_error_t *err) {
    if (!refusal)
        return true;
    *err = *refusal;
    if (err->tag == SETPOINT_DEVICE_TYPES_SEND_ERROR_INVALID)
        err->val.invalid = copy_of((struct text){(const char *)err->val.invalid.ptr, err->val.invalid.len});
    return false;
}

bool setpoint_device_telemetry_send(setpoint_device_telemetry_message_t *message,
                                    setpoint_device_telemetry_send_error_t *err) {
    if (!queued(err))
        return false;
    append_literal(&journal, "send ");
    note_string(message->body);
    append_literal(&journal, "\n");
    return true;
}

bool setpoint_device_properties_report(setpoint_device_properties_member_t *property,
                                       setpoint_device_properties_json_t *maybe_value,
                                       setpoint_device_properties_send_error_t *err) {
    if (!queued(err))
        return false;
    append_literal(&journal, "report ");
    note_string(property->name);
    append_literal(&journal, " ");
    note_string(*maybe_value);
    append_literal(&journal, "\n");
    return true;
}

bool setpoint_device_properties_acknowledge(setpoint_device_properties_acknowledgement_t *acknowledgement,
                                            setpoint_device_properties_send_error_t *err) {
    if (!queued(err))
        return false;
    append_literal(&journal, "acknowledge ");
    if (acknowledgement->property.component.is_some) {
        note_string(acknowledgement->property.component.val);
        append_literal(&journal, ".");
    }
    note_string(acknowledgement->property.name);
    append_literal(&journal, " ");
    append_unsigned(&journal, acknowledgement->status);
    append_literal(&journal, " v");
    append_unsigned(&journal, acknowledgement->version);
    append_literal(&journal, " ");
    if (acknowledgement->value.is_some)
        note_string(acknowledgement->value.val);
    append_literal(&journal, "\n");
    return true;
}

void setpoint_device_logging_log(setpoint_device_logging_level_t level, device_guest_string_t *message) {
    append_literal(&journal, level == SETPOINT_DEVICE_LOGGING_LEVEL_WARN ? "warn " : "log ");
    note_string(*message);
    append_literal(&journal, "\n");
}

static struct text take_returned(device_guest_string_t string) {
    append(&returned, (struct text){(const char *)string.ptr, string.len});
    device_guest_string_free(&string);
    return built(&returned);
}

void start(const char *saved) {
    device_guest_string_t copy = copy_of(text_of(saved ? saved : "")), error = {0};
    device_guest_list_u8_t state = {copy.ptr, copy.len};
    exports_setpoint_device_device_start(EXPORTS_SETPOINT_DEVICE_DEVICE_START_REASON_POWER_ON, saved ? &state : NULL,
                                         &error);
}

struct text save(void) {
    discard(&returned);
    device_guest_list_u8_t state = {0};
    exports_setpoint_device_device_save(&state);
    return take_returned((device_guest_string_t){state.ptr, state.len});
}

static setpoint_device_types_member_t member_of(const char *component, const char *name) {
    setpoint_device_types_member_t member = {.name = copy_of(text_of(name))};
    if (component)
        member.component = (device_guest_option_string_t){true, copy_of(text_of(component))};
    return member;
}

void update(const char *component, const char *name, const char *value) {
    exports_setpoint_device_device_list_desired_value_t list = {resize_memory(NULL, 1, sizeof list.ptr[0]), 1};
    list.ptr[0] = (exports_setpoint_device_device_desired_value_t){
        .property = member_of(component, name),
        .version = 2,
    };
    if (value)
        list.ptr[0].value = (exports_setpoint_device_device_option_json_t){true, copy_of(text_of(value))};
    exports_setpoint_device_device_update(&list);
}

void update_nothing(void) {
    exports_setpoint_device_device_list_desired_value_t list = {NULL, 0};
    exports_setpoint_device_device_update(&list);
}

struct text invoke(const char *component, const char *name) {
    discard(&returned);
    exports_setpoint_device_device_command_t command = {.id = copy_of(text_of("1")),
                                                        .target = member_of(component, name)};
    exports_setpoint_device_device_outcome_t outcome;
    exports_setpoint_device_device_invoke(&command, &outcome);
    append_unsigned(&returned, outcome.val.done.status);
    append_character(&returned, ' ');
    return take_returned(outcome.val.done.payload.val);
}
