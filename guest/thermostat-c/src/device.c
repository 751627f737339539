/* What the host calls. Whatever it hands over belongs to the device, and what it gets back, to the host. */

#include "device_guest.h"
#include "host.h"
#include "report.h"
#include "surroundings.h"
#include "thermostat.h"

/* The one device of this component. There is none before a start has succeeded. */
static struct thermostat thermostat;
static bool has_started;

/* Hands over what has been built. */
static device_guest_string_t given(struct builder builder) {
    return (device_guest_string_t){(uint8_t *)builder.at, builder.length};
}

void exports_setpoint_device_device_model_id(device_guest_string_t *ret) {
    device_guest_string_dup(ret, "dtmi:com:example:Thermostat;1");
}

/* The state of the instance that this one takes over from, if it does: when it replaces or resumes another. */
static bool read_predecessor(exports_setpoint_device_device_start_reason_t reason, const device_guest_list_u8_t *saved,
                             size_t window, struct state *state) {
    if (!saved || (reason != EXPORTS_SETPOINT_DEVICE_DEVICE_START_REASON_REPLACED &&
                   reason != EXPORTS_SETPOINT_DEVICE_DEVICE_START_REASON_RESUMED))
        return false;
    const char *wrong = read_state((struct text){(const char *)saved->ptr, saved->len}, window, state);
    if (!wrong)
        return true;
    struct builder message = {0};
    append_literal(&message, "the saved state cannot be read and is ignored: ");
    append_literal(&message, wrong);
    host_warn(built(&message));
    discard(&message);
    return false;
}

bool exports_setpoint_device_device_start(exports_setpoint_device_device_start_reason_t reason,
                                          device_guest_list_u8_t *maybe_state, device_guest_string_t *err) {
    struct builder refusal = {0};
    struct settings settings;
    struct state before;
    bool sound = read_settings(&settings, &refusal);
    if (sound) {
        bool takes_over = read_predecessor(reason, maybe_state, settings.window, &before);
        if (has_started)
            thermostat_free(&thermostat);
        thermostat = thermostat_start(&settings, takes_over ? &before : NULL);
        has_started = true;
    } else {
        *err = given(refusal);
    }
    if (maybe_state)
        device_guest_list_u8_free(maybe_state);
    return sound;
}

void exports_setpoint_device_device_update(exports_setpoint_device_device_list_desired_value_t *desired) {
    if (has_started)
        target_update(&thermostat.target, desired);
    exports_setpoint_device_device_list_desired_value_free(desired);
}

static uint16_t answer(const exports_setpoint_device_device_command_t *command, struct builder *payload) {
    if (!has_started) {
        append_message(payload, text_of("the device has not started"));
        return 503;
    }
    if (member_is(&command->target, "getMaxMinReport")) {
        struct text sent = {0};
        if (command->payload.is_some)
            sent = borrowed(command->payload.val);
        return report_answer(&thermostat.readings, command->payload.is_some ? &sent : NULL, host_now(), payload);
    }
    struct builder message = {0};
    append_literal(&message, "this device has no command ");
    append_member(&message, &command->target);
    append_message(payload, built(&message));
    discard(&message);
    return 404;
}

void exports_setpoint_device_device_invoke(exports_setpoint_device_device_command_t *command,
                                           exports_setpoint_device_device_outcome_t *ret) {
    struct builder payload = {0};
    uint16_t status = answer(command, &payload);
    ret->tag = EXPORTS_SETPOINT_DEVICE_DEVICE_OUTCOME_DONE;
    ret->val.done = (setpoint_device_commands_response_t){status, {true, given(payload)}};
    exports_setpoint_device_device_command_free(command);
}

/* The model has no use for messages. */
void exports_setpoint_device_device_receive(device_guest_list_u8_t *body,
                                            device_guest_list_tuple2_string_string_t *properties) {
    device_guest_list_u8_free(body);
    device_guest_list_tuple2_string_string_free(properties);
}

void exports_setpoint_device_device_timer_fired(exports_setpoint_device_device_timer_t timer) {
    if (has_started)
        thermostat_timer(&thermostat, timer);
}

bool exports_setpoint_device_device_save(device_guest_list_u8_t *ret) {
    struct builder state = {0};
    if (has_started)
        append_thermostat(&state, &thermostat);
    *ret = (device_guest_list_u8_t){(uint8_t *)state.at, state.length};
    return has_started;
}
