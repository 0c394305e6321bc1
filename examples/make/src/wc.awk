# Counts what it reads: lines, words, and the longest line.

function longest(line) {
  if (length(line) > most) most = length(line)
}

{ words += NF; longest($0) }

END { print NR " lines, " words " words, longest " most }
