#include "counter.h"

#include "host.h"
#include "json.h"

/* Milliseconds. */
#define INTERVAL 5000

static const char step_name[] = "step";

struct counter counter_start(struct text saved) {
    struct counter counter = {.state = {.count = 0, .step = DEFAULT_STEP}};
    struct state before;
    if (saved.at && read_state(saved, &before))
        counter.state = before;
    else if (saved.at)
        host_warn(text_of("the saved state cannot be read and is ignored"));
    setpoint_device_timers_every(INTERVAL);
    return counter;
}

/* Answers with the step that is in force. Without a description if that is NULL. */
static void acknowledge_step(const struct counter *counter, uint16_t status, uint64_t version, const char *description) {
    struct builder value = {0};
    append_signed(&value, counter->state.step);
    setpoint_device_properties_acknowledgement_t acknowledgement = {
        .property = {.name = lent(text_of(step_name))},
        .value = {true, lent(built(&value))},
        .status = status,
        .version = version,
    };
    if (description)
        acknowledgement.description = (device_guest_option_string_t){true, lent(text_of(description))};
    host_acknowledge("an acknowledgement", &acknowledgement);
    discard(&value);
}

static void take_default(struct counter *counter, uint64_t version) {
    counter->state.step = DEFAULT_STEP;
    acknowledge_step(counter, 203, version, NULL);
}

static void take_step(struct counter *counter, const exports_setpoint_device_device_desired_value_t *desired) {
    struct text value = desired->value.is_some ? borrowed(desired->value.val) : (struct text){NULL, 0};
    if (!desired->value.is_some || json_is_null(value)) {
        /* The cloud has removed it. */
        take_default(counter, desired->version);
        return;
    }
    struct reader reader = reader_of(value);
    int64_t step;
    if (read_integer(&reader, LOWEST_STEP, HIGHEST_STEP, &step) && read_end(&reader)) {
        counter->state.step = step;
        acknowledge_step(counter, 200, desired->version, NULL);
    } else {
        acknowledge_step(counter, 400, desired->version, "step is an integer from -2147483648 to 2147483647");
    }
}

static void refuse_unknown(const exports_setpoint_device_device_desired_value_t *desired) {
    struct builder description = {0};
    append_literal(&description, "this device has no writable property ");
    append_member(&description, &desired->property);
    setpoint_device_properties_acknowledgement_t acknowledgement = {
        .property = desired->property,
        .value = {desired->value.is_some, desired->value.val},
        .status = 404,
        .version = desired->version,
        .description = {true, lent(built(&description))},
    };
    host_acknowledge("an acknowledgement", &acknowledgement);
    discard(&description);
}

void counter_update(struct counter *counter, const exports_setpoint_device_device_list_desired_value_t *desired) {
    /* The first update holds all there are: without a step among them the default is in force. */
    bool unasked = !counter->first_update_done;
    counter->first_update_done = true;
    for (size_t i = 0; i < desired->len; i++)
        unasked = unasked && !member_is(&desired->ptr[i].property, step_name);
    if (unasked)
        take_default(counter, 0);
    for (size_t i = 0; i < desired->len; i++) {
        if (member_is(&desired->ptr[i].property, step_name))
            take_step(counter, &desired->ptr[i]);
        else
            refuse_unknown(&desired->ptr[i]);
    }
}

uint16_t counter_invoke(struct counter *counter, const setpoint_device_types_member_t *target, struct builder *payload) {
    if (member_is(target, "reset")) {
        append_signed(payload, counter->state.count);
        counter->state.count = 0;
        return 200;
    }
    struct builder message = {0};
    append_literal(&message, "this device has no command ");
    append_member(&message, target);
    append_literal(payload, "{\"message\":");
    append_json_string(payload, built(&message));
    append_character(payload, '}');
    discard(&message);
    return 404;
}

static int64_t within_bounds(int64_t count) {
    return count > FURTHEST ? FURTHEST : count < -FURTHEST ? -FURTHEST : count;
}

void counter_count(struct counter *counter) {
    counter->state.count = within_bounds(counter->state.count + counter->state.step);
    struct builder body = {0};
    append_literal(&body, "{\"count\":");
    append_signed(&body, counter->state.count);
    append_character(&body, '}');
    host_send("a count", built(&body));
    discard(&body);
}
