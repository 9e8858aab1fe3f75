# A header of the plugin interface as a manual page: its comments are the text, its declarations the synopsis.
#
#   awk -f functions.awk include/sockd/io.h            the page
#   awk -v names=1 -f functions.awk include/sockd/io.h the functions' names, a line each

function page_of(path)
{
	sub(/.*\//, "", path)
	sub(/\.h$/, "", path)
	return "sockd_" path
}

# What roff would take for its own.
function escape(text)
{
	gsub(/\\/, "\\e", text)
	gsub(/-/, "\\-", text)
	if (text ~ /^[.']/)
		text = "\\&" text
	return text
}

function put(text)
{
	if (!names && text != "")
		print escape(text)
}

function macro(text)
{
	if (!names)
		print text
}

# One comment, as lines: paragraphs, @param and @return.
function put_comment(text, lines, n, i, line, name)
{
	n = split(text, lines, "\n")
	for (i = 1; i <= n; i++) {
		line = lines[i]
		gsub(/@p /, "", line)
		gsub(/@c /, "", line)
		if (match(line, /^@param +[a-z_]+/)) {
			name = substr(line, 1, RLENGTH)
			sub(/^@param +/, "", name)
			line = substr(line, RLENGTH + 1)
			sub(/^ +/, "", line)
			macro(".sp 0")
			macro("\\fI" name "\\fP:")
		} else if (line ~ /^@return/) {
			sub(/^@return */, "", line)
			macro(".sp 0")
			macro("Returns")
		} else if (line == "" && i > 1 && i < n) {
			macro(".sp")
		}
		# Both may stand within a line, too.
		while (match(line, /@return /)) {
			put(substr(line, 1, RSTART - 1))
			macro(".sp 0")
			macro("Returns")
			line = substr(line, RSTART + RLENGTH)
		}
		put(line)
	}
}

function strip(line)
{
	sub(/[ \t]*\*\/[ \t]*$/, "", line)
	sub(/^[ \t]*\/\*\*?[ \t]?/, "", line)
	sub(/^[ \t]*\* ?/, "", line)
	return line
}

# From `static inline TYPE NAME(ARGUMENTS) ...` to what a caller has to know.
function put_function(declaration, name)
{
	gsub(/[ \t]+/, " ", declaration)
	sub(/^ ?(static inline )?/, "", declaration)
	sub(/ SOCKD_FORMAT_\([^)]*\)/, "", declaration)
	sub(/ ?[{;].*$/, "", declaration)
	sub(/\( /, "(", declaration)
	if (!match(declaration, /sockd_[a-z0-9_]+\(/))
		return 0
	name = substr(declaration, RSTART, RLENGTH - 1)
	if (name in seen)
		return 0
	seen[name] = 1
	if (names) {
		print name
		return 1
	}
	begins = 0
	print ".TP"
	print ".B \"" escape(declaration) ";\""
	return 1
}

FNR == 1 {
	page = page_of(FILENAME)
	state = "title"
	first = 1
}

# ---- comments ----

state != "comment" && /^\/\*/ {
	is_doc = /^\/\*\*/
	comment = strip($0)
	state = /\*\/[ \t]*$/ ? "done" : "comment"
	if (state == "comment")
		next
}

state == "comment" {
	comment = comment "\n" strip($0)
	if (!/\*\/[ \t]*$/)
		next
	state = "done"
}

state == "done" {
	state = ""
	if (first) {
		first = 0
		title = comment
		sub(/^[^-]*- /, "", title)
		sub(/\. SPDX.*/, "", title)
		sub(/\n.*/, "", title)
		sub(/\.$/, "", title)
		body = comment
		sub(/^[^\n]*\n/, "", body)
		macro(".\\\" Generated from include/sockd: the comments there are its source.")
		macro(".TH " toupper(page) " 3 2026-11-25")
		macro(".SH NAME")
		macro(page " \\- " escape(title))
		macro(".SH SYNOPSIS")
		macro(page == "sockd_testing" ? ".B #include <sockd/testing.h>" : ".B #include <sockd/plugin.h>")
		macro(".SH DESCRIPTION")
		put_comment(body)
		macro(".SH FUNCTIONS")
	} else if (match(comment, /^---- .* ----$/)) {
		macro(".SS " escape(substr(comment, 6, length(comment) - 10)))
		begins = 1
	} else if (is_doc) {
		doc = comment
	} else if (comment !~ /^clang-format/) {
		if (!begins)
			macro(".PP")
		begins = 0
		put_comment(comment)
	}
	declaration = ""
	next
}

# ---- declarations ----

/^#/ || /^$/ {
	if (declaration == "")
		doc = /^$/ ? "" : doc
	next
}

doc != "" {
	declaration = declaration " " $0
	if (declaration ~ /[{;]/) {
		if (declaration ~ /sockd_[a-z0-9_]+\(/ && put_function(declaration) && !names)
			put_comment(doc)
		doc = declaration = ""
	}
}

END {
	macro(".SH SEE ALSO")
	macro(".BR sockd (8),")
	macro(".BR sockd\\-plugin (7)")
}
