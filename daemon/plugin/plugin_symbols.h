/* The symbols that a plugin file defines for others, read from the file without loading it. */
#ifndef PLUGIN_PLUGIN_SYMBOLS_H
#define PLUGIN_PLUGIN_SYMBOLS_H

/** Call @p each for every global symbol that the shared object in @p fd defines, but for sockd_plugin and
 * what the linker itself adds. A file that is no ELF object of this machine's kind, or is cut, has none.
 *
 * @param fd  can be mapped; borrowed */
void plugin_symbols_each(int fd, void (*each)(void *arg, const char *symbol), void *arg);

#endif
