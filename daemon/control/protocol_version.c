/* Two numbers in a file of their own: a test links other ones, to see that strangers are refused. */
#include "control/protocol.h"

const uint32_t protocol_version = 1;
const uint32_t protocol_oldest = 1;
