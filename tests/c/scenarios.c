/* What a device does with Microsoft's own SDK for C, unmodified, against the emulator.
 *
 * Run as `scenarios NAME` with the task, a JSON object, on standard input: who the device is, what it proves itself with and which
 * way it goes (foreign_sdk/place.rs has its members). The emulator's authority comes from SSL_CERT_FILE. The SDK logs to standard
 * output; the last line there is one JSON object with what was seen, which the tests compare with what the hub knows. Nothing here
 * asserts: a scenario that cannot go on ends with a failure. There is no operator in it, because this SDK has no services' side
 * over what the emulator speaks: the tests are the operator.
 */

#include <unistd.h>

#include <azure_c_shared_utility/map.h>
#include <iothub.h>

#include "client.h"
#include "seen.h"

/* Seconds that a scenario may take; long, because machines that run tests are busy. */
#define PATIENCE 120

/* Seconds that a short-lived token lasts: the SDK renews it after four fifths, which is a second before its end. */
#define SHORT_LIVED 7

static void on_status(IOTHUB_CLIENT_CONNECTION_STATUS status, IOTHUB_CLIENT_CONNECTION_STATUS_REASON reason, void* context)
{
    (void)context;
    const char* why = MU_ENUM_TO_STRING(IOTHUB_CLIENT_CONNECTION_STATUS_REASON, reason);
    const bool lost = has_seen("lost");
    if (status == IOTHUB_CLIENT_CONNECTION_AUTHENTICATED)
    {
        see(lost ? "reconnected" : "connected", json_value_init_string(why));
    }
    else if (!lost)
    {
        /* The SDK adds that there is no network to whatever was the reason. */
        see("lost", json_value_init_string(why));
    }
}

/* The context is the name for a whole twin. */
static void on_twin(DEVICE_TWIN_UPDATE_STATE state, const unsigned char* payload, size_t size, void* context)
{
    const char* name = context;
    if (state == DEVICE_TWIN_UPDATE_PARTIAL)
    {
        name = has_seen("patch") ? "late_patch" : "patch";
    }
    see(name, parsed(payload, size));
}

/* The context is the name for the status. */
static void on_reported(int status, void* context)
{
    see(context, json_value_init_number(status));
}

/* The context is the name for the outcome. */
static void on_sent(IOTHUB_CLIENT_CONFIRMATION_RESULT result, void* context)
{
    see(context, json_value_init_string(MU_ENUM_TO_STRING(IOTHUB_CLIENT_CONFIRMATION_RESULT, result)));
}

static IOTHUBMESSAGE_DISPOSITION_RESULT on_message(IOTHUB_MESSAGE_HANDLE message, void* context)
{
    (void)context;
    const unsigned char* body;
    size_t size;
    const char* const* names;
    const char* const* values;
    size_t count;
    MUST(IoTHubMessage_GetByteArray(message, &body, &size));
    must(Map_GetInternals(IoTHubMessage_Properties(message), &names, &values, &count) == MAP_OK, "a message's properties");
    JSON_Value* properties = json_value_init_object();
    for (size_t index = 0; index < count; index++)
    {
        json_object_set_string(json_object(properties), names[index], values[index]);
    }
    JSON_Value* value = json_value_init_object();
    json_object_set_string_with_len(json_object(value), "body", (const char*)body, size);
    json_object_set_value(json_object(value), "properties", properties);
    see("message", value);
    return IOTHUBMESSAGE_ACCEPTED;
}

/* Answers a direct method with what it was asked and by which name. */
static int on_method(const char* name, const unsigned char* payload, size_t size, unsigned char** answer, size_t* answer_size,
    void* context)
{
    (void)context;
    JSON_Value* value = json_value_init_object();
    json_object_set_value(json_object(value), "asked", parsed(payload, size));
    json_object_set_string(json_object(value), "by", name);
    /* The SDK frees it, by what parson has it from: malloc. */
    *answer = (unsigned char*)json_serialize_to_string(value);
    *answer_size = strlen((const char*)*answer);
    json_value_free(value);
    see("called", json_value_init_string(name));
    return 201;
}

static void report(IOTHUB_DEVICE_CLIENT_HANDLE device, char* name, const char* properties)
{
    MUST(IoTHubDeviceClient_SendReportedState(device, (const unsigned char*)properties, strlen(properties), on_reported, name));
    wait_for(name);
}

static void send(IOTHUB_DEVICE_CLIENT_HANDLE device, IOTHUB_MESSAGE_HANDLE message, char* name)
{
    must(message != NULL, name);
    MUST(IoTHubDeviceClient_SendEventAsync(device, message, on_sent, name));
    IoTHubMessage_Destroy(message);
}

/* A device's whole day: provision, connect, report, read the twin, take a message and a desired property, answer a command, send
 * telemetry; lose the connection over the second message, come back and still hear what it did. That second message it would
 * send again after a minute, which nobody waits for. */
