/* From what went wrong, and where, to the exit status that scripts and systemd see. */
#ifndef SUPERVISOR_EXIT_STATUS_H
#define SUPERVISOR_EXIT_STATUS_H

/** The step that failed. */
enum exit_phase {
	EXIT_PHASE_FILE,   /* reading the configuration */
	EXIT_PHASE_CHECK,  /* its content, plugins and their settings */
	EXIT_PHASE_LOG,    /* opening the log */
	EXIT_PHASE_BIND,   /* sockets */
	EXIT_PHASE_WORKER, /* plugins' start, loops, threads */
	EXIT_PHASE_SYSTEM, /* everything else that only the kernel can refuse */
	EXIT_PHASE_COUNT
};

/** The exit status (sysexits.h) for the negative errno @p code; 0 is EX_OK. Every call names its phase. */
int exit_status(enum exit_phase phase, int code);

#endif
