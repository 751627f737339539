/* What the host calls. Whatever it hands over belongs to the device, and what it gets back, to the host. */

#include "counter.h"
#include "device_guest.h"
#include "host.h"

/* The one device of this component. Nothing is called before `start` but `model-id`. */
static struct counter counter;

void exports_setpoint_device_device_model_id(device_guest_string_t *ret) {
    device_guest_string_dup(ret, MODEL_ID);
}

bool exports_setpoint_device_device_start(exports_setpoint_device_device_start_reason_t reason,
                                          device_guest_list_u8_t *maybe_state, device_guest_string_t *err) {
    (void)reason;
    (void)err;
    struct text saved = {NULL, 0};
    if (maybe_state)
        saved = maybe_state->len ? (struct text){(const char *)maybe_state->ptr, maybe_state->len} : text_of("");
    counter = counter_start(saved);
    if (maybe_state)
        device_guest_list_u8_free(maybe_state);
    return true;
}

void exports_setpoint_device_device_update(exports_setpoint_device_device_list_desired_value_t *desired) {
    counter_update(&counter, desired);
    exports_setpoint_device_device_list_desired_value_free(desired);
}

void exports_setpoint_device_device_invoke(exports_setpoint_device_device_command_t *command,
                                           exports_setpoint_device_device_outcome_t *ret) {
    struct builder payload = {0};
    uint16_t status = counter_invoke(&counter, &command->target, &payload);
    ret->tag = EXPORTS_SETPOINT_DEVICE_DEVICE_OUTCOME_DONE;
    ret->val.done = (setpoint_device_commands_response_t){status, {true, {(uint8_t *)payload.at, payload.length}}};
    exports_setpoint_device_device_command_free(command);
}

/* The model has no use for messages. */
void exports_setpoint_device_device_receive(device_guest_list_u8_t *body,
                                            device_guest_list_tuple2_string_string_t *properties) {
    device_guest_list_u8_free(body);
    device_guest_list_tuple2_string_string_free(properties);
}

void exports_setpoint_device_device_timer_fired(exports_setpoint_device_device_timer_t timer) {
    (void)timer;
    counter_count(&counter);
}

bool exports_setpoint_device_device_save(device_guest_list_u8_t *ret) {
    struct builder state = {0};
    append_state(&state, &counter.state);
    *ret = (device_guest_list_u8_t){(uint8_t *)state.at, state.length};
    return true;
}
