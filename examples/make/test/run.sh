# Tests that print TAP.
count=0
failed=0
check() {
  count=$((count + 1))
  if [ "$2" = "$3" ]; then echo "ok $count - $1"; else echo "not ok $count - $1"; echo "# got $2, want $3"; failed=1; fi
}

check "words are counted" "$(printf 'a b\nc\n' | awk -f src/wc.awk)" "2 lines, 3 words, longest 3"
check "three lines are the first" "$(printf '1\n2\n3\n4\n' | awk -f src/head.awk | wc -l | tr -d ' ')" "3"
check "as many as are asked for" "$(printf '1\n2\n' | awk -v n=1 -f src/head.awk)" "1"
check "nothing is counted as nothing" "$(awk -f src/wc.awk </dev/null)" "0 lines, 0 words, longest 0"
echo "1..$count"
exit $failed
