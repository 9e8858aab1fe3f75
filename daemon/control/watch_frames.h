/* The frames of a crash, for a person: where plugins are loaded from says nothing, so their frames are told
 * by the file that was configured, and the offset into it that addr2line(1) takes. */
#ifndef CONTROL_WATCH_FRAMES_H
#define CONTROL_WATCH_FRAMES_H

/** A library was loaded as /proc/self/fd/@p fd: its frames are told as @p path, lent until it is forgotten.
 * Beyond a few hundred libraries they keep their number. Any thread. */
void watch_frames_name(int fd, const char *path);
void watch_frames_forget(int fd);

/** Write them to @p to, a line each: FILE(+OFFSET)[ADDRESS]. For a signal handler, once backtrace() has been
 * called before: it takes no memory. */
void watch_frames_write(void *const *frames, int count, int to);

#endif
