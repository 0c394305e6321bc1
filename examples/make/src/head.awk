# The first lines, three if nothing else is asked for with -v n=.
NR <= (n ? n : 3)
