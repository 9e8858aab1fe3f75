/* The verbs about bans, and what the rules would do with a client. */
#ifndef SUPERVISOR_ADMIN_BANS_H
#define SUPERVISOR_ADMIN_BANS_H

#include "supervisor/admin_call.h"

void verb_ban(struct admin_call *call);
void verb_unban(struct admin_call *call);
void verb_bans(struct admin_call *call);
void verb_why(struct admin_call *call);

#endif
