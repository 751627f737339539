/* What a device does with Microsoft's own SDK for C, unmodified, against the emulator.
 *
 * Run as `scenarios NAME` with the task, a JSON object, on standard input: who the device is, what it proves itself with and which
 * way it goes (foreign_sdk/place.rs has its members). The emulator's authority comes from SSL_CERT_FILE. The SDK logs to standard
 * output; the last line there is one JSON object with what was seen, which the tests compare with what the hub knows. Nothing here
 * asserts: a scenario that cannot go on ends with a failure. There is no operator in it, because this SDK has no services' side
 * over what the emulator speaks: the tests are the operator.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <azure_c_shared_utility/map.h>
#include <azure_c_shared_utility/shared_util_options.h>
#include <azure_prov_client/iothub_security_factory.h>
#include <azure_prov_client/prov_device_client.h>
#include <azure_prov_client/prov_security_factory.h>
#include <azure_prov_client/prov_transport_mqtt_client.h>
#include <azure_prov_client/prov_transport_mqtt_ws_client.h>
#include <iothub.h>
#include <iothub_client_options.h>
#include <iothub_device_client.h>
#include <iothubtransportmqtt.h>
#include <iothubtransportmqtt_websockets.h>
#include <parson.h>

#define MODEL "dtmi:com:example:Thermostat;1"

/* Seconds that a scenario may take; long, because machines that run tests are busy. */
#define PATIENCE 120

/* Longest task, connection string or file, in bytes. */
#define LONGEST 16384

static void must(bool well, const char* what)
{
    if (!well)
    {
        fprintf(stderr, "did not go well: %s\n", what);
        exit(1);
    }
}

#define MUST(call) must((call) == 0, #call)

/* The names of what provisioning comes to, which the SDK leaves to who prints them. */
MU_DEFINE_ENUM_STRINGS_WITHOUT_INVALID(PROV_DEVICE_RESULT, PROV_DEVICE_RESULT_VALUE)

