# Files as C strings: a table of struct template_file.

BEGIN {
	print "/* Generated from plugins/template by embed.awk. */"
	print "#include \"run/plugin_new.h\""
	print ""
	print "const struct template_file template_files[] = {"
}

FNR == 1 {
	if (NR > 1)
		print "\t},"
	name = FILENAME
	sub(/.*\//, "", name)
	printf "\t{ \"%s\",\n", name
}

{
	gsub(/\\/, "&&")
	gsub(/"/, "\\\"")
	gsub(/\t/, "\\t")
	printf "\t\t\"%s\\n\"\n", $0
}

END {
	print "\t},"
	print "\t{ 0 },"
	print "};"
}
