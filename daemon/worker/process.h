/* A worker in a process of its own: what `sockd --worker FD` runs. */
#ifndef WORKER_PROCESS_H
#define WORKER_PROCESS_H

/**
 * Obey the supervisor at the other end of @p fd until it says END, or until it is gone: then drain, and end.
 *
 * @param fd  a control socket; moves
 * @return the exit status
 */
int process_main(int fd);

#endif
