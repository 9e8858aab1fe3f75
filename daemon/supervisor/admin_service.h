/* What the admin socket sees of a service: the table that joins the two. */
#ifndef SUPERVISOR_ADMIN_SERVICE_H
#define SUPERVISOR_ADMIN_SERVICE_H

#include "supervisor/admin.h"

struct service;

/** The argument of every function of the table is a struct service. */
extern const struct admin_host admin_service_host;

#endif
