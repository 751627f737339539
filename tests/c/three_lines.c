/* The program around the README's lines in C, which the tests write into the file "lines". */

#include <stdlib.h>

#include <azure_c_shared_utility/threadapi.h>
#include <iothub.h>
#include <iothub_device_client.h>
#include <iothubtransportmqtt.h>

int main(void)
{
#include "lines"
    IOTHUB_CLIENT_STATUS status = IOTHUB_CLIENT_SEND_STATUS_BUSY;
    while (IoTHubDeviceClient_GetSendStatus(device, &status) == IOTHUB_CLIENT_OK && status == IOTHUB_CLIENT_SEND_STATUS_BUSY)
    {
        ThreadAPI_Sleep(10);
    }
    IoTHubDeviceClient_Destroy(device);
    IoTHub_Deinit();
    return status == IOTHUB_CLIENT_SEND_STATUS_IDLE ? 0 : 1;
}
