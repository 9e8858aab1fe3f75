/* The section headers name the table of dynamic symbols and its strings. Every offset is checked against the
 * file's size: the file may be anything. */
#include "plugin/plugin_symbols.h"

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct image {
	const unsigned char *bytes;
	size_t size;
};

/* @return the @p count objects of @p size bytes at @p offset, or NULL: not all within the file, or askew */
static const void *
image_at(const struct image *i, uint64_t offset, uint64_t count, size_t size)
{
	uint64_t total;

	if (__builtin_mul_overflow(count, size, &total) || offset > i->size || total > i->size - offset ||
		offset % _Alignof(ElfW(Word)) != 0)
		return NULL;
	return i->bytes + offset;
}

static bool
is_our_kind(const ElfW(Ehdr) * h)
{
	const unsigned char class = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;

	return memcmp(h->e_ident, ELFMAG, SELFMAG) == 0 && h->e_ident[EI_CLASS] == class &&
	       h->e_shentsize == sizeof(ElfW(Shdr));
}

static bool
is_of_interest(const ElfW(Sym) * s, const char *name)
{
	static const char *const expected[] = { "sockd_plugin", "_init", "_fini", "_edata", "_end",
		"__bss_start" };
	unsigned binding = s->st_info >> 4;

	if (s->st_shndx == SHN_UNDEF || (binding != STB_GLOBAL && binding != STB_WEAK) ||
		(s->st_other & 3) != STV_DEFAULT)
		return false;
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
		if (strcmp(expected[i], name) == 0)
			return false;
	return true;
}

static void
each_of_table(const struct image *i, const ElfW(Shdr) * sections, unsigned count, const ElfW(Shdr) * table,
	void (*each)(void *, const char *), void *arg)
{
	uint64_t symbols = table->sh_size / sizeof(ElfW(Sym));
	const ElfW(Sym) *s = image_at(i, table->sh_offset, symbols, sizeof *s);
	const ElfW(Shdr) *strings = table->sh_link < count ? &sections[table->sh_link] : NULL;
	const char *names = strings != NULL ? image_at(i, strings->sh_offset, strings->sh_size, 1) : NULL;

	if (s == NULL || names == NULL || strings->sh_size == 0 || names[strings->sh_size - 1] != '\0')
		return;
	for (uint64_t k = 0; k < symbols; k++)
		if (s[k].st_name < strings->sh_size && is_of_interest(&s[k], names + s[k].st_name))
			each(arg, names + s[k].st_name);
}

void
plugin_symbols_each(int fd, void (*each)(void *arg, const char *symbol), void *arg)
{
	struct image image;
	const ElfW(Ehdr) * header;
	const ElfW(Shdr) * sections;
	struct stat st;
	void *map;

	if (fstat(fd, &st) < 0 || st.st_size < (off_t)sizeof *header)
		return;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return;
	image = (struct image){ .bytes = map, .size = (size_t)st.st_size };
	header = map;
	sections = is_our_kind(header) ? image_at(&image, header->e_shoff, header->e_shnum, sizeof *sections)
				       : NULL;
	for (unsigned k = 0; sections != NULL && k < header->e_shnum; k++)
		if (sections[k].sh_type == SHT_DYNSYM)
			each_of_table(&image, sections, header->e_shnum, &sections[k], each, arg);
	munmap(map, (size_t)st.st_size);
}