static void day(const JSON_Object* task)
{
    if (json_object_has_value(task, "dps"))
    {
        provision(task);
    }
    IOTHUB_DEVICE_CLIENT_HANDLE device = device_client(task);
    MUST(IoTHubDeviceClient_SetConnectionStatusCallback(device, on_status, NULL));
    MUST(IoTHubDeviceClient_SetMessageCallback(device, on_message, NULL));
    MUST(IoTHubDeviceClient_SetDeviceMethodCallback(device, on_method, NULL));
    MUST(IoTHubDeviceClient_SetDeviceTwinCallback(device, on_twin, "twin_at_start"));
    wait_for("twin_at_start");
    report(device, "reported", "{\"maxTempSinceLastReboot\": 10.96}");
    MUST(IoTHubDeviceClient_GetTwinAsync(device, on_twin, "twin_at_device"));
    wait_for("twin_at_device");
    wait_for("message");

    /* The operator waits for this one. */
    report(device, "initial", "{\"targetTemperature\": {\"value\": 21, \"ac\": 203, \"av\": 1, \"ad\": \"initial\"}}");
    wait_for("patch");
    report(device, "followed", "{\"targetTemperature\": {\"value\": 42.5, \"ac\": 200, \"av\": 2, \"ad\": \"followed\"}}");
    wait_for("called");

    IOTHUB_MESSAGE_HANDLE telemetry = IoTHubMessage_CreateFromString("{\"temperature\": 22}");
    MUST(IoTHubMessage_SetContentTypeSystemProperty(telemetry, "application/json"));
    MUST(IoTHubMessage_SetContentEncodingSystemProperty(telemetry, "utf-8"));
    MUST(IoTHubMessage_SetProperty(telemetry, "a colour", "red & blue"));
    send(device, telemetry, "first");
    wait_for("first");
    /* The hub hangs up on this one. */
    send(device, IoTHubMessage_CreateFromString("second"), "second");
    wait_for("reconnected");
    send(device, IoTHubMessage_CreateFromString("third"), "third");
    wait_for("third");
    /* The operator's last. */
    wait_for("late_patch");
    IoTHubDeviceClient_Destroy(device);
}

/* DPS and the hub refuse a key that is not the device's. */
static void wrong_key(const JSON_Object* task)
{
    provision(task);
    JSON_Value* dps = json_value_init_string(json_object_dotget_string(seen, "assigned.status"));
    json_object_remove(seen, "assigned");
    IOTHUB_DEVICE_CLIENT_HANDLE device = device_client(task);
    MUST(IoTHubDeviceClient_SetConnectionStatusCallback(device, on_status, NULL));
    /* It connects once there is something to send. */
    send(device, IoTHubMessage_CreateFromString("refused"), "sent");
    wait_for("lost");
    IoTHubDeviceClient_Destroy(device);
    see("dps", dps);
}

/* The SDK connects again with a new token before the old one ends. The operator waits for that. */
static void renewal(const JSON_Object* task)
{
    IOTHUB_DEVICE_CLIENT_HANDLE device = device_client(task);
    const size_t lifetime = SHORT_LIVED;
    MUST(IoTHubDeviceClient_SetOption(device, OPTION_SAS_TOKEN_LIFETIME, &lifetime));
    MUST(IoTHubDeviceClient_SetConnectionStatusCallback(device, on_status, NULL));
    MUST(IoTHubDeviceClient_SetDeviceMethodCallback(device, on_method, NULL));
    MUST(IoTHubDeviceClient_SetDeviceTwinCallback(device, on_twin, "twin_at_start"));
    wait_for("called");
    wait_for("patch");
    IoTHubDeviceClient_Destroy(device);
}

/* A second connection of the same device drops the first. */
static void takeover(const JSON_Object* task)
{
    IOTHUB_DEVICE_CLIENT_HANDLE first = device_client(task);
    MUST(IoTHubDeviceClient_SetRetryPolicy(first, IOTHUB_CLIENT_RETRY_NONE, 0));
    MUST(IoTHubDeviceClient_SetConnectionStatusCallback(first, on_status, NULL));
    wait_for("connected");
    IOTHUB_DEVICE_CLIENT_HANDLE second = device_client(task);
    send(second, IoTHubMessage_CreateFromString("still here"), "sent");
    wait_for("sent");
    wait_for("lost");
    see("first_dropped", json_value_init_boolean(true));
    IoTHubDeviceClient_Destroy(second);
    IoTHubDeviceClient_Destroy(first);
}

static const struct
{
    const char* name;
    void (*live)(const JSON_Object* task);
} scenarios[] = {{"day", day}, {"renewal", renewal}, {"takeover", takeover}, {"wrong_key", wrong_key}};

int main(int count, char** arguments)
{
    static char line[LONGEST];
    /* What the SDK said is not lost with a scenario that the alarm ends. */
    setvbuf(stdout, NULL, _IOLBF, 0);
    alarm(PATIENCE);
    must(count == 2, "one argument, the scenario");
    must(fgets(line, sizeof line, stdin) != NULL, "a task on standard input");
    JSON_Value* task = json_parse_string(line);
    must(task != NULL, "a task in JSON");
    JSON_Value* outcome = json_value_init_object();
    seen = json_object(outcome);
    MUST(IoTHub_Init());
    bool found = false;
    for (size_t index = 0; index < sizeof scenarios / sizeof *scenarios; index++)
    {
        if (strcmp(arguments[1], scenarios[index].name) == 0)
        {
            found = true;
            scenarios[index].live(json_object(task));
        }
    }
    must(found, arguments[1]);
    IoTHub_Deinit();
    char* text = json_serialize_to_string(outcome);
    printf("%s\n", text);
    json_free_serialized_string(text);
    json_value_free(outcome);
    json_value_free(task);
    return 0;
}