/* What was seen, by name. The SDK calls back from a thread of its own. */
static JSON_Object* seen;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void see(const char* name, JSON_Value* value)
{
    pthread_mutex_lock(&lock);
    json_object_set_value(seen, name, value);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static bool has_seen(const char* name)
{
    pthread_mutex_lock(&lock);
    bool has = json_object_has_value(seen, name);
    pthread_mutex_unlock(&lock);
    return has;
}

/* Waits until something of that name has been seen; the alarm ends what does not come. */
static void wait_for(const char* name)
{
    pthread_mutex_lock(&lock);
    while (!json_object_has_value(seen, name))
    {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
}

/* The JSON in a buffer that does not end with a zero; null for none. */
static JSON_Value* parsed(const unsigned char* bytes, size_t size)
{
    char* text = calloc(1, size + 1);
    must(text != NULL, "memory for a payload");
    memcpy(text, bytes, size);
    JSON_Value* value = json_parse_string(text);
    free(text);
    return value != NULL ? value : json_value_init_null();
}

static char* text_of_file(const char* path)
{
    char* text = calloc(1, LONGEST);
    FILE* file = fopen(path, "r");
    must(text != NULL && file != NULL, path);
    must(fread(text, 1, LONGEST - 1, file) > 0, path);
    fclose(file);
    return text;
}

static bool over_websockets(const JSON_Object* task)
{
    return strcmp(json_object_get_string(task, "transport"), "websockets") == 0;
}

/* The proxy that a task names, if it names one. */
static bool proxy_of(const JSON_Object* task, HTTP_PROXY_OPTIONS* proxy)
{
    memset(proxy, 0, sizeof *proxy);
    proxy->host_address = json_object_dotget_string(task, "proxy.host");
    proxy->port = (int)json_object_dotget_number(task, "proxy.port");
    return proxy->host_address != NULL;
}

static void on_assigned(PROV_DEVICE_RESULT result, const char* hub, const char* device, void* context)
{
    (void)context;
    JSON_Value* value = json_value_init_object();
    const bool well = result == PROV_DEVICE_RESULT_OK;
    json_object_set_string(json_object(value), "status", well ? "assigned" : MU_ENUM_TO_STRING(PROV_DEVICE_RESULT, result));
    json_object_set_string(json_object(value), "hub", well ? hub : "");
    json_object_set_string(json_object(value), "device", well ? device : "");
    see("assigned", value);
}

/* Has DPS assign the device, by its symmetric key. */
static void provision(const JSON_Object* task)
{
    const char* endpoint = json_object_dotget_string(task, "dps.endpoint");
    const char* scope = json_object_dotget_string(task, "dps.idScope");
    MUST(prov_dev_set_symmetric_key_info(json_object_get_string(task, "deviceId"), json_object_get_string(task, "key")));
    MUST(prov_dev_security_init(SECURE_DEVICE_TYPE_SYMMETRIC_KEY));
    PROV_DEVICE_HANDLE client =
        Prov_Device_Create(endpoint, scope, over_websockets(task) ? Prov_Device_MQTT_WS_Protocol : Prov_Device_MQTT_Protocol);
    must(client != NULL, "Prov_Device_Create");
    HTTP_PROXY_OPTIONS proxy;
    if (proxy_of(task, &proxy))
    {
        MUST(Prov_Device_SetOption(client, OPTION_HTTP_PROXY, &proxy));
    }
    MUST(Prov_Device_Set_Provisioning_Payload(client, "{\"modelId\": \"" MODEL "\"}"));
    MUST(Prov_Device_Register_Device(client, on_assigned, NULL, NULL, NULL));
    wait_for("assigned");
    Prov_Device_Destroy(client);
}

/* A client for the device of a task. It connects by itself. */
static IOTHUB_DEVICE_CLIENT_HANDLE device_client(const JSON_Object* task)
{
    const IOTHUB_CLIENT_TRANSPORT_PROVIDER transport = over_websockets(task) ? MQTT_WebSocket_Protocol : MQTT_Protocol;
    const char* given = json_object_get_string(task, "connectionString");
    const char* key = json_object_get_string(task, "key");
    IOTHUB_DEVICE_CLIENT_HANDLE client;
    if (json_object_has_value(seen, "assigned"))
    {
        const char* hub = json_object_dotget_string(seen, "assigned.hub");
        MUST(iothub_security_init(IOTHUB_SECURITY_TYPE_SYMMETRIC_KEY));
        client = IoTHubDeviceClient_CreateFromDeviceAuth(hub, json_object_dotget_string(seen, "assigned.device"), transport);
    }
    else
    {
        char text[LONGEST];
        snprintf(text, sizeof text, "HostName=%s;DeviceId=%s;%s%s", json_object_get_string(task, "hub"),
            json_object_get_string(task, "deviceId"), key != NULL ? "SharedAccessKey=" : "x509=true", key != NULL ? key : "");
        client = IoTHubDeviceClient_CreateFromConnectionString(given != NULL ? given : text, transport);
    }
    must(client != NULL, "a client for the device");
    if (json_object_has_value(task, "certificate"))
    {
        char* certificate = text_of_file(json_object_get_string(task, "certificate"));
        char* private_key = text_of_file(json_object_get_string(task, "privateKey"));
        MUST(IoTHubDeviceClient_SetOption(client, OPTION_X509_CERT, certificate));
        MUST(IoTHubDeviceClient_SetOption(client, OPTION_X509_PRIVATE_KEY, private_key));
        free(certificate);
        free(private_key);
    }
    HTTP_PROXY_OPTIONS proxy;
    if (proxy_of(task, &proxy))
    {
        MUST(IoTHubDeviceClient_SetOption(client, OPTION_HTTP_PROXY, &proxy));
    }
    MUST(IoTHubDeviceClient_SetOption(client, OPTION_MODEL_ID, MODEL));
    /* Otherwise names and values stand in topics as they are, and an & in one is the end of it. */
    const bool encode = true;
    MUST(IoTHubDeviceClient_SetOption(client, OPTION_AUTO_URL_ENCODE_DECODE, &encode));
    return client;
}

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

int main(int count, char** arguments)
{
    static char line[LONGEST];
    alarm(PATIENCE);
    must(count == 2, "one argument, the scenario");
    must(fgets(line, sizeof line, stdin) != NULL, "a task on standard input");
    JSON_Value* task = json_parse_string(line);
    must(task != NULL, "a task in JSON");
    JSON_Value* outcome = json_value_init_object();
    seen = json_object(outcome);
    MUST(IoTHub_Init());
    if (strcmp(arguments[1], "day") == 0)
    {
        day(json_object(task));
    }
    else
    {
        must(strcmp(arguments[1], "wrong_key") == 0, arguments[1]);
        wrong_key(json_object(task));
    }
    IoTHub_Deinit();
    char* text = json_serialize_to_string(outcome);
    printf("%s\n", text);
    json_free_serialized_string(text);
    json_value_free(outcome);
    json_value_free(task);
    return 0;
}
