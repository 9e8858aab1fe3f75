/* A sockd of another age: with this in the place of control/protocol_version.c it speaks a control protocol
 * that no other knows. Tests see that it is refused. */
#include "control/protocol.h"

const uint32_t protocol_version = 71;
const uint32_t protocol_oldest = 70;
