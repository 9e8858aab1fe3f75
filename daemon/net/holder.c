/* The tables in /proc/net give an inode for each socket, and /proc/PID/fd the processes that have it open:
 * what `ss -p` does, for a single socket. A wrong guess only makes a message less helpful, so every failure
 * here is silence. */
#include "net/holder.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { NO_USER = -1 };

/* What a line of a table gives. */
struct found {
	unsigned long inode;
	long uid; /* NO_USER: the table does not say */
};

static bool
folder_has_inode(const char *fd_folder, const char *wanted)
{
	DIR *folder = opendir(fd_folder);
	const struct dirent *entry;
	bool found = false;

	if (folder == NULL)
		return false;
	while (!found && (entry = readdir(folder)) != NULL) {
		char target[64];
		ssize_t n = readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1);

		if (n > 0) {
			target[n] = '\0';
			found = strcmp(target, wanted) == 0;
		}
	}
	closedir(folder);
	return found;
}

/* 0: nobody whom we may look at. */
static pid_t
pid_of_inode(unsigned long inode)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	char wanted[64], path[280];
	pid_t pid = 0;

	if (proc == NULL)
		return 0;
	snprintf(wanted, sizeof wanted, "socket:[%lu]", inode);
	while (pid == 0 && (entry = readdir(proc)) != NULL) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof path, "/proc/%s/fd", entry->d_name);
		if (folder_has_inode(path, wanted))
			pid = (pid_t)strtol(entry->d_name, NULL, 10);
	}
	closedir(proc);
	return pid;
}

void
holder_of_pid(pid_t pid, char text[HOLDER_TEXT_SIZE])
{
	char path[32], name[32] = "";
	FILE *f;

	if (pid == getpid()) {
		snprintf(text, HOLDER_TEXT_SIZE, HOLDER_IS_SELF);
		return;
	}
	snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
	f = fopen(path, "re");
	if (f != NULL) {
		if (fgets(name, sizeof name, f) == NULL)
			name[0] = '\0';
		fclose(f);
	}
	name[strcspn(name, "\n")] = '\0';
	for (char *c = name; *c != '\0'; c++)
		if (!isprint((unsigned char)*c))
			*c = '?'; /* a process chooses its name */
	snprintf(text, HOLDER_TEXT_SIZE, "%s (pid %d)", name[0] != '\0' ? name : "a process", (int)pid);
}

static bool
tell(const struct found *found, char text[HOLDER_TEXT_SIZE])
{
	pid_t pid = pid_of_inode(found->inode);

	if (pid > 0)
		holder_of_pid(pid, text);
	else if (found->uid != NO_USER)
		snprintf(text, HOLDER_TEXT_SIZE, "a process of user %ld", found->uid);
	else
		return false;
	return true;
}

/* An address as one of 16 bytes, IPv4 mapped, so that the four tables compare alike. */
struct key {
	struct in6_addr address;
	unsigned port;
};

static bool
is_any(const struct in6_addr *a)
{
	return IN6_IS_ADDR_UNSPECIFIED(a) || (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr32[3] == 0);
}

static struct key
key_of(const struct sockaddr_storage *address)
{
	struct key k = { 0 };

	if (address->ss_family == AF_INET6) {
		k.address = ((const struct sockaddr_in6 *)address)->sin6_addr;
		k.port = ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
	} else {
		k.address.s6_addr32[2] = htonl(0xffff);
		k.address.s6_addr32[3] = ((const struct sockaddr_in *)address)->sin_addr.s_addr;
		k.port = ntohs(((const struct sockaddr_in *)address)->sin_port);
	}
	return k;
}

/* The tables print each 32-bit word of an address as the machine reads it. */
static bool
parse_local(const char *hex, struct key *ret)
{
	size_t words = strspn(hex, "0123456789ABCDEF") / 8;

	*ret = (struct key){ 0 };
	if (words != 1 && words != 4)
		return false;
	ret->address.s6_addr32[2] = words == 1 ? htonl(0xffff) : 0;
	for (size_t i = 0; i < words; i++)
		if (sscanf(hex + 8 * i, "%8" SCNx32, &ret->address.s6_addr32[words == 1 ? 3 : i]) != 1)
			return false;
	return sscanf(hex + 8 * words, ":%x", &ret->port) == 1;
}

static bool
search_table(const char *path, int type, const struct key *wanted, struct found *ret)
{
	FILE *f = fopen(path, "re");
	char line[512], local[48];
	bool found = false;

	if (f == NULL)
		return false;
	while (!found && fgets(line, sizeof line, f) != NULL) {
		struct key k;
		unsigned state;

		if (sscanf(line, " %*d: %47s %*s %x %*s %*s %*s %ld %*d %lu", local, &state, &ret->uid,
			    &ret->inode) != 4 ||
			!parse_local(local, &k) || k.port != wanted->port)
			continue;
		found = (type == SOCK_DGRAM || state == 0x0a /* listening */) &&
			(is_any(&k.address) || is_any(&wanted->address) ||
				IN6_ARE_ADDR_EQUAL(&k.address, &wanted->address));
	}
	fclose(f);
	return found;
}

bool
holder_of_inet(int type, const struct sockaddr_storage *address, char text[HOLDER_TEXT_SIZE])
{
	static const char *const tables[2][2] = { { "/proc/net/tcp", "/proc/net/tcp6" },
		{ "/proc/net/udp", "/proc/net/udp6" } };
	struct key wanted = key_of(address);
	struct found found;

	text[0] = '\0';
	for (size_t i = 0; i < 2; i++)
		if (search_table(tables[type == SOCK_DGRAM][i], type, &wanted, &found))
			return tell(&found, text);
	return false;
}

bool
holder_of_unix(const char *name, bool abstract, char text[HOLDER_TEXT_SIZE])
{
	FILE *f = fopen("/proc/net/unix", "re");
	char line[512];
	struct found found = { .uid = NO_USER };
	bool is = false;

	text[0] = '\0';
	if (f == NULL)
		return false;
	while (!is && fgets(line, sizeof line, f) != NULL) {
		int at = 0;

		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%*s %*s %*s %*s %*s %*s %lu %n", &found.inode, &at) != 1 || at == 0)
			continue;
		is = abstract ? line[at] == '@' && strcmp(line + at + 1, name) == 0
			      : strcmp(line + at, name) == 0;
	}
	fclose(f);
	return is && tell(&found, text);
}
