#include "target.h"

#include "host.h"
#include "json.h"
#include "print_number.h"

static const char name[] = "targetTemperature";

/* Answers with a value that was sent, or none. */
static void acknowledge(const setpoint_device_types_member_t *property, const struct text *value, uint16_t status,
                        uint64_t version, struct text description) {
    setpoint_device_properties_acknowledgement_t acknowledgement = {
        .property = *property,
        .status = status,
        .version = version,
        .description = {true, lent(description)},
    };
    if (value)
        acknowledgement.value = (setpoint_device_properties_option_json_t){true, lent(*value)};
    host_acknowledge("an acknowledgement", &acknowledgement);
}

/* Answers with the value in force. */
static void acknowledge_in_force(const struct target *target, uint16_t status, uint64_t version,
                                 const char *description) {
    setpoint_device_types_member_t property = {.name = lent(text_of(name))};
    struct builder in_force = {0};
    append_number(&in_force, target->in_force);
    struct text value = built(&in_force);
    acknowledge(&property, &value, status, version, text_of(description));
    discard(&in_force);
}

static void set_default(struct target *target, uint64_t version) {
    target->in_force = DEFAULT_TARGET;
    acknowledge_in_force(target, 203, version, "the default is in force");
}

/* None for null, too. */
static bool value_of(const exports_setpoint_device_device_desired_value_t *desired, struct text *value) {
    *value = desired->value.is_some ? borrowed(desired->value.val) : (struct text){NULL, 0};
    return desired->value.is_some && !json_is_null(*value);
}

static void set(struct target *target, const exports_setpoint_device_device_desired_value_t *desired) {
    struct text value;
    double wanted;
    if (!value_of(desired, &value)) {
        set_default(target, desired->version);
    } else if (json_number(value, &wanted)) {
        target->in_force = wanted;
        /* The words of the sample that users of this model know; the number as it was sent. */
        acknowledge(&desired->property, &value, 200, desired->version, text_of("Successfully executed patch"));
    } else {
        acknowledge_in_force(target, 400, desired->version,
                             "targetTemperature is a number of degrees Celsius; the value before it stays in force");
    }
}

static void refuse_unknown(const exports_setpoint_device_device_desired_value_t *desired) {
    struct text value;
    bool has_value = value_of(desired, &value);
    struct builder description = {0};
    append_literal(&description, "this device has no writable property ");
    append_member(&description, &desired->property);
    acknowledge(&desired->property, has_value ? &value : NULL, 404, desired->version, built(&description));
    discard(&description);
}

void target_update(struct target *target, const exports_setpoint_device_device_list_desired_value_t *desired) {
    bool unasked = !target->first_update_done;
    target->first_update_done = true;
    for (size_t i = 0; i < desired->len; i++)
        unasked = unasked && !member_is(&desired->ptr[i].property, name);
    if (unasked)
        set_default(target, 0);
    for (size_t i = 0; i < desired->len; i++) {
        if (member_is(&desired->ptr[i].property, name))
            set(target, &desired->ptr[i]);
        else
            refuse_unknown(&desired->ptr[i]);
    }
}
