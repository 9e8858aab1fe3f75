/* recv(), send() and the like, straight to the kernel. In a process of several threads the C library makes
 * each of them a point at which a thread can be cancelled: two atomic exchanges about the call, a fortieth of
 * a small message's whole way. Nobody cancels our threads (pthread_cancel(3) could not end a loop cleanly). A
 * sanitizer has to see the calls, so its builds use the library's. */
#ifndef BASE_SOCKET_CALL_H
#define BASE_SOCKET_CALL_H

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SOCKET_CALL_BY_LIBRARY 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(SYS_recvfrom) || \
	!defined(SYS_sendto)
#define SOCKET_CALL_BY_LIBRARY 1
#endif

/** As recv(2). */
static inline ssize_t
socket_recv(int fd, void *buf, size_t size, int flags)
{
#ifdef SOCKET_CALL_BY_LIBRARY
	return recv(fd, buf, size, flags);
#else
	return syscall(SYS_recvfrom, fd, buf, size, flags, NULL, NULL);
#endif
}

/** As send(2). */
static inline ssize_t
socket_send(int fd, const void *buf, size_t size, int flags)
{
#ifdef SOCKET_CALL_BY_LIBRARY
	return send(fd, buf, size, flags);
#else
	return syscall(SYS_sendto, fd, buf, size, flags, NULL, 0);
#endif
}

/** As recvmsg(2). */
static inline ssize_t
socket_recvmsg(int fd, struct msghdr *message, int flags)
{
#ifdef SOCKET_CALL_BY_LIBRARY
	return recvmsg(fd, message, flags);
#else
	return syscall(SYS_recvmsg, fd, message, flags);
#endif
}

#endif
