#include "mock_host.h"

#include "memory.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

struct mock_host host;

static struct builder journal, asked, returned;
static setpoint_device_timers_timer_t timers;

void reset_host(void) {
    host = (struct mock_host){.now = {1767225600, 0}};
    timers = 0;
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

static void note(const char *words) {
    append_literal(&journal, words);
}

static void note_string(device_guest_string_t string) {
    append(&journal, (struct text){(const char *)string.ptr, string.len});
}

static void note_member(const setpoint_device_types_member_t *member) {
    if (member->component.is_some) {
        note_string(member->component.val);
        note(".");
    }
    note_string(member->name);
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

static void free_option(device_guest_option_string_t *option) {
    if (option->is_some)
        device_guest_string_free(&option->val);
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
    free_option(&member->component);
    device_guest_string_free(&member->name);
}

void exports_setpoint_device_device_command_free(exports_setpoint_device_device_command_t *ptr) {
    device_guest_string_free(&ptr->id);
    free_member(&ptr->target);
    if (ptr->payload.is_some)
        device_guest_string_free(&ptr->payload.val);
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

void setpoint_device_clock_now(setpoint_device_clock_datetime_t *ret) {
    *ret = (setpoint_device_clock_datetime_t){(uint64_t)host.now.seconds, host.now.nanoseconds};
}

uint64_t setpoint_device_random_next(void) {
    if (host.draws_left == 0)
        return 0;
    host.draws_left--;
    return *host.draws++;
}

static setpoint_device_timers_timer_t set_timer(const char *kind, uint64_t milliseconds) {
    note(kind);
    append_unsigned(&journal, milliseconds);
    note("\n");
    return ++timers;
}

setpoint_device_timers_timer_t setpoint_device_timers_after(uint64_t milliseconds) {
    return set_timer("after ", milliseconds);
}

setpoint_device_timers_timer_t setpoint_device_timers_every(uint64_t milliseconds) {
    return set_timer("every ", milliseconds);
}

static bool queued(setpoint_device_types_send_error_t *err) {
    *err = host.refusal;
    if (host.refuses && host.refusal.tag == SETPOINT_DEVICE_TYPES_SEND_ERROR_INVALID) {
        device_guest_string_t why = host.refusal.val.invalid;
        err->val.invalid = copy_of((struct text){(const char *)why.ptr, why.len});
    }
    return !host.refuses;
}

bool setpoint_device_telemetry_send(setpoint_device_telemetry_message_t *message,
                                    setpoint_device_telemetry_send_error_t *err) {
    if (!queued(err))
        return false;
    note("send ");
    note_string(message->body);
    note("\n");
    return true;
}

bool setpoint_device_properties_report(setpoint_device_properties_member_t *property,
                                       setpoint_device_properties_json_t *maybe_value,
                                       setpoint_device_properties_send_error_t *err) {
    if (!queued(err))
        return false;
    note("report ");
    note_member(property);
    note(" ");
    note_string(*maybe_value);
    note("\n");
    return true;
}

bool setpoint_device_properties_acknowledge(setpoint_device_properties_acknowledgement_t *acknowledgement,
                                            setpoint_device_properties_send_error_t *err) {
    if (!queued(err))
        return false;
    note("acknowledge ");
    note_member(&acknowledgement->property);
    note(" ");
    append_unsigned(&journal, acknowledgement->status);
    note(" v");
    append_unsigned(&journal, acknowledgement->version);
    note(" ");
    if (acknowledgement->value.is_some)
        note_string(acknowledgement->value.val);
    note(": ");
    note_string(acknowledgement->description.val);
    note("\n");
    return true;
}

bool setpoint_device_config_get(device_guest_string_t *key, device_guest_string_t *ret) {
    struct text name = {(const char *)key->ptr, key->len};
    const char *value = NULL;
    if (text_equals(name, "interval"))
        value = host.interval;
    else if (text_equals(name, "window"))
        value = host.window;
    if (value)
        *ret = copy_of(text_of(value));
    return value != NULL;
}

void setpoint_device_logging_log(setpoint_device_logging_level_t level, device_guest_string_t *message) {
    note(level == SETPOINT_DEVICE_LOGGING_LEVEL_WARN ? "warn " : "log ");
    note_string(*message);
    note("\n");
}

static struct text take_returned(device_guest_string_t string) {
    append(&returned, (struct text){(const char *)string.ptr, string.len});
    device_guest_string_free(&string);
    return built(&returned);
}

struct text start(exports_setpoint_device_device_start_reason_t reason, struct text state) {
    discard(&returned);
    device_guest_string_t copy = copy_of(state), refusal = {0};
    device_guest_list_u8_t bytes = {copy.ptr, copy.len};
    exports_setpoint_device_device_start(reason, state.at ? &bytes : NULL, &refusal);
    return take_returned(refusal);
}

struct text save(void) {
    discard(&returned);
    device_guest_list_u8_t state = {0};
    bool is_some = exports_setpoint_device_device_save(&state);
    return is_some ? take_returned((device_guest_string_t){state.ptr, state.len}) : (struct text){0};
}

static setpoint_device_types_member_t member_of(const char *component, const char *name) {
    setpoint_device_types_member_t member = {.name = copy_of(text_of(name))};
    if (component)
        member.component = (device_guest_option_string_t){true, copy_of(text_of(component))};
    return member;
}

void update(const struct desired *desired, size_t count) {
    exports_setpoint_device_device_list_desired_value_t list = {NULL, count};
    if (count > 0)
        list.ptr = resize_memory(NULL, count, sizeof list.ptr[0]);
    for (size_t i = 0; i < count; i++) {
        list.ptr[i] = (exports_setpoint_device_device_desired_value_t){
            .property = member_of(desired[i].component, desired[i].name),
            .version = desired[i].version,
        };
        if (desired[i].value)
            list.ptr[i].value =
                (exports_setpoint_device_device_option_json_t){true, copy_of(text_of(desired[i].value))};
    }
    exports_setpoint_device_device_update(&list);
}

struct text invoke(const char *component, const char *name, const char *payload) {
    discard(&returned);
    exports_setpoint_device_device_command_t command = {.id = copy_of(text_of("1")),
                                                        .target = member_of(component, name)};
    if (payload)
        command.payload = (exports_setpoint_device_device_option_json_t){true, copy_of(text_of(payload))};
    exports_setpoint_device_device_outcome_t outcome;
    exports_setpoint_device_device_invoke(&command, &outcome);
    append_unsigned(&returned, outcome.val.done.status);
    append_character(&returned, ' ');
    return take_returned(outcome.val.done.payload.val);
}
