/* Who the device of a task is, what it proves itself with and which way it goes: in the SDK's calls. foreign_sdk/place.rs has a
 * task's members. */

#ifndef CLIENT_H
#define CLIENT_H

#include <azure_c_shared_utility/shared_util_options.h>
#include <azure_prov_client/iothub_security_factory.h>
#include <azure_prov_client/prov_device_client.h>
#include <azure_prov_client/prov_security_factory.h>
#include <azure_prov_client/prov_transport_mqtt_client.h>
#include <azure_prov_client/prov_transport_mqtt_ws_client.h>
#include <iothub_client_options.h>
#include <iothub_device_client.h>
#include <iothubtransportmqtt.h>
#include <iothubtransportmqtt_websockets.h>

#include "seen.h"

#define MODEL "dtmi:com:example:Thermostat;1"

/* Longest task, connection string or file, in bytes. */
#define LONGEST 16384

/* The names of what provisioning comes to, which the SDK leaves to who prints them. */
MU_DEFINE_ENUM_STRINGS_WITHOUT_INVALID(PROV_DEVICE_RESULT, PROV_DEVICE_RESULT_VALUE)

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

/* Whether the device has a certificate; else it has a symmetric key. */
static bool has_certificate(const JSON_Object* task)
{
    return json_object_has_value(task, "certificate");
}

/* Has DPS assign the device. */
static void provision(const JSON_Object* task)
{
    const char* endpoint = json_object_dotget_string(task, "dps.endpoint");
    const char* scope = json_object_dotget_string(task, "dps.idScope");
    const char* id = json_object_get_string(task, "deviceId");
    if (!has_certificate(task))
    {
        MUST(prov_dev_set_symmetric_key_info(id, json_object_get_string(task, "key")));
    }
    MUST(prov_dev_security_init(has_certificate(task) ? SECURE_DEVICE_TYPE_X509 : SECURE_DEVICE_TYPE_SYMMETRIC_KEY));
    PROV_DEVICE_HANDLE client =
        Prov_Device_Create(endpoint, scope, over_websockets(task) ? Prov_Device_MQTT_WS_Protocol : Prov_Device_MQTT_Protocol);
    must(client != NULL, "Prov_Device_Create");
    if (has_certificate(task))
    {
        char* certificate = text_of_file(json_object_get_string(task, "certificate"));
        char* private_key = text_of_file(json_object_get_string(task, "privateKey"));
        MUST(Prov_Device_SetOption(client, PROV_REGISTRATION_ID, id));
        MUST(Prov_Device_SetOption(client, OPTION_X509_CERT, certificate));
        MUST(Prov_Device_SetOption(client, OPTION_X509_PRIVATE_KEY, private_key));
        free(certificate);
        free(private_key);
    }
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
    const bool assigned = json_object_has_value(seen, "assigned");
    const char* hub = assigned ? json_object_dotget_string(seen, "assigned.hub") : json_object_get_string(task, "hub");
    const char* id = assigned ? json_object_dotget_string(seen, "assigned.device") : json_object_get_string(task, "deviceId");
    IOTHUB_DEVICE_CLIENT_HANDLE client;
    if (assigned && key != NULL)
    {
        MUST(iothub_security_init(IOTHUB_SECURITY_TYPE_SYMMETRIC_KEY));
        client = IoTHubDeviceClient_CreateFromDeviceAuth(hub, id, transport);
    }
    else
    {
        char text[LONGEST];
        snprintf(text, sizeof text, "HostName=%s;DeviceId=%s;%s%s", hub, id, key != NULL ? "SharedAccessKey=" : "x509=true",
            key != NULL ? key : "");
        client = IoTHubDeviceClient_CreateFromConnectionString(given != NULL ? given : text, transport);
    }
    must(client != NULL, "a client for the device");
    if (has_certificate(task))
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

#endif
