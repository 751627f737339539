#include "check.h"
#include "mock_host.h"

#include <string.h>

#define FIVE_THOUSAND_DIGITS 5000

static void count(void) {
    exports_setpoint_device_device_timer_fired(1);
}

/* A device that has been told its desired values, of which there are none. */
static void turn_on(void) {
    reset_host();
    start(NULL);
    update_nothing();
    effects();
}

static void it_counts_every_five_seconds(void) {
    reset_host();
    start(NULL);
    CHECK_TEXT(effects(), "every 5000\n");
    count();
    count();
    CHECK_TEXT(effects(), "send {\"count\":1}\nsend {\"count\":2}\n");
}

static void reset_answers_with_the_count_it_ended(void) {
    turn_on();
    count();
    CHECK_TEXT(invoke(NULL, "reset"), "200 1");
    CHECK_TEXT(invoke(NULL, "reset"), "200 0");
}

static void what_cannot_be_sent_is_logged_and_counted(void) {
    setpoint_device_types_send_error_t full = {.tag = SETPOINT_DEVICE_TYPES_SEND_ERROR_OUTBOX_FULL};
    setpoint_device_types_send_error_t large = {.tag = SETPOINT_DEVICE_TYPES_SEND_ERROR_TOO_LARGE, .val.too_large = 5};
    char words[] = "no reason";
    setpoint_device_types_send_error_t invalid = {.tag = SETPOINT_DEVICE_TYPES_SEND_ERROR_INVALID,
                                                  .val.invalid = {(uint8_t *)words, strlen(words)}};
    turn_on();
    refusal = &full;
    count();
    CHECK_TEXT(effects(), "warn a count was not sent: the outbox is full\n");
    refusal = &large;
    count();
    CHECK_TEXT(effects(), "warn a count was not sent: larger than the 5 bytes the cloud takes\n");
    refusal = &invalid;
    update(NULL, "step", "1");
    count();
    CHECK_TEXT(effects(), "warn an acknowledgement was not sent: no reason\nwarn a count was not sent: no reason\n");
    refusal = NULL;
    count();
    CHECK_TEXT(effects(), "send {\"count\":4}\n");
}

static void unknown_commands_are_refused(void) {
    turn_on();
    CHECK_TEXT(invoke(NULL, "stop"), "404 {\"message\":\"this device has no command stop\"}");
    CHECK_TEXT(invoke("part", "reset"), "404 {\"message\":\"this device has no command part.reset\"}");
}

static void the_default_is_acknowledged_when_nothing_is_desired(void) {
    reset_host();
    start(NULL);
    effects();
    update_nothing();
    CHECK_TEXT(effects(), "acknowledge step 203 v0 1\n");
    update_nothing();
    CHECK_TEXT(effects(), "");
}

static void the_default_is_not_acknowledged_when_a_step_is_desired(void) {
    reset_host();
    start(NULL);
    effects();
    update(NULL, "step", "10");
    CHECK_TEXT(effects(), "acknowledge step 200 v2 10\n");
}

static void a_step_is_taken_and_counted_by(void) {
    turn_on();
    update(NULL, "step", "-2147483648");
    CHECK_TEXT(effects(), "acknowledge step 200 v2 -2147483648\n");
    update(NULL, "step", "2147483647");
    CHECK_TEXT(effects(), "acknowledge step 200 v2 2147483647\n");
    update(NULL, "step", "0");
    CHECK_TEXT(effects(), "acknowledge step 200 v2 0\n");
    update(NULL, "step", " 10\n");
    count();
    CHECK_TEXT(effects(), "acknowledge step 200 v2 10\nsend {\"count\":10}\n");
}

static void what_is_no_step_changes_nothing(void) {
    char nines[FIVE_THOUSAND_DIGITS + 1] = {0};
    memset(nines, '9', FIVE_THOUSAND_DIGITS);
    const char *const wrong[] = {"2147483648", "-2147483649", "2.5", "7.0", "1e1", "7 7", "\"7\"", "[7]", "true", nines};
    turn_on();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        update(NULL, "step", wrong[i]);
        CHECK_TEXT(effects(), "acknowledge step 400 v2 1\n");
    }
}

static void a_removed_step_is_the_default_again(void) {
    turn_on();
    const char *const removed[] = {NULL, "null", " null "};
    for (size_t i = 0; i < sizeof removed / sizeof removed[0]; i++) {
        update(NULL, "step", "10");
        update(NULL, "step", removed[i]);
        CHECK_TEXT(effects(), "acknowledge step 200 v2 10\nacknowledge step 203 v2 1\n");
    }
}

static void unknown_properties_are_refused(void) {
    turn_on();
    update(NULL, "speed", "1");
    update("part", "step", NULL);
    CHECK_TEXT(effects(), "acknowledge speed 404 v2 1\nacknowledge part.step 404 v2 \n");
}

static void the_next_instance_goes_on(void) {
    turn_on();
    update(NULL, "step", "10");
    count();
    CHECK_TEXT(save(), "{\"count\":10,\"step\":10}");
    effects();
    start("{\"later\": [1, {}], \"step\": 10, \"count\": 10}");
    count();
    CHECK_TEXT(effects(), "every 5000\nsend {\"count\":20}\n");
}

static void a_state_that_cannot_be_read_is_ignored(void) {
    static const char *const wrong[] = {
        "",
        "\xff",
        "{}",
        "[]",
        "{\"count\": 7.5, \"step\": 1}",
        "{\"count\": 1, \"step\": true}",
        "{\"count\": 1, \"count\": 1, \"step\": 1}",
        "{\"count\": 1, \"step\": 1, \"step\": 1}",
        "{\"count\": 1}",
        "{\"count\": 1, \"step\": 2147483648}",
        "{\"count\": -9007199254740992, \"step\": 1}",
        "{\"count\": 1, \"step\": 1}}",
        "{\"count\": 9007199254740992, \"step\": 1}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        reset_host();
        start(wrong[i]);
        count();
        CHECK_TEXT(effects(), "warn the saved state cannot be read and is ignored\nevery 5000\nsend {\"count\":1}\n");
    }
}

static void counting_stops_where_numbers_are_no_longer_told_apart(void) {
    reset_host();
    start("{\"count\": 9007199254740990, \"step\": 5}");
    effects();
    count();
    CHECK_TEXT(effects(), "send {\"count\":9007199254740991}\n");
    start("{\"count\": -9007199254740990, \"step\": -5}");
    effects();
    count();
    CHECK_TEXT(effects(), "send {\"count\":-9007199254740991}\n");
}

int main(void) {
    it_counts_every_five_seconds();
    reset_answers_with_the_count_it_ended();
    what_cannot_be_sent_is_logged_and_counted();
    unknown_commands_are_refused();
    the_default_is_acknowledged_when_nothing_is_desired();
    the_default_is_not_acknowledged_when_a_step_is_desired();
    a_step_is_taken_and_counted_by();
    what_is_no_step_changes_nothing();
    a_removed_step_is_the_default_again();
    unknown_properties_are_refused();
    the_next_instance_goes_on();
    a_state_that_cannot_be_read_is_ignored();
    counting_stops_where_numbers_are_no_longer_told_apart();
    reset_host();
    return failures();
}
